"""The evidence bundle of an agreement is whole, says no more than it should, and is on record."""

import io
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.certifying import certificate
from portal.domain.statuses import ArrangementStatus
from portal.domain.terms import Choice, Method
from portal.gateways.signer import Signer
from portal.models import Arrangement, Client
from portal.services import arrangements, evidence, tree
from portal.services.exports import Exported, Outside, export
from portal.services.no_proof import NotOnRecord
from tests.factories import TODAY, make_policy
from tests.sandbox.checked import checked_stripe
from tests.services.paying import Till, first_payment, make_till
from tests.services.test_acceptance import agree, picked, plan
from tests.services.test_verify import invite, send_all

URL = "https://pay.example.com"


@pytest.fixture
def till(session: Session):  # type: ignore[no-untyped-def]
    with checked_stripe() as stripe:
        till = make_till(session, stripe)
        make_policy(session, session.get_one(Client, till.account.client_id))
        session.commit()
        yield till


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(b"\x07" * 32, tmp_path / "signed")


def made(till: Till, agreed: Arrangement, signer: Signer) -> Exported:
    outside = Outside(signer, certificate, URL)
    actor = evidence.debtor(till.account.debtor_id)
    return export(till.session, agreed, outside, actor=actor, now=till.now)


def accepted(till: Till) -> Arrangement:
    choice = plan(first_on=TODAY, method=Method.AUTOMATIC)
    agreed = agree(till.session, till.account, picked(till.account, choice))
    till.session.commit()
    return agreed


def verify(bundle: Exported, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the bundle's own verifier, alone in a folder with it, without the project."""
    (folder / bundle.name).write_bytes(bundle.body)
    with ZipFile(io.BytesIO(bundle.body)) as archive:
        (folder / "verify.py").write_bytes(archive.read("verify.py"))
    command = [sys.executable, "-I", "verify.py", bundle.name, *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def inside(bundle: Exported) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(bundle.body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def payloads(files: dict[str, bytes]) -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(body) for name, body in files.items() if name.endswith(".payload.json")]


def test_a_bundle_made_right_after_an_acceptance_is_whole(
    till: Till, signer: Signer, tmp_path: Path
) -> None:
    """EV-06"""
    agreed = accepted(till)
    bundle = made(till, agreed, signer)
    (key,) = tree.key_lines(till.session, agreed.client_id)
    done = verify(bundle, tmp_path, "--key", key)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert bundle.name == f"evidence-{agreed.reference}.zip"
    files = inside(bundle)
    types = [one["type"] for one in payloads(files)]
    assert (types[:2], types[-1]) == (["terms.reviewed", "acceptance"], "export.made")
    assert files["certificate.pdf"].startswith(b"%PDF")


def test_money_and_copies_of_the_agreement_are_in_it_with_what_stripe_said(
    till: Till, signer: Signer, tmp_path: Path
) -> None:
    invite(till)
    agreed = accepted(till)
    first_payment(till, agreed)
    send_all(till)
    till.wait(hours=1)
    bundle = made(till, agreed, signer)
    assert verify(bundle, tmp_path).returncode == 0
    files = inside(bundle)
    told = {one["type"]: one for one in payloads(files)}
    assert {"authorization.granted", "payment.succeeded", "message.sent"} <= set(told)
    (named,) = told["payment.succeeded"]["objects"]
    said = json.loads(files[f"objects/{named['sha256']}.json"])
    assert (said["object"], said["status"]) == ("payment_intent", "succeeded")
    copy = next(
        one
        for one in payloads(files)
        if one["type"] == "message.sent" and one["template"] == "agreement_copy"
    )
    assert f"documents/{copy['documents'][0]['sha256']}" in files


def test_another_agreement_of_the_account_and_what_staff_wrote_stay_out(
    till: Till, signer: Signer, tmp_path: Path
) -> None:
    session, account = till.session, till.account
    first = agree(session, account, picked(account, Choice(key="full")))
    me = evidence.debtor(account.debtor_id)
    arrangements.withdraw(session, first, actor=me, now=till.now)
    till.wait(hours=1)
    second = accepted(till)
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type="staff.revealed",
        payload={"actor": evidence.staff(account.id), "reason": "called in tears"},
        now=till.now,
    )
    session.commit()
    for agreed, other in ((first, second), (second, first)):
        files = inside(made(till, agreed, signer))
        said = b"".join(body for name, body in files.items() if name.endswith("payload.json"))
        assert str(agreed.id).encode() in said
        assert f'"arrangement":"{other.id}"'.encode() not in said
        assert b"tears" not in said
    assert first.status is ArrangementStatus.WITHDRAWN


def test_every_text_that_was_shown_is_in_it_as_it_was_a_year_later(
    till: Till, signer: Signer
) -> None:
    agreed = accepted(till)
    before = inside(made(till, agreed, signer))
    till.wait(days=400)
    after = inside(made(till, agreed, signer))
    shown = {name: body for name, body in before.items() if name.startswith("documents/")}
    assert len(shown) >= 2
    assert all(after[name] == body for name, body in shown.items())


def test_an_agreement_that_is_not_on_the_record_is_not_exported(till: Till, signer: Signer) -> None:
    agreed = accepted(till)
    copied = {
        column.key: getattr(agreed, column.key) for column in Arrangement.__table__.columns
    } | {"id": till.account.id, "reference": "HR-NONE", "status": ArrangementStatus.CANCELED}
    till.session.add(Arrangement(**copied))
    till.session.flush()
    ghost = till.session.scalars(
        select(Arrangement).where(Arrangement.reference == "HR-NONE")
    ).one()
    with pytest.raises(NotOnRecord, match="HR-NONE"):
        made(till, ghost, signer)
