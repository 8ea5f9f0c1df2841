"""A version of limits has two people behind it, begins on its day, and keeps what was shown."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.db import PortalSession
from portal.domain import DomainError, policy
from portal.domain.money import Cents
from portal.domain.policy import Band, Policy, Tier
from portal.domain.terms import Choice, Kind
from portal.models import (
    Account,
    Client,
    EntryKind,
    OfferPolicy,
    PolicyDraft,
    Role,
    ShownOffer,
    Staff,
)
from portal.services import evidence
from portal.services.approvals import (
    REHEARSAL_COUNTS_FOR,
    Incomplete,
    NoteMissing,
    NotRehearsed,
    RehearsalTooOld,
    SecondPersonNeeded,
    approve,
    others_who_approve,
    planned,
    send_back,
)
from portal.services.choices import Picked, draft
from portal.services.drafts import (
    DraftChanged,
    NothingToPutBack,
    Written,
    discard_draft,
    draft_of,
    limits_of,
    put_back,
    save_draft,
)
from portal.services.ledger import lock_account, post
from portal.services.offers import offers_for, promise
from portal.services.policies import Release, live_policy, publish_policy, versions_of
from portal.services.rehearsals import ask, run_batch
from portal.services.visits import LONGEST
from tests.databases import acting_as
from tests.factories import (
    NOW,
    make_account,
    make_client,
    make_debtor,
    make_policy,
    make_visit,
)
from tests.pages.staff import make_staff
from tests.services.test_acceptance import agree

DAY = timedelta(days=1)
Office = tuple[Client, Staff, Staff]


@pytest.fixture
def office(session: PortalSession) -> Office:
    """A client with limits in force and two admins."""
    client = make_client(session)
    make_policy(session, client)
    cleo, carl = (make_staff(session, Role.CLIENT_ADMIN, client, name=n) for n in ("Cleo", "Carl"))
    return client, cleo, carl


def tightened(session: PortalSession, client: Client, **given: object) -> Policy:
    live = live_policy(session, client.id, NOW).policy
    return replace(live, bands=(Band(tiers=(Tier(8_500),)),), **given)  # type: ignore[arg-type]


def write(
    session: PortalSession,
    client: Client,
    document: Policy | None,
    staff: Staff,
    *,
    revision: int = 0,
) -> PolicyDraft:
    typed = policy.sha256(document) if document else "abc"
    written = Written({"plan_months": [typed]}, document, 1)
    return save_draft(session, client.id, written, revision=revision, staff=staff, now=NOW)


def rehearse(session: PortalSession, client: Client, staff: Staff, now: datetime = NOW) -> None:
    found = draft_of(session, client.id)
    document = limits_of(found) if found else None
    assert document is not None
    asked = ask(session, client.id, document, staff=staff, now=now)
    with acting_as("portal_worker", session):
        run_batch(session, client.id, asked.id, now=now)


def test_two_people_stand_behind_a_version_and_the_record_names_both(
    session: PortalSession, office: Office
) -> None:
    """PY-01"""
    client, cleo, carl = office
    write(session, client, tightened(session, client), cleo)
    rehearse(session, client, cleo)
    done = approve(session, client.id, revision=1, staff=carl, now=NOW)
    row = session.scalars(select(OfferPolicy).where(OfferPolicy.version == 2)).one()
    assert (row.published_by, row.approved_by) == (cleo.id, carl.id)
    assert live_policy(session, client.id, NOW) == done
    assert draft_of(session, client.id) is None
    leaves = evidence.chain_leaves(session, client.id, client.chain_id)
    told = {leaf.type: leaf.payload for leaf in leaves}
    assert [leaf.type for leaf in leaves[-2:]] == ["policy.approved", "policy.published"]
    assert told["policy.approved"]["actor"]["id"] == str(carl.id)
    assert told["policy.approved"]["sha256"] == told["policy.draft_saved"]["sha256"]
    assert told["policy.published"] | {"actor": {}} == {
        "v": 1,
        "type": "policy.published",
        "actor": {},
        "version": 2,
        "sha256": done.sha256,
        "approved_by": str(carl.id),
        "authors": [str(cleo.id)],
        "rehearsal": str(row.rehearsal_id),
    }


def both_write(session: PortalSession, office: Office) -> None:
    client, cleo, carl = office
    write(session, client, tightened(session, client), cleo)
    write(session, client, tightened(session, client, pay_in_full=False), carl, revision=1)


def test_nobody_approves_limits_of_which_they_wrote_a_part_py_01(
    session: PortalSession, office: Office
) -> None:
    client, cleo, carl = office
    third = make_staff(session, Role.CLIENT_ADMIN, client, name="Cora")
    both_write(session, office)
    send_back(session, client.id, "More.", revision=2, staff=third, now=NOW)
    write(session, client, tightened(session, client, answer_working_days=5), carl, revision=2)
    rehearse(session, client, cleo)
    for author in (cleo, carl):
        with pytest.raises(SecondPersonNeeded):
            approve(session, client.id, revision=3, staff=author, now=NOW)
    assert others_who_approve(session, client.id, [cleo.id, carl.id]) == ["Cora"]
    assert approve(session, client.id, revision=3, staff=third, now=NOW).version == 2
    row = session.scalars(select(OfferPolicy).where(OfferPolicy.version == 2)).one()
    assert row.authors == [cleo.id, carl.id]


def test_the_database_refuses_an_approver_who_wrote_a_part_py_01(
    session: PortalSession, office: Office
) -> None:
    client, cleo, carl = office
    release = Release(approved_by=cleo.id, authors=(cleo.id, carl.id))
    document = tightened(session, client)
    with pytest.raises(IntegrityError, match="approver_wrote_nothing"):
        publish_policy(session, client.id, document, by=carl.id, now=NOW, release=release)


def test_two_who_both_wrote_go_back_to_what_the_first_wrote_alone_and_the_other_approves(
    session: PortalSession, office: Office
) -> None:
    client, cleo, carl = office
    both_write(session, office)
    put_back(session, client.id, revision=2, staff=carl, now=NOW)
    kept = draft_of(session, client.id)
    assert kept is not None
    assert (kept.revision, kept.writers) == (3, [cleo.id])
    assert limits_of(kept) == replace(tightened(session, client), version=1)
    with pytest.raises(NothingToPutBack):
        put_back(session, client.id, revision=3, staff=carl, now=NOW)
    rehearse(session, client, cleo)
    assert approve(session, client.id, revision=3, staff=carl, now=NOW).version == 2
    leaves = evidence.chain_leaves(session, client.id, client.chain_id)
    told = next(leaf.payload for leaf in leaves if leaf.type == "policy.draft_put_back")
    assert (told["actor"]["id"], told["written_by"]) == (str(carl.id), str(cleo.id))


def test_who_only_opens_a_draft_and_keeps_it_as_it_is_wrote_nothing(
    session: PortalSession, office: Office
) -> None:
    client, cleo, carl = office
    document = tightened(session, client)
    write(session, client, document, cleo)
    again = Written({"plan_months": ["typed otherwise"]}, document, 1)
    save_draft(session, client.id, again, revision=1, staff=carl, now=NOW)
    rehearse(session, client, cleo)
    assert approve(session, client.id, revision=1, staff=carl, now=NOW).version == 2


def test_a_rehearsal_counts_for_seven_days_and_can_be_run_again(
    session: PortalSession, office: Office
) -> None:
    client, cleo, carl = office
    write(session, client, tightened(session, client), cleo)
    rehearse(session, client, cleo)
    late = NOW + REHEARSAL_COUNTS_FOR + timedelta(seconds=1)
    with pytest.raises(RehearsalTooOld):
        approve(session, client.id, revision=1, staff=carl, now=late)
    rehearse(session, client, cleo, late)
    assert approve(session, client.id, revision=1, staff=carl, now=late).version == 2


def test_every_planned_version_is_told_with_what_takes_its_place(
    session: PortalSession, office: Office
) -> None:
    client, _, _ = office
    for days in (10, 20, 5, 30):
        release = Release(live_from=NOW + days * DAY)
        publish_policy(
            session, client.id, tightened(session, client), by=None, now=NOW, release=release
        )
    found = planned(versions_of(session, client.id), NOW)
    told = [(one.row.version, one.next and one.next.version, one.never) for one in found]
    assert told == [(4, 5, False), (2, 4, True), (3, 4, True), (5, None, False)]


def test_what_is_approved_is_what_was_rehearsed_against_what_is_in_force(
    session: PortalSession, office: Office
) -> None:
    client, cleo, carl = office
    write(session, client, tightened(session, client), cleo)
    with pytest.raises(NotRehearsed):
        approve(session, client.id, revision=1, staff=carl, now=NOW)
    rehearse(session, client, cleo)
    write(session, client, tightened(session, client, pay_in_full=False), cleo, revision=1)
    with pytest.raises(NotRehearsed):
        approve(session, client.id, revision=2, staff=carl, now=NOW)
    rehearse(session, client, cleo)
    publish_policy(session, client.id, Policy(0, "USD"), by=None, now=NOW)
    with pytest.raises(NotRehearsed):
        approve(session, client.id, revision=2, staff=carl, now=NOW)


def test_a_draft_that_breaks_a_rule_is_kept_as_typed_and_not_approved(
    session: PortalSession, office: Office
) -> None:
    client, cleo, carl = office
    write(session, client, None, cleo)
    kept = draft_of(session, client.id)
    assert kept is not None
    assert (kept.typed, kept.document) == ({"plan_months": ["abc"]}, None)
    with pytest.raises(Incomplete):
        approve(session, client.id, revision=1, staff=carl, now=NOW)


def test_the_second_of_two_who_save_is_told_and_nothing_is_lost(
    session: PortalSession, office: Office
) -> None:
    client, cleo, carl = office
    write(session, client, tightened(session, client), cleo)
    with pytest.raises(DraftChanged):
        write(session, client, None, carl)
    with pytest.raises(DraftChanged):
        discard_draft(session, client.id, revision=0, staff=carl, now=NOW)
    kept = draft_of(session, client.id)
    assert kept is not None
    assert (kept.saved_by, kept.revision) == (cleo.id, 1)
    assert write(session, client, tightened(session, client), cleo).revision == 1, "sent twice"


def test_a_draft_is_sent_back_with_words_that_go_when_it_is_saved_again(
    session: PortalSession, office: Office
) -> None:
    client, cleo, carl = office
    write(session, client, tightened(session, client), cleo)
    with pytest.raises(NoteMissing):
        send_back(session, client.id, " ", revision=1, staff=carl, now=NOW)
    send_back(session, client.id, "Too hard on old debts.", revision=1, staff=carl, now=NOW)
    kept = draft_of(session, client.id)
    assert kept is not None
    assert kept.note == "Too hard on old debts."
    assert write(session, client, None, cleo, revision=1).note is None


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        (date(2027, 3, 14), datetime(2027, 3, 14, 5, tzinfo=UTC)),
        (date(2027, 3, 15), datetime(2027, 3, 15, 4, tzinfo=UTC)),
    ],
)
def test_a_version_begins_when_its_day_begins_for_the_client(
    session: PortalSession, office: Office, day: date, begins: datetime
) -> None:
    client, cleo, carl = office
    write(session, client, tightened(session, client, from_on=day), cleo)
    rehearse(session, client, cleo)
    approve(session, client.id, revision=1, staff=carl, now=NOW)
    before = live_policy(session, client.id, begins - timedelta(seconds=1))
    assert (before.version, live_policy(session, client.id, begins).version) == (1, 2)


def test_a_later_version_takes_the_place_of_what_was_planned(
    session: PortalSession, office: Office
) -> None:
    client, _, _ = office
    late, soon = Release(live_from=NOW + 10 * DAY), Release(live_from=NOW + 5 * DAY)
    for release in (late, soon):
        document = tightened(session, client)
        publish_policy(session, client.id, document, by=None, now=NOW, release=release)
    found = [live_policy(session, client.id, NOW + n * DAY).version for n in (4, 5, 10, 11)]
    assert found == [1, 3, 3, 3]


def test_limits_that_are_brought_back_say_of_which_version_until_they_are_changed(
    session: PortalSession, office: Office
) -> None:
    client, cleo, _ = office
    old = live_policy(session, client.id, NOW).policy
    again = Written({}, old, 1, restores=1)
    save_draft(session, client.id, again, revision=0, staff=cleo, now=NOW)
    kept = write(session, client, old, cleo, revision=1)
    assert kept.restores == 1
    assert write(session, client, tightened(session, client), cleo, revision=2).restores is None


def dana(session: PortalSession, client: Client) -> Account:
    return make_account(session, make_debtor(session, client), placed_at=NOW - 100 * DAY)


def settlements(session: PortalSession, account: Account, now: datetime) -> list[tuple[int, int]]:
    made = offers_for(session, account, now).offers
    return [(one.policy_version, one.total_cents) for one in made if one.kind is Kind.SETTLEMENT]


def comes_in(session: PortalSession, account: Account, now: datetime) -> None:
    """The debtor passes the identity check, and can see what there is for half a day."""
    visit = make_visit(session, account, started_at=now)
    promise(session, account, visit_id=visit.session_id, until=now + LONGEST, now=now)


def test_who_was_shown_an_offer_keeps_it_to_its_last_day_and_others_do_not(
    session: PortalSession, office: Office
) -> None:
    client, _, _ = office
    came, stayed_away = dana(session, client), dana(session, client)
    comes_in(session, came, NOW)
    shown = next(o for o in offers_for(session, came, NOW).offers if o.key == "settlement:7000:1")
    assert shown.valid_until is not None
    release = Release(live_from=NOW + DAY)
    stricter = tightened(session, client)
    publish_policy(session, client.id, stricter, by=None, now=NOW, release=release)
    last = datetime.combine(shown.valid_until, NOW.timetz())
    for at in (NOW + DAY, last):
        assert (1, 868_00) in settlements(session, came, at)
        assert settlements(session, stayed_away, at) == [(2, 1_054_00)]
    assert settlements(session, came, last + DAY) == [(2, 1_054_00)]
    choice = Choice(key=shown.key, valid_until=shown.valid_until)
    picked = Picked(choice, shown.policy_version, came.balance_cents)
    drafted = draft(session, came, picked, now=last)
    assert (drafted.published.version, drafted.terms.total_cents) == (1, 868_00)
    with pytest.raises(DomainError):
        draft(session, came, picked, now=last + DAY)


def test_who_was_shown_an_offer_gets_the_better_one_when_limits_improve(
    session: PortalSession, office: Office
) -> None:
    client, _, _ = office
    account = dana(session, client)
    comes_in(session, account, NOW)
    live = live_policy(session, client.id, NOW).policy
    better = replace(live, bands=(Band(tiers=(Tier(5_000, 3, 90),)),), agree=live.review)
    publish_policy(session, client.id, better, by=None, now=NOW + DAY)
    assert settlements(session, account, NOW + 2 * DAY) == [(2, 620_00)]


def moves(
    session: PortalSession, account: Account, kind: EntryKind, cents: int, now: datetime
) -> None:
    locked = lock_account(session, account.id)
    post(session, locked, kind=kind, source=str(kind), amount_cents=Cents(cents), now=now)


def test_what_was_shown_late_in_the_evening_is_kept_as_it_reads_after_midnight(
    session: PortalSession, office: Office
) -> None:
    client, _, _ = office
    account = dana(session, client)
    comes_in(session, account, NOW)
    of_account = ShownOffer.account_id == account.id
    shown = session.scalars(select(ShownOffer.valid_until).where(of_account))
    tomorrow = offers_for(session, account, NOW + DAY).offers
    assert {one.valid_until for one in tomorrow if one.valid_until} <= set(shown)


def test_coming_again_adds_nothing_and_the_record_names_what_was_shown(
    session: PortalSession, office: Office
) -> None:
    client, _, _ = office
    account = dana(session, client)
    for hours in (0, 1, 2):
        comes_in(session, account, NOW + timedelta(hours=hours))
    rows = session.scalars(select(ShownOffer).where(ShownOffer.account_id == account.id)).all()
    leaves = evidence.account_leaves(session, account)
    said = [leaf.payload for leaf in leaves if leaf.type == "offers.shown"]
    assert len(said) == 1
    assert {(o["offer_key"], o["total_cents"], o["valid_until"]) for o in said[0]["offers"]} == {
        (row.key, row.total_cents, row.valid_until.isoformat()) for row in rows
    }


def test_part_payments_count_towards_what_was_shown_and_refunds_are_owed_again(
    session: PortalSession, office: Office
) -> None:
    client, _, _ = office
    account = dana(session, client)
    comes_in(session, account, NOW)
    moves(session, account, EntryKind.PAYMENT, -100_00, NOW + timedelta(hours=1))
    assert (1, 768_00) in settlements(session, account, NOW + DAY)
    moves(session, account, EntryKind.REFUND, 40_00, NOW + timedelta(hours=2))
    assert (1, 808_00) in settlements(session, account, NOW + DAY)
    picked = Picked(Choice(key="settlement:7000:1"), 1, account.balance_cents)
    drafted = draft(session, account, picked, now=NOW + DAY)
    assert (drafted.terms.total_cents, drafted.terms.balance_cents) == (808_00, 1_180_00)


def test_while_an_agreement_runs_no_settlement_is_shown(
    session: PortalSession, office: Office
) -> None:
    client, _, _ = office
    account = dana(session, client)
    choice = Choice(key="settlement:7000:1", first_on=NOW.date())
    agree(session, account, Picked(choice, 1, account.balance_cents))
    comes_in(session, account, NOW + DAY)
    assert session.scalars(select(ShownOffer)).all() == []
