"""Compliance in Chromium: a legal hold, the schedule, an erasure that a second person approves."""

from collections.abc import Callable
from datetime import UTC, datetime

from portal.db import PortalSession
from portal.domain.statuses import AccountStatus
from portal.models import Account, Client, Role
from tests.factories import make_account, make_client, make_debtor
from tests.journeys.people import DESK, PHONE, Person
from tests.journeys.serving import Portal

LONG_AGO = datetime(2016, 3, 1, 12, 0, tzinfo=UTC)


def make_old(session: PortalSession, client: Client, region: str) -> Account:
    """An account that was taken back ten years ago."""
    debtor = make_debtor(session, client, region=region)
    given = {"sol_expires_on": LONG_AGO.date(), "placed_at": LONG_AGO}
    return make_account(session, debtor, status=AccountStatus.RECALLED, **given)


def test_two_officers_keep_one_old_record_and_have_the_others_erased(
    someone: Callable[..., Person], portal: Portal
) -> None:
    """RT-01, EV-07"""
    with portal.runtime.sessions() as session:
        client = make_client(session, trade_name="Northgate Energy and Water Cooperative")
        kept, *_ = [make_old(session, client, region) for region in ("CA", "NY", "NJ")]
        session.commit()
    colin = someone(viewport=DESK).log_in(portal.hire(Role.COMPLIANCE, client, name="Colin Webb"))
    cora = someone(viewport=PHONE).log_in(portal.hire(Role.COMPLIANCE, client, name="Cora Lund"))
    colin.open("/compliance/legal-holds").tap("Set a legal hold").at_ease()
    colin.fill("Account reference", kept.reference).fill("Case", "Reyes v. Northgate")
    colin.fill("Reason", "A court may ask for it.").tap("Set a legal hold").at_ease()
    assert "Reyes v. Northgate" in colin.main
    colin.tap("Old records").at_ease()
    assert "7 years after the last activity (California DFPI)" in colin.main
    assert "legal hold" in colin.main
    colin.fill("Reason", "Yearly clean-up").tap("Ask for erasure").at_ease()
    cora.open("/compliance/retention").at_ease()
    cora.page.locator("#batches + .scroll a").first.click()
    cora.at_ease()
    assert "Yearly clean-up" in cora.main
    cora.tap("Approve: erase them").at_ease()
    assert "being erased" in cora.main
    portal.work()
    cora.open(cora.page.url).at_ease()
    assert cora.main.count("California") == 0
    assert "finished" in cora.main
    cora.open("/compliance/legal-holds").tap("Lift").at_ease()
    cora.fill("Reason", "It was settled.").tap("Lift").at_ease()
    assert "It was settled." in cora.main
