"""Agreeing writes the arrangement and its evidence together, once, and only as it was shown."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from portal.db import PortalSession, make_engine, tenant_session
from portal.domain import DomainError
from portal.domain import terms as wording
from portal.domain.capabilities import NotAllowedNow
from portal.domain.holds import HoldKind
from portal.domain.limits import (
    BalanceChanged,
    InstallmentTooSmall,
    OfferExpired,
    OfferNotInPolicy,
)
from portal.domain.money import Cents
from portal.domain.schedules import Frequency
from portal.domain.statuses import ArrangementStatus, AuthorizationStatus
from portal.domain.terms import Choice, Method
from portal.models import (
    AccessLink,
    Account,
    Arrangement,
    Authorization,
    Client,
    Debtor,
    DebtorSession,
    Document,
    EntryKind,
    Installment,
    Leaf,
    Message,
    fresh_id,
)
from portal.services import evidence
from portal.services.acceptance import (
    ArrangementExists,
    PermissionMissing,
    TermsChanged,
    accept,
)
from portal.services.arrangements import withdraw
from portal.services.choices import Picked, draft, read, to_dict
from portal.services.ledger import lock_account, post
from portal.services.offers import offers_for
from portal.services.policies import publish_policy
from portal.services.references import fresh_reference
from portal.services.reviews import Reviewed, ShownDocument
from portal.services.standing import set_hold
from portal.services.verify import verify_client
from tests.databases import Database
from tests.factories import (
    NOW,
    TODAY,
    happened,
    make_client,
    make_contact,
    make_dana,
    make_policy,
    make_visit,
)

TICK = "I allow these payments"


def dana(session: PortalSession) -> Account:
    account = make_dana(session)
    make_policy(session, session.get_one(Client, account.client_id))
    return account


def picked(account: Account, choice: Choice) -> Picked:
    return Picked(choice, policy_version=1, balance_cents=account.balance_cents, made_on=TODAY)


def plan(**given: Any) -> Choice:
    values = {"key": "plan", "amount_cents": Cents(10_400), "frequency": Frequency.MONTHLY}
    return Choice(**(values | given))


def page_of(session: PortalSession, account: Account, chosen: Picked, **given: Any) -> Reviewed:
    """What a review page would have shown for this choice."""
    drafted = draft(session, account, chosen, now=NOW)
    names = [("terms", None), *([("authorization", TICK)] if drafted.automatic else [])]
    documents = tuple(
        ShownDocument(
            name, "1", "en", "text/plain", f"{name} of {account.reference}".encode(), tick
        )
        for name, tick in names
    )
    values: dict[str, Any] = {
        "arrangement_id": fresh_id(),
        "reference": fresh_reference(),
        "terms_sha256": wording.sha256(drafted.terms),
        "shown": tuple(document.sha256 for document in documents),
        "shown_at": NOW - timedelta(minutes=2),
        "locale": "en",
        "documents": documents,
        "copy": ShownDocument("agreement", "1", "en", "text/html", b"<p>Your agreement</p>"),
        "control_label": "Agree and pay",
        "build": "0.1.0+9cf3a6b",
        "ticked": (TICK,) if drafted.automatic else (),
    }
    return Reviewed(**(values | given))


def agree(session: PortalSession, account: Account, chosen: Picked, **given: Any) -> Arrangement:
    return accept(
        session,
        account,
        picked=chosen,
        reviewed=page_of(session, account, chosen, **given),
        visit=make_visit(session, account),
        now=NOW,
    )


def test_paying_in_full_is_an_arrangement_of_one_payment_today(session: PortalSession) -> None:
    account = dana(session)
    agreed = agree(session, account, picked(account, Choice(key="full")))
    assert agreed.status is ArrangementStatus.AWAITING_FIRST_PAYMENT
    (part,) = session.scalars(select(Installment)).all()
    assert (part.due_on, part.amount_cents) == (TODAY, account.balance_cents)
    assert session.scalar(select(func.count(Authorization.id))) == 0


def test_a_plan_has_parts_that_sum_to_the_balance_and_awaits_its_method(
    session: PortalSession,
) -> None:
    account = dana(session)
    first_on = TODAY + timedelta(days=11)
    agreed = agree(
        session, account, picked(account, plan(first_on=first_on, method=Method.AUTOMATIC))
    )
    parts = session.scalars(select(Installment).order_by(Installment.n)).all()
    assert [part.amount_cents for part in parts] == [10_400] * 11 + [9_600]
    assert parts[0].due_on == first_on
    assert parts[-1].due_on == date(2027, 11, 4)
    permission = session.scalars(select(Authorization)).one()
    assert permission.status is AuthorizationStatus.AWAITING_METHOD
    assert permission.cap_cents == agreed.total_cents == 124_000
    kept = evidence.document(
        session, account.client_id, account.chain_id, permission.document_sha256.hex()
    )
    assert bytes(kept.body) == f"authorization of {account.reference}".encode()


def test_the_acceptance_leaf_says_what_was_agreed_by_whom_and_how(session: PortalSession) -> None:
    """EV-02"""
    account = dana(session)
    chosen = picked(account, plan(first_on=TODAY, method=Method.AUTOMATIC))
    agreed = agree(session, account, chosen)
    reviewed, told, listed = evidence.account_leaves(session, account)
    assert [reviewed.type, told.type] == ["terms.reviewed", "acceptance"]
    assert (listed.type, listed.payload["template"]) == ("letter.queued", "agreement_copy")
    said = told.payload
    assert reviewed.payload["terms_sha256"] == said["terms_sha256"] == agreed.terms_sha256.hex()
    assert wording.sha256(wording.from_dict(said["terms"])) == said["terms_sha256"]
    assert agreed.terms == json.dumps(said["terms"], sort_keys=True, separators=(",", ":"))
    assert said["offer"]["policy_version"] == 1
    assert said["party"]["identity"]["factors"] == ["date_of_birth", "postal_code"]
    assert said["visit"]["ip"] == "192.0.2.7"
    assert said["assent"]["ticked"] == [TICK]
    assert said["authorization"]["cap_cents"] == 124_000
    assert said["debt"]["itemization"]["sum_cents"] == account.itemized_cents
    named = {d["sha256"] for d in said["disclosures"] + said["documents"]}
    kept = {bytes(row).hex() for row in session.scalars(select(Document.sha256))}
    assert named == kept
    assert said["actor"] == {"kind": "debtor", "id": str(account.debtor_id)}


def test_the_acceptance_leaf_says_how_the_person_was_known_and_what_made_the_page(
    session: PortalSession,
) -> None:
    """EV-02: tries of the identity check, the link and where it went, the build of the portal."""
    account = dana(session)
    chosen = picked(account, plan(first_on=TODAY, method=Method.AUTOMATIC))
    page, visit = page_of(session, account, chosen), make_visit(session, account)
    contact = make_contact(session, session.get_one(Debtor, (visit.client_id, visit.debtor_id)))
    link = session.get_one(AccessLink, (visit.client_id, visit.link_id))
    link.contact_id, link.verified_at = contact.id, NOW - timedelta(days=1)
    came = session.get_one(DebtorSession, (visit.client_id, visit.session_id))
    came.identity_attempts = 3
    accept(session, account, picked=chosen, reviewed=page, visit=visit, now=NOW)
    said = evidence.account_leaves(session, account)[-1].payload
    assert said["party"]["identity"] == {
        "method": "date_of_birth+postal_code",
        "factors": ["date_of_birth", "postal_code"],
        "attempts": 3,
        "result": "passed",
        "passed_at": "2026-11-23T17:00:00.000Z",
    }
    assert said["link"]["first_passed_at"] == "2026-11-22T17:00:00.000Z"
    to = f"{said['link']['id']} {contact.address}".encode()
    assert said["link"]["address_sha256"] == sha256(to).hexdigest()
    assert said["assent"]["build"] == "0.1.0+9cf3a6b"
    assert said["review"]["shown_at"] == "2026-11-23T16:58:00.000Z"
    shown, allowed = said["disclosures"]
    assert allowed["acknowledged_at"] == said["assent"]["accepted_at"]
    assert "acknowledged_at" not in shown
    assert (said["rules"]["sol_status"], said["rules"]["holds_checked"]) == ("running", [])


def test_the_debtors_copy_is_queued_with_the_acceptance(session: PortalSession) -> None:
    account = dana(session)
    agreed = agree(session, account, picked(account, Choice(key="full")))
    message = session.scalars(select(Message)).one()
    assert message.template == "agreement_copy"
    assert message.context["arrangement"] == str(agreed.id)
    kept = evidence.document(
        session, account.client_id, account.chain_id, message.context["document"]
    )
    assert bytes(kept.body) == b"<p>Your agreement</p>"


def test_what_follows_is_written_in_the_language_in_which_they_agreed(
    session: PortalSession,
) -> None:
    """AX-04: the debtor chose Spanish on the page; the client's file says English."""
    account = dana(session)
    chosen = picked(account, Choice(key="full"))
    page = page_of(session, account, chosen)
    visit = replace(make_visit(session, account), locale="es")
    accept(session, account, picked=chosen, reviewed=page, visit=visit, now=NOW)
    assert session.scalars(select(Message)).one().locale == "es"


