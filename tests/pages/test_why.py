"""Why can't they pay? Each cause arises because somebody acted or time went by, and is shown."""

from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from flask import Flask

from portal.config import Settings
from portal.db import PortalSession
from portal.domain.deliveries import Fate
from portal.domain.diagnosis import CAUSES, Remedy
from portal.domain.diagnosis.facts import REMEDIES, SOURCES
from portal.gateways.clock import SetClock
from portal.models import Client, Role
from portal.sandbox import control
from portal.services.evidence import account_leaves
from tests.factories import make_client
from tests.pages.debtors import csrf_of
from tests.pages.diagnosing import Scene
from tests.pages.hindrances import ACTS, inside, owing
from tests.pages.reading import said, spaced, tree
from tests.pages.staff import enter, make_staff
from tests.sandbox.checked import CheckedStripe
from tests.services.paying import declining
from tests.statements import statements

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "diagnosis.md"


@pytest.fixture
def scene(
    app: Flask,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    stripe: CheckedStripe,
    tmp_path: Path,
) -> Scene:
    """Sunday noon; nobody is here yet."""
    return Scene(app, session, settings, clock, stripe, tmp_path)


def causes(scene: Scene) -> dict[str, Element]:
    """The causes on the page by their codes, in their order."""
    listed = tree(scene.why()).iterfind(".//ol[@class='causes']/li")
    return {one.get("id", ""): one for one in listed}


def buttons(cause: Element) -> list[str]:
    """Where the remedies of a cause lead."""
    links = (one for one in cause.iter("a") if "btn" in one.get("class", ""))
    return [one.get("href", "") for one in links]


def test_every_cause_has_an_act_that_brings_it_about():
    assert set(ACTS) == {cause.code for cause in CAUSES}


@pytest.mark.parametrize("code", [cause.code for cause in CAUSES])
def test_a_cause_arises_and_one_click_leads_to_its_remedy(scene: Scene, code: str):
    """DH-08, PY-09, EC-09, CT-01 and CT-05: whatever keeps her is named, with its evidence."""
    ACTS[code](scene)
    scene.session.commit()
    shown = causes(scene)
    assert code in shown
    words = spaced(shown[code])
    assert "%(" not in words
    cause = next(one for one in CAUSES if one.code == code)
    assert cause.tell in words
    buttons = [
        one.get("href", "") for one in shown[code].iter("a") if "btn" in one.get("class", "")
    ]
    assert bool(buttons) is (cause.remedy is not Remedy.NONE)
    for button in buttons:
        assert scene.sam.get(button).status_code == 200
    assert code in said_on_account(scene) or len(shown) > 3


def said_on_account(scene: Scene) -> list[str]:
    """The codes of the causes at the top of the account's page."""
    page = tree(scene.sam.get(scene.desk_path))
    return [one.get("id", "") for one in page.iterfind(".//section[@id='why']/ol/li")]


def test_nothing_found_is_said_calmly_with_what_to_try(scene: Scene):
    inside(scene)
    answer = said(scene.why())
    assert "We see nothing that keeps this person from paying." in answer
    assert "Read a code aloud" in answer
    assert causes(scene) == {}


def test_several_causes_stand_in_the_order_in_which_they_keep_her_out(scene: Scene):
    """What surely keeps her out, then the bank's word, then what lies before the door."""
    inside(scene)
    with declining("expired_card"):
        scene.try_to_pay()
    scene.wait(days=15).invite().carrier_says(Fate.BOUNCED, "5.1.1")
    scene.answer(times=5)
    scene.desk(f"{scene.desk_path}/hold", kind="dispute", reason="She told me so")
    first, *others = causes(scene)
    assert first == "hold_dispute"
    assert others == [
        *("identity_locked", "card_expired", "link_replaced", "message_bounced", "address_bounces")
    ]
    assert said_on_account(scene) == [first, *others[:2]]


def test_what_is_mended_is_a_cause_no_more(scene: Scene):
    """A link that expired, then one that she came in by; a declined card, then a payment."""
    owing(scene).invite().wait(days=15)
    assert list(causes(scene)) == ["link_expired"]
    scene.invite().come_in()
    with declining("insufficient_funds"):
        payment = scene.try_to_pay()
    assert "no_funds" in causes(scene)
    control.pay(scene.stripe.world, payment.checkout_id or "", "visa")
    scene.land(payment)
    assert list(causes(scene)) == ["nothing_owed"]


def test_why_a_card_was_reported_is_told_to_nobody(scene: Scene):
    """PY-09: whoever holds a stolen card does not learn that it is known."""
    ACTS["card_reported"](scene)
    words = said(scene.why())
    assert "stolen" not in words
    assert "lost" not in words


def test_what_to_say_is_in_the_language_of_the_debtor(scene: Scene):
    """AX-04."""
    owing(scene, language="es").invite().wait(days=15)
    quoted = causes(scene)["link_expired"].find(".//q")
    assert quoted is not None
    assert quoted.get("lang") == "es-US"
    assert "enlace" in spaced(quoted)


def test_times_are_those_of_the_client(scene: Scene):
    ACTS["identity_locked"](scene)
    assert "12:30" in spaced(causes(scene)["identity_locked"])


def test_pr_03_a_supervisor_lets_somebody_try_again_with_the_reason_on_the_record(scene: Scene):
    ACTS["identity_locked"](scene)
    to = f"{scene.desk_path}/unlock"
    empty = scene.sam.post(to, data={"csrf_token": csrf_of(scene.sam.get(to)), "reason": ""})
    assert empty.status_code == 422
    assert "identity_locked" in causes(scene)
    scene.desk(to, reason="She knew the last payment")
    leaf = account_leaves(scene.session, scene.account)[-1]
    assert (leaf.type, leaf.payload["reason"]) == ("identity.unlocked", "She knew the last payment")
    assert leaf.payload["actor"]["kind"] == "staff"
    again = scene.sam.post(to, data={"csrf_token": csrf_of(scene.sam.get(to)), "reason": "Twice"})
    assert "open already" in said(again)
    scene.come_in()
    assert causes(scene) == {}
    history = said(scene.dana.get(f"{scene.home}/history"))
    assert "let you try again at the identity check" in history
    assert "last payment" not in history


def test_pr_03_an_agent_unlocks_nothing_and_sees_no_button_for_it(scene: Scene):
    ACTS["identity_locked"](scene)
    client = scene.session.get_one(Client, scene.client_id)
    enter(scene.sam, scene.session, make_staff(scene.session, Role.AGENT, client))
    assert scene.sam.get(f"{scene.desk_path}/unlock").status_code == 403
    assert buttons(causes(scene)["identity_locked"]) == []


def test_another_clients_account_is_not_there(scene: Scene):
    owing(scene)
    other = make_client(scene.session)
    enter(scene.sam, scene.session, make_staff(scene.session, Role.SUPERVISOR, other))
    for page in ("why", "unlock"):
        assert scene.sam.get(f"{scene.desk_path}/{page}").status_code == 404


def test_the_page_costs_a_bounded_number_of_statements_and_writes_nothing(scene: Scene):
    inside(scene).invite().invite().answer(times=3)
    scene.see()
    with statements() as seen:
        scene.why()
    assert not [one for one in seen if one.startswith(("INSERT INTO leaf", "DELETE"))]
    assert len([one for one in seen if one.startswith(("SELECT", "WITH"))]) <= 40


def test_the_list_of_causes_in_the_documents_is_the_table():
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{one.code}` | {one.title} | {one.seen} | {SOURCES[one.source]} | {one.tell} "
        f"| {REMEDIES[one.remedy]} |"
        for one in CAUSES
    ]
