"""The rest of somebody who cannot pay now, as they and support see it (DH-08)."""

from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession
from portal.models import Hold, Role
from portal.services.evidence import account_leaves
from tests.factories import make_account
from tests.pages.agreeing import accept, choose_plan, form, link, path, pay_at_stripe, send
from tests.pages.debtors import Dana
from tests.pages.reading import heard, said
from tests.pages.staff import enter, make_staff
from tests.sandbox.checked import CheckedStripe

UNTIL = "December 22, 2026"


def ask(http: FlaskClient, dana: Dana) -> str:
    page = http.get(f"{path(dana)}/help/cannot-pay")
    assert f"Everything rests until {UNTIL}." in said(page)
    return send(http, page, f"{path(dana)}/help/cannot-pay").location


def test_a_debtor_rests_sees_until_when_and_ends_it(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    accept(http, dana, choose_plan(http, dana), permission="y")
    http.get(pay_at_stripe(session, stripe))
    asked = http.get(ask(http, dana))
    resting = http.get(link(asked, "See until when"))
    assert f"Everything rests until Tuesday, {UNTIL}." in heard(resting)
    plan = http.get(f"{path(dana)}/arrangement")
    assert "Everything about this account rests." in said(plan)
    assert link(plan, "See until when") == f"{path(dana)}/rest"
    ended = [send(http, resting, f"{path(dana)}/rest") for _tap in range(2)]
    assert ["Done. The rest has ended." in said(http.get(one.location)) for one in ended] == [
        True,
        True,
    ]
    assert "Everything about this account rests." not in said(http.get(f"{path(dana)}/arrangement"))
    assert http.get(f"{path(dana)}/rest").location.endswith("/help/cannot-pay")
    leaf = [one for one in account_leaves(session, dana.account) if one.type == "hold.lifted"][-1]
    assert leaf.payload["reason"] == "debtor_ended"


def test_it_rests_without_a_plan_too(http: FlaskClient, session: PortalSession, dana: Dana) -> None:
    ask(http, dana)
    assert "Everything about this account rests." in said(http.get(path(dana)))


def test_support_changes_its_end_with_a_reason_within_the_clients_days(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    ask(http, dana)
    hold = session.scalars(select(Hold)).one()
    desk = enter(http, session, make_staff(session, Role.AGENT, dana.client))
    to = f"/support/holds/{hold.id}/rest"
    assert to in desk.get(f"/support/accounts/{dana.account.id}").get_data(as_text=True)
    page = desk.get(to)
    assert "It may last until" in said(page)
    for day, reason, answer in (
        ("2027-03-01", "More time", 422),
        ("2026-12-10", "", 422),
        ("2026-12-10", "Paid then", 303),
    ):
        typed = form(page) | {"to": day, "reason": reason}
        assert desk.post(to, data=typed).status_code == answer
    session.refresh(hold)
    assert hold.ends_at is not None
    assert hold.ends_at.date().isoformat() == "2026-12-10"


def test_a_debtor_with_further_accounts_is_told_which_one_rests(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    make_account(session, dana.debtor, reference="HR-OTHER")
    session.commit()
    alone = f"This is for account {dana.account.reference} alone. Your other accounts go on."
    assert alone in said(http.get(f"{path(dana)}/help/cannot-pay"))
    ask(http, dana)
    assert alone in said(http.get(f"{path(dana)}/rest"))
