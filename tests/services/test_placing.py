"""Placements as a whole: both files of the field, the same file twice, rows that change."""

from pathlib import Path

import pytest

from portal.db import PortalSession
from tests.factories import make_client
from tests.services.placing import DATA, Placer


@pytest.fixture
def placer(session: PortalSession, tmp_path: Path) -> Placer:
    return Placer(session, make_client(session), tmp_path)


def test_the_clean_file_lands_whole(placer: Placer) -> None:
    report = placer.file(DATA / "placement.csv")
    assert (report.rows, report.landed, report.refused, report.warned) == (1000, 1000, 0, 0)


def test_of_the_messy_file_172_rows_land_and_28_are_refused(placer: Placer) -> None:
    report = placer.file(DATA / "placement-messy.csv")
    assert (report.rows, report.landed, report.refused) == (200, 172, 28)
