"""The files that the demo places: realistic, clean, and of every kind that it needs."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

import portal
from portal.db import PortalSession
from portal.domain.debts import CollectorRole
from portal.models import Account, Contact, Debtor
from tests.factories import make_client
from tests.services.placing import Placer

FILES = Path(portal.__file__).parent / "demo" / "placements"
CLIENTS = {
    "northgate-energy": {"collector_role": CollectorRole.FIRST_PARTY_CREDITOR},
    "harbor-recovery": {"collector_role": CollectorRole.THIRD_PARTY_AGENCY},
    "boreal-credit": {
        "collector_role": CollectorRole.FIRST_PARTY_CREDITOR,
        "country": "CA",
        "currency": "CAD",
        "time_zone": "America/Toronto",
    },
}
LANGUAGES = {
    "northgate-energy": {"en", "es"},
    "harbor-recovery": {"en", "es", "fr"},
    "boreal-credit": {"en", "fr"},
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_demo_file_lands_whole_and_without_a_notice(
    session: PortalSession, tmp_path: Path, name: str
) -> None:
    client = make_client(session, **CLIENTS[name])
    report = Placer(session, client, tmp_path).file(FILES / f"{name}.csv")
    assert report.landed == report.rows > 100
    assert (report.refused, report.warned) == (0, 0)
    assert report.unverifiable == (1 if name == "harbor-recovery" else 0)
    assert set(session.scalars(select(Debtor.language))) == LANGUAGES[name]
    assert set(session.scalars(select(Account.currency))) == {client.currency}
    balances = session.scalars(select(Account.balance_cents)).all()
    assert 40_00 <= min(balances) < 100_00 or name == "boreal-credit"
    assert 2_000_00 < max(balances) <= 13_000_00
    owned = Counter(session.scalars(select(Account.debtor_id)))
    assert max(owned.values()) >= 2
    assert len(set(session.scalars(select(Debtor.region)))) >= 4
    assert len(session.scalars(select(Contact)).all()) > 150
