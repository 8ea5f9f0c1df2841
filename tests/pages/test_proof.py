"""A debtor saves the proof of an agreement; a record in doubt stops agreements."""

import io
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

from flask.testing import FlaskClient

from portal.db import PortalSession, set_tenant
from portal.domain.checkpoints import parse
from portal.gateways.clock import SetClock
from portal.models import Account, Role
from portal.runtime import Runtime
from portal.services import evidence, tree
from portal.services.alarms import raise_alarms
from portal.services.verify import Broken
from tests.pages.agreeing import accept, agreed, choose_plan, path, pay_at_stripe, send
from tests.pages.debtors import Dana, csrf_of
from tests.pages.reading import said
from tests.pages.staff import enter, make_staff
from tests.sandbox.checked import CheckedStripe


def test_the_proof_is_saved_from_my_plan_and_holds_alone(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, tmp_path: Path
) -> None:
    """EV-06"""
    accept(http, dana, choose_plan(http, dana), permission="y")
    http.get(pay_at_stripe(session, stripe))
    mine = http.get(f"{path(dana)}/arrangement")
    saved = send(http, mine, f"{path(dana)}/proof")
    assert saved.status_code == 200
    name = f"evidence-{agreed(session).reference}.zip"
    assert saved.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert saved.headers["Cache-Control"].startswith("no-store")
    (tmp_path / name).write_bytes(saved.data)
    with ZipFile(io.BytesIO(saved.data)) as archive:
        archive.extract("verify.py", tmp_path)
        types = b" ".join(archive.read(one) for one in archive.namelist() if "payload" in one)
    assert all(word in types for word in (b"link.issued", b"identity.passed", b"payment.succeeded"))
    keys = http.get("/.well-known/evidence.vkey")
    (tmp_path / "evidence.vkey").write_bytes(keys.data)
    command = [sys.executable, "-I", "verify.py", name, "--key", "evidence.vkey"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    note = http.get(f"/.well-known/evidence/{dana.client.id}/checkpoint").get_data(as_text=True)
    assert parse(note).note == note
    told = evidence.account_leaves(session, dana.account)[-1]
    assert (told.type, told.payload["actor"]["kind"]) == ("export.made", "debtor")


def test_who_saves_it_again_and_again_is_asked_to_wait_and_has_the_agreement_to_read(
    http: FlaskClient, dana: Dana, clock: SetClock
) -> None:
    accept(http, dana, choose_plan(http, dana, method="manual"))
    mine = http.get(f"{path(dana)}/arrangement")
    tries = [send(http, mine, f"{path(dana)}/proof") for _ in range(11)]
    assert [one.status_code for one in tries] == [200] * 10 + [429]
    assert "Please wait an hour." in said(tries[-1])
    assert "Read, print or save your agreement" in said(tries[-1])
    clock.advance(timedelta(minutes=1))


def test_ev_07_the_proof_of_what_was_erased_is_refused_in_plain_words(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    accept(http, dana, choose_plan(http, dana, method="manual"))
    mine = http.get(f"{path(dana)}/arrangement")
    set_tenant(session, dana.client.id)
    session.get_one(Account, (dana.client.id, dana.account.id)).erased_at = clock.now()
    session.commit()
    gone = send(http, mine, f"{path(dana)}/proof")
    assert gone.status_code == 410
    assert "What this record said was erased, as the law allows." in said(gone)
    assert "later" not in said(gone)
    cleo = enter(http, session, make_staff(session, Role.CLIENT_ADMIN, dana.client))
    account = f"/client/accounts/{dana.account.id}"
    export = f"{account}/agreements/{agreed(session).id}/export"
    refused = cleo.post(export, data={"csrf_token": csrf_of(cleo.get(account))})
    assert (refused.status_code, "Try again" in said(refused)) == (410, False)


def test_another_debtors_agreement_is_not_found(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    accept(http, dana, choose_plan(http, dana, method="manual"))
    mine = http.get(f"{path(dana)}/arrangement")
    other = path(dana)[:-4] + "beef"
    assert send(http, mine, f"{other}/proof").status_code == 404


def test_a_database_that_is_an_older_copy_gives_a_page_with_a_way_on(
    http: FlaskClient, session: PortalSession, dana: Dana, runtime: Runtime
) -> None:
    accept(http, dana, choose_plan(http, dana, method="manual"))
    mine = http.get(f"{path(dana)}/arrangement")
    set_tenant(session, dana.client.id)
    before = session.begin_nested()
    for _ in range(30):
        evidence.record(
            session,
            client_id=dana.client.id,
            chain_id=dana.client.chain_id,
            type="note.written",
            payload={"actor": evidence.SYSTEM},
            now=runtime.clock.now(),
        )
    while tree.place(session, dana.client.id):
        pass
    tree.sign(session, dana.client.id, runtime.signer, runtime.clock.now())
    before.rollback()
    answer = send(http, mine, f"{path(dana)}/proof")
    assert answer.status_code == 503
    assert "Your agreement is safe" in said(answer)
    assert "Read, print or save your agreement" in said(answer)


def test_while_the_record_is_in_doubt_nothing_is_agreed_and_the_page_says_whom_to_call(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """EV-08"""
    page = choose_plan(http, dana)
    set_tenant(session, dana.client.id)
    broken = Broken("a chain of leaves is whole", "leaf 2 is missing")
    raise_alarms(session, dana.client.id, [broken], now=clock.now())
    session.commit()
    refused = accept(http, dana, page, permission="y")
    assert refused.status_code == 503
    assert said(refused).count("You cannot make an agreement here right now.") == 1
    assert "Call us: 1-800-555-0100. Monday" in said(refused)
    balance = said(http.get(path(dana)))
    assert "Please call us, and we will help you." in balance
    assert "$1,240.00" in balance