def test_the_same_page_sent_twice_agrees_once(session: PortalSession) -> None:
    account = dana(session)
    chosen = picked(account, plan(first_on=TODAY))
    page, visit = page_of(session, account, chosen), make_visit(session, account)
    first, second = (
        accept(session, account, picked=chosen, reviewed=page, visit=visit, now=NOW)
        for _ in range(2)
    )
    assert first.id == second.id
    assert session.scalar(select(func.count(Leaf.n)).where(Leaf.type == "acceptance")) == 1
    assert session.scalar(select(func.count(Message.id))) == 1


def test_a_second_agreement_is_refused_while_one_is_live(session: PortalSession) -> None:
    account = dana(session)
    agreed = agree(session, account, picked(account, Choice(key="full")))
    with pytest.raises(ArrangementExists, match=agreed.reference):
        agree(session, account, picked(account, plan(first_on=TODAY)))


def test_the_database_itself_refuses_two_live_agreements(session: PortalSession) -> None:
    account = dana(session)
    agreed = agree(session, account, picked(account, Choice(key="full")))
    session.expunge(agreed)
    with pytest.raises(IntegrityError, match="uq_arrangement_one_live"):
        session.execute(
            text(
                "INSERT INTO arrangement SELECT (a).* FROM (SELECT jsonb_populate_record(a,"
                " jsonb_build_object('id', gen_random_uuid(), 'reference', 'HR-2')) AS a"
                " FROM arrangement a) AS copy"
            )
        )


