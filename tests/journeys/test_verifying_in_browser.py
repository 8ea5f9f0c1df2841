"""Somebody checks the proof of an agreement in a browser, without a log-in and without scripts."""

from collections.abc import Callable
from pathlib import Path

from portal.domain.bundles import pack
from portal.models.evidence import LogKey
from tests.factories import NOW
from tests.journeys.people import Person
from tests.journeys.serving import Portal
from tests.verifier.made import KEY, REFERENCE, bundle, changed


def test_anybody_checks_a_proof_on_a_phone(
    someone: Callable[..., Person], portal: Portal, tmp_path: Path
) -> None:
    guest = portal.invite()
    with portal.session(guest.client) as session:
        session.add(LogKey(client_id=guest.client.id, line=KEY.line, first_at=NOW))
        session.commit()
    whole, forged, name = (
        tmp_path / "whole.zip",
        tmp_path / "forged.zip",
        "chain/000002.payload.json",
    )
    whole.write_bytes(pack(bundle()))
    forged.write_bytes(changed(name, lambda data: data.replace(b"24000", b"24001")))

    for scripts in (True, False):
        reader = someone(java_script_enabled=scripts).open("/verify")
        reader.page.get_by_label("Proof file").set_input_files(whole)
        reader.tap("Check this file")
        assert reader.heading == "This file is whole"
        assert REFERENCE in reader.main
        reader.tap("Check another file")
        reader.page.get_by_label("Proof file").set_input_files(forged)
        reader.tap("Check this file")
        assert reader.heading == "This file is not whole"
        assert name in reader.main
