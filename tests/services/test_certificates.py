"""A certificate is told from the record that an acceptance really leaves."""

from datetime import timedelta
from io import BytesIO

import pypdf
import pytest

from portal.certifying import certificate
from portal.db import PortalSession
from portal.domain.schedules import Frequency
from portal.domain.terms import Choice, Method
from portal.models import Account
from portal.services.certificates import CheckpointFacts, LeafFacts, Told
from portal.services.evidence import account_leaves, log_name
from tests.factories import NOW
from tests.services.test_acceptance import TICK, agree, dana, picked, plan

CHECKPOINT = CheckpointFacts(size=2, root="root=", key_id="4cfa732c")


def certified(session: PortalSession, account: Account) -> str:
    """What the certificate of an account's acceptance says."""
    entries = account_leaves(session, account)
    (leaf,) = [entry for entry in entries if entry.type == "acceptance"]
    told = Told(
        acceptance=leaf.payload,
        leaf=LeafFacts(
            n=leaf.n,
            at=leaf.at,
            hash=leaf.hash,
            log=log_name(account.client_id),
            chain=str(account.chain_id),
        ),
        entries=entries,
        checkpoint=CHECKPOINT,
        base_url="https://pay.example.com",
        country="US",
        made_at=NOW + timedelta(seconds=1),
    )
    pages = pypdf.PdfReader(BytesIO(certificate(told))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_a_plan_that_is_charged_automatically(session: PortalSession) -> None:
    account = dana(session)
    chosen = plan(method=Method.AUTOMATIC, first_on=NOW.date() + timedelta(days=11))
    agreed = agree(session, account, picked(account, chosen))
    text = certified(session, account)
    assert f"Certificate of agreement {agreed.reference}" in text
    assert f"Account {account.reference}" in text
    assert f"Ticked: “{TICK}”" in text
    assert "Taken automatically from a saved card or bank account" in text
    assert "None was saved when this page was made." in text


@pytest.mark.parametrize(
    "choice", [Choice(key="full"), plan(frequency=Frequency.MONTHLY)], ids=["full", "plan"]
)
def test_payments_that_are_made_by_hand(session: PortalSession, choice: Choice) -> None:
    account = dana(session)
    agree(session, account, picked(account, choice))
    text = certified(session, account)
    assert "No permission to charge was given." in text
    assert "There was nothing to tick." in text
    assert "Owed at the moment of agreeing" in text