def test_choosing_again_withdraws_the_unpaid_one_and_keeps_the_offer(
    session: PortalSession,
) -> None:
    account = dana(session)
    chosen = picked(account, Choice(key="settlement:7000:1"))
    first = agree(session, account, chosen)
    withdraw(session, first, actor=evidence.debtor(account.debtor_id), now=NOW)
    second = agree(session, account, chosen)
    assert (first.status, second.total_cents) == (ArrangementStatus.WITHDRAWN, first.total_cents)
    leaves = happened(session, account)
    assert leaves[-1].payload["supersedes"] == str(first.id)
    types = [leaf.type for leaf in leaves]
    assert types == ["terms.reviewed", "acceptance", "arrangement.withdrawn"] + [
        "terms.reviewed",
        "acceptance",
    ]


def test_limits_hold_at_acceptance_for_the_version_that_was_shown(session: PortalSession) -> None:
    """PY-01"""
    account = dana(session)
    chosen = picked(account, plan(amount_cents=Cents(6_000), first_on=TODAY))
    stricter = replace(make_policy(session, make_client(session)).policy, bands=(), plan=None)
    publish_policy(session, account.client_id, stricter, by=None, now=NOW)
    assert agree(session, account, chosen).policy_version == 1


def test_a_version_that_was_taken_over_binds_for_a_day_or_to_the_offers_last_one(
    session: PortalSession,
) -> None:
    """PY-01: a saved address does not outlive every later limit."""
    account = dana(session)
    offers = offers_for(session, account, NOW).offers
    offered = next(one for one in offers if one.key == "settlement:7000:1")
    promised = picked(account, Choice(key=offered.key, valid_until=offered.valid_until))
    chosen = picked(account, plan(amount_cents=Cents(6_000)))
    stricter = replace(make_policy(session, make_client(session)).policy, bands=(), plan=None)
    publish_policy(session, account.client_id, stricter, by=None, now=NOW)
    assert draft(session, account, chosen, now=NOW + timedelta(days=1)).published.version == 1
    later = NOW + timedelta(days=2)
    with pytest.raises(OfferNotInPolicy):
        draft(session, account, chosen, now=later)
    with pytest.raises(OfferNotInPolicy):
        draft(session, account, replace(chosen, made_on=None), now=NOW)
    assert draft(session, account, promised, now=later).published.version == 1


def test_a_choice_below_the_limits_is_refused_however_it_was_made(session: PortalSession) -> None:
    """PY-01"""
    account = dana(session)
    chosen = picked(account, plan(amount_cents=Cents(1_000), first_on=TODAY))
    with pytest.raises(InstallmentTooSmall):
        draft(session, account, chosen, now=NOW)


def test_a_changed_balance_needs_a_fresh_page(session: PortalSession) -> None:
    account = dana(session)
    chosen = picked(account, Choice(key="full"))
    page, visit = page_of(session, account, chosen), make_visit(session, account)
    locked = lock_account(session, account.id)
    post(
        session,
        locked,
        kind=EntryKind.ADJUSTED,
        source="placement:2",
        amount_cents=Cents(-4_000),
        now=NOW,
    )
    with pytest.raises(BalanceChanged, match="1,200.00"):
        accept(session, account, picked=chosen, reviewed=page, visit=visit, now=NOW)


