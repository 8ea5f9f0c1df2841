"""Otto, an operator, on a phone and at a desk: who works here, what failed, what staff did."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from portal.models import Role
from tests.journeys.people import DESK, Person
from tests.journeys.serving import Portal

FAILED = "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES"


@pytest.mark.parametrize(
    ("name", "screen"),
    [("Otto Berg", {}), ("Olga Berg", {"viewport": DESK})],
    ids=["phone", "desk"],
)
def test_an_operator_goes_round_and_has_a_job_tried_again(
    portal: Portal, someone: Callable[..., Person], name: str, screen: dict[str, Any]
):
    guest = portal.invite(client={"trade_name": f"Northgate Energy and Water of {name}"})
    portal.hire(Role.CLIENT_VIEWER, guest.client, name="Vic Moreau")
    with portal.session() as session:
        job = session.scalar(text(f"{FAILED} ('money', 'payments.refund', 'failed') RETURNING id"))
        session.commit()
    otto = someone(**screen).log_in(portal.hire(Role.OPERATOR, name=name))
    assert otto.heading == "Clients"
    otto.tap(f"Write a new one Stripe account, Northgate Energy and Water of {name}")
    otto.fill("Stripe account", "acct_1Northgate4471").tap("Save")
    places = otto.page.locator("nav")
    otto.tap(re.compile("^Staff$"), within=places)
    assert "Vic Moreau" in otto.main
    otto.tap("Jobs and messages", within=places)
    otto.tap(f"Try it again {job}").tap("Try it again", within=otto.page.locator("main"))
    otto.tap("Lock-outs", within=places).tap("Settings", within=places)
    otto.tap("What staff did", within=places)
    assert "Had a job tried again" in otto.main
