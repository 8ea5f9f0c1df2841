"""What happened on your account: whole, in the debtor's words and days, and for nobody else."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from portal.config import Settings
from portal.db import PortalSession
from portal.domain.holds import HoldKind
from portal.gateways.clock import SetClock
from portal.models import Account, Role
from portal.services import dossier, evidence
from portal.services.history import types_of
from portal.services.ledger import lock_account
from portal.services.standing import lift_hold, set_hold
from tests.factories import NOW, make_account, make_contact, make_debtor, make_link
from tests.pages.agreeing import accept, choose_plan, link, links, main_of, path
from tests.pages.cleo import cleo
from tests.pages.debtors import Dana
from tests.pages.reading import spaced
from tests.pages.staff import enter, make_staff


def record(
    session: PortalSession, account: Account, at: datetime, type: str = "thread.written"
) -> None:
    """A leaf on an account's chain, of what a debtor did."""
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=type,
        payload={"actor": evidence.debtor(account.debtor_id)},
        now=at,
    )


def history(http: FlaskClient, dana: Dana, more: str = "") -> str:
    """The words of the page."""
    page = http.get(f"{path(dana)}/history{more}")
    assert page.status_code == 200
    return spaced(main_of(page))


def test_what_was_agreed_is_read_in_the_debtor_s_own_words(http: FlaskClient, dana: Dana):
    accept(http, dana, choose_plan(http, dana, method="manual"))
    assert link(http.get(path(dana)), "What happened on your account") == f"{path(dana)}/history"
    words = history(http, dana)
    agreed = words.index("You agreed to pay $1,240.00 in 12 payments ( HR-")
    assert agreed < words.index("This page was opened with the right answers")
    assert words.index("2026") < agreed
    for page in ("/arrangement", "/help"):
        assert "What happened on your account" in links(http.get(path(dana) + page))


def test_days_are_those_of_the_debtor_s_clock(
    http: FlaskClient, session: PortalSession, clock: SetClock, dana: Dana
):
    dana.debtor.time_zone = "America/New_York"
    record(session, dana.account, datetime(2027, 1, 4, 3, 30, tzinfo=UTC))
    record(session, dana.account, datetime(2027, 1, 4, 15, 0, tzinfo=UTC))
    session.commit()
    words = history(http, dana)
    assert words.index("January 4, 2027 10:00") < words.index("January 3, 2027 10:30")