def test_a_settlement_ends_on_the_day_that_was_shown(session: PortalSession) -> None:
    account = dana(session)
    chosen = picked(account, Choice(key="settlement:7000:1", valid_until=TODAY))
    page, visit = page_of(session, account, chosen), make_visit(session, account)
    late = NOW + timedelta(days=1)
    with pytest.raises(OfferExpired):
        accept(session, account, picked=chosen, reviewed=page, visit=visit, now=late)


def test_other_terms_than_those_on_the_page_are_refused(session: PortalSession) -> None:
    account = dana(session)
    shown = page_of(session, account, picked(account, plan(first_on=TODAY)))
    other = picked(account, plan(first_on=TODAY, amount_cents=Cents(20_000)))
    visit = make_visit(session, account)
    with pytest.raises(TermsChanged):
        accept(session, account, picked=other, reviewed=shown, visit=visit, now=NOW)


def test_other_texts_than_those_on_the_page_are_refused(session: PortalSession) -> None:
    """PY-03"""
    account = dana(session)
    chosen = picked(account, Choice(key="full"))
    page = page_of(session, account, chosen, shown=("0" * 64,))
    visit = make_visit(session, account)
    with pytest.raises(TermsChanged):
        accept(session, account, picked=chosen, reviewed=page, visit=visit, now=NOW)


def test_automatic_payments_need_their_tick(session: PortalSession) -> None:
    account = dana(session)
    chosen = picked(account, plan(first_on=TODAY, method=Method.AUTOMATIC))
    with pytest.raises(PermissionMissing):
        agree(session, account, chosen, ticked=())


def test_one_payment_today_never_asks_for_permission_to_charge_later(
    session: PortalSession,
) -> None:
    account = dana(session)
    chosen = picked(account, Choice(key="settlement:7000:1", method=Method.AUTOMATIC))
    assert agree(session, account, chosen).method == Method.MANUAL


@pytest.mark.parametrize("kind", [HoldKind.DISPUTE, HoldKind.BANKRUPTCY, HoldKind.IDENTITY_THEFT])
def test_a_held_account_agrees_to_nothing(session: PortalSession, kind: HoldKind) -> None:
    """DH-08"""
    account = dana(session)
    chosen = picked(account, Choice(key="full"))
    set_hold(session, account, kind, source="staff", now=NOW, actor=evidence.SYSTEM)
    with pytest.raises(NotAllowedNow):
        agree(session, account, chosen)


def test_a_refused_acceptance_leaves_nothing_behind(session: PortalSession) -> None:
    account = dana(session)
    chosen = picked(account, plan(first_on=TODAY, method=Method.AUTOMATIC))
    with pytest.raises(DomainError), session.begin_nested():
        agree(session, account, chosen, ticked=())
    for table in (Arrangement, Installment, Leaf, Document, Message):
        rows = session.execute(select(func.count()).select_from(table)).scalar_one()
        assert rows == (1 if table is Leaf else 0)  # the policy's own leaf


@pytest.mark.parametrize(
    "choice",
    [
        Choice(key="full"),
        plan(first_on=TODAY, method=Method.AUTOMATIC),
        Choice(key="settlement:8000:3", count=3, valid_until=TODAY),
    ],
)
def test_a_choice_survives_its_way_through_an_address(choice: Choice) -> None:
    chosen = Picked(choice, 3, Cents(5_000), fresh_id())
    assert read(json.loads(json.dumps(to_dict(chosen)))) == chosen


def test_two_who_press_at_once_agree_once(fresh_db: Database) -> None:
    engine = make_engine(fresh_db.url("portal_app"), pool_size=8)
    with tenant_session(engine) as session:
        account = dana(session)
        chosen = picked(account, Choice(key="full"))
        pages = [page_of(session, account, chosen) for _ in range(4)]
        visit = make_visit(session, account)
        session.commit()

    def press(page: Reviewed) -> str:
        with tenant_session(engine, [account.client_id]) as session:
            mine = session.get_one(Account, (account.client_id, account.id))
            try:
                agreed = accept(session, mine, picked=chosen, reviewed=page, visit=visit, now=NOW)
            except ArrangementExists:
                return "exists"
            session.commit()
            return str(agreed.id)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(press, pages))
    with tenant_session(engine, [account.client_id]) as session:
        assert session.scalar(select(func.count(Arrangement.id))) == 1
        assert list(verify_client(session, account.client_id)) == []
    assert answers.count("exists") == 3
    engine.dispose()