def test_a_long_history_is_read_page_by_page_and_each_line_once(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    for minute in range(120):
        record(session, dana.account, NOW + timedelta(days=40, minutes=minute))
    session.commit()
    page, seen, backwards = http.get(f"{path(dana)}/history"), 0, ""
    seen += spaced(main_of(page)).count("You wrote to us.")
    assert (seen, "See what came later" in links(page)) == (50, False)
    while "See what came earlier" in links(page):
        page = http.get(link(page, "See what came earlier"))
        seen += spaced(main_of(page)).count("You wrote to us.")
        backwards = link(page, "See what came later")
    assert seen == 120
    assert "before=" in backwards
    assert http.get(backwards).status_code == 200
    assert "You wrote to us." in history(http, dana, "?before=nonsense")


def test_a_held_debt_leaves_its_history_to_read(
    http: FlaskClient, session: PortalSession, clock: SetClock, dana: Dana
):
    """What somebody agreed to or paid stays theirs (PY-05), also where no debt is shown (DH-06)."""
    hold(session, dana, HoldKind.BANKRUPTCY, clock)
    page = http.get(path(dana))
    assert "We cannot show this account now" in spaced(main_of(page))
    assert "This page was opened" in history(http, dana)
    assert link(page, "What happened on your account") == f"{path(dana)}/history"


@pytest.mark.parametrize("kind", [HoldKind.DECEASED, HoldKind.MINOR, HoldKind.WRONG_PERSON])
def test_who_may_be_somebody_else_reads_no_history(
    http: FlaskClient, session: PortalSession, clock: SetClock, dana: Dana, kind: HoldKind
):
    hold(session, dana, kind, clock)
    page = http.get(f"{path(dana)}/history")
    words = spaced(main_of(page))
    assert "opened" not in words
    assert "What happened on your account" not in links(page)


def hold(session: PortalSession, dana: Dana, kind: HoldKind, clock: SetClock) -> None:
    """A member of staff holds the account."""
    account = lock_account(session, dana.account.id)
    set_hold(session, account, kind, source="staff", now=clock.now(), actor=evidence.SYSTEM)
    session.commit()


def test_nobody_reads_the_history_of_somebody_else_s_account(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    other = make_account(session, make_debtor(session, dana.client))
    session.commit()
    assert http.get(f"/account/{other.id}/history").status_code == 404


def test_a_debtor_reads_that_staff_looked_at_their_data_and_not_who_or_why(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    sam = make_staff(session, Role.AGENT, dana.client)
    dossier.reveal(session, dana.account, reason="<b>nosy</b>", staff=sam, now=NOW)
    session.commit()
    words = history(http, dana)
    assert "Somebody who works for us looked at your personal details" in words
    assert "nosy" not in words
    assert sam.name not in words


def test_what_somebody_typed_is_text_on_the_page(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    evidence.record(
        session,
        client_id=dana.client.id,
        chain_id=dana.account.chain_id,
        type="proposal.declined",
        payload={"actor": evidence.SYSTEM, "reference": "<i>x</i>", "reason": "100% <script>"},
        now=NOW,
    )
    session.commit()
    assert "suggestion <i>x</i> . We wrote: “100% <script>”" in history(http, dana)


def test_who_gets_an_account_later_reads_nothing_of_whose_it_was(
    http: FlaskClient, session: PortalSession, settings: Settings, dana: Dana
):
    """Before the move there were links and messages to somebody else, which are theirs."""
    former = make_debtor(session, dana.client)
    moved = make_account(session, former)
    make_link(session, former, keys=settings.keys, now=NOW, contact=make_contact(session, former))
    record(session, moved, NOW)
    moved.debtor_id = dana.debtor.id
    session.commit()
    page = http.get(f"/account/{moved.id}/history")
    assert "Nothing happened yet." in spaced(main_of(page))


def test_a_client_reads_what_happened_and_not_what_staff_noted(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    sam = make_staff(session, Role.AGENT, dana.client)
    dossier.reveal(session, dana.account, reason="nosy", staff=sam, now=NOW)
    account = lock_account(session, dana.account.id)
    actor = evidence.staff(sam.id)
    hold = set_hold(session, account, HoldKind.DISPUTE, source="staff", now=NOW, actor=actor)
    lift_hold(session, hold, reason="she drinks", by=sam.id, now=NOW)
    session.commit()
    words = spaced(main_of(cleo(http, session, account).get(f"/client/accounts/{account.id}")))
    assert "The debtor Identity check passed" in words.replace(" · ", " ")
    assert "Account no longer held Debt disputed" in words
    assert "nosy" not in words
    assert "she drinks" not in words
    assert sam.name not in words


def test_a_clock_that_was_set_back_is_told_to_auditors_alone(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    for at in (NOW + timedelta(days=1), NOW):
        record(session, dana.account, at)
    session.commit()
    said = "The clock had been set back, so this has the time of the entry before it."
    assert history(http, dana).count(said) == 0
    chain = dana.account.chain_id
    for role, page, times in (
        (Role.CLIENT_ADMIN, f"/client/accounts/{dana.account.id}", 0),
        (Role.AGENT, f"/support/accounts/{dana.account.id}", 0),
        (Role.COMPLIANCE, f"/compliance/records/{chain}", 1),
    ):
        staff = enter(http, session, make_staff(session, role, dana.client))
        assert spaced(main_of(staff.get(page))).count(said) == times, page


def test_calls_and_money_that_waits_for_two_are_with_calls_and_money():
    """The filter of the timeline finds each leaf where somebody would look for it."""
    assert {"call_session.opened", "call_session.wrapped_up"} < set(types_of("contact"))
    assert {"second_look.asked", "second_look.approved"} < set(types_of("money"))
    assert not [one for one in types_of("staff") if one.startswith(("call", "second_look"))]
