"""Preferences: addresses, letters only, not at all, and the language."""

from hashlib import sha256

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.config import Settings
from portal.db import PortalSession
from portal.domain.holds import HoldKind
from portal.domain.statuses import MessageStatus
from portal.gateways.clock import SetClock
from portal.models import Contact, ContactStop, Hold, Message, StopKind
from portal.services import evidence
from portal.services.letters import postal_key
from portal.services.standing import standing
from portal.services.stops import stop_address
from tests.factories import make_account, make_contact, make_debtor
from tests.pages.debtors import Dana, csrf_of, send
from tests.pages.reading import heard, tree
from tests.pages.test_help import dana, enter

__all__ = ["dana"]

PATH = "/preferences"


def press(http: FlaskClient, label: str) -> str:
    """Press the button of this name on the page; the words of the page that follows."""
    page = http.get(PATH)
    for form in tree(page).iter("form"):
        button = form.find(".//button")
        if button is not None and " ".join("".join(button.itertext()).split()) == label:
            data = {one.get("name"): one.get("value") for one in form.iter("input")}
            done = http.post(form.get("action", PATH), data=data, follow_redirects=True)
            assert done.status_code == 200
            return heard(done)
    raise AssertionError(f"no button {label!r} in: {heard(page)}")


def masked(contact: Contact) -> str:
    return f"d•••@{contact.address.partition('@')[2]}"


def stops(session: PortalSession) -> list[ContactStop]:
    wanted = select(ContactStop).where(ContactStop.lifted_at.is_(None))
    return list(session.scalars(wanted.order_by(ContactStop.id)))


def types(session: PortalSession, dana: Dana) -> list[str]:
    return [leaf.type for leaf in evidence.account_leaves(session, dana.account)]


def test_addresses_are_masked_and_each_has_its_button(http: FlaskClient, dana: Dana) -> None:
    words = heard(http.get(PATH))
    assert masked(dana.contact) in words
    assert dana.contact.address not in words
    assert "We may write to you here." in words
    assert "Northgate" not in words
    assert "mobile number with" not in words


def test_an_address_is_stopped_at_once_and_can_be_opened_again(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """CT-08, EC-01"""
    words = press(http, f"Stop writing here {masked(dana.contact)}")
    assert "We do not write to this address any more." in words
    (stop,) = stops(session)
    assert (stop.kind, stop.address) == (StopKind.OPTED_OUT, dana.contact.address)
    assert "Northgate Energy may use it to write to you about what you owe." in words
    words = press(http, f"Write to me here again {masked(dana.contact)}")
    assert "We write to this address again." in words
    assert stops(session) == []
    session.refresh(dana.contact)
    assert dana.contact.permission_basis == "direct_consent"
    assert types(session, dana)[-2:] == ["contact.stopped", "contact.reopened"]


def test_an_address_that_another_debtor_shares_is_opened_by_staff_only(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    other = make_debtor(session, dana.client, first_name="Noor")
    make_contact(session, other, address=dana.contact.address)
    session.commit()
    page = http.get(PATH)
    path = f"{PATH}/addresses/{dana.contact.id}"
    http.post(f"{path}/stop", data={"csrf_token": csrf_of(page)})
    page = http.get(PATH)
    assert "Write to me here again" not in heard(page)
    consent = legal(dana)
    data = {"csrf_token": csrf_of(page), "shown": sha256(consent.encode()).hexdigest()}
    refused = http.post(f"{path}/allow", data=data)
    assert refused.status_code == 409
    assert len(stops(session)) == 1


def legal(dana: Dana) -> str:
    return (
        f"{dana.client.trade_name} may use it to write to you about what you owe. Anyone who can "
        "open your messages there may see that. You can stop this at any time.\n"
    )


@pytest.mark.parametrize("kind", [StopKind.WRONG_PERSON, StopKind.BOUNCED])
def test_what_others_closed_has_no_button(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, kind: StopKind
) -> None:
    """EC-08, EC-09"""
    stop_address(session, dana.contact, kind, source="x", actor=evidence.SYSTEM, now=clock.now())
    session.commit()
    words = heard(http.get(PATH))
    assert "Closed." in words
    assert f"Write to me here again {masked(dana.contact)}" not in words
    assert "Write to me by letter only" not in words
    typed = {"address": dana.contact.address}
    again = add(http, typed)
    assert again.status_code == 422
    assert "We cannot write to this address." in heard(again)


def add(http: FlaskClient, typed: dict[str, str], kind: str = "email"):
    page = http.get(f"{PATH}/{kind}")
    hidden = {
        one.get("name"): one.get("value", "")
        for one in tree(page).find(".//main").iter("input")  # type: ignore[union-attr]
        if one.get("type") == "hidden"
    }
    return http.post(f"{PATH}/{kind}", data={**hidden, **typed})


def test_ct_08_letters_are_not_promised_where_somebody_else_lives(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """CT-08"""
    stop = ContactStop(
        client_id=dana.client.id,
        channel="letter",
        address=postal_key(dana.debtor),
        kind=StopKind.WRONG_PERSON,
        source="link",
        stopped_at=dana.issued.link.issued_at,
    )
    session.add(stop)
    session.commit()
    words = heard(http.get(PATH))
    assert "We send no letters to your address in Albany, because somebody told us" in words
    assert "Is that wrong? Call" in words
    assert "Letters go to your address" not in words
    assert "Write to me by letter only" not in words


def test_letters_only_closes_every_address(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """CT-08"""
    make_contact(session, dana.debtor, address="dana@work.example")
    make_contact(session, dana.debtor, channel="sms", address="+15032260100")
    session.commit()
    words = press(http, "Write to me by letter only")
    assert "From now on we write to you by letter only." in words
    assert "Letters go to your address in Albany." in words
    assert {stop.channel for stop in stops(session)} == {"email", "sms"}
    assert len(stops(session)) == 3
    assert "Write to me by letter only" not in words


def test_stop_writing_holds_every_account_and_can_be_undone(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """CT-08"""
    second = make_account(session, dana.debtor)
    session.commit()
    press(http, "Stop writing to me")
    holds = session.scalars(select(Hold)).all()
    assert [hold.kind for hold in holds] == [HoldKind.CEASE_ALL] * 2
    for account in (dana.account, second):
        allowed = standing(session, account, clock.now())
        assert (allowed.send.allowed, allowed.answer.allowed) == (False, True)
        assert allowed.pay.allowed
    press(http, "You may write to me again")
    assert standing(session, dana.account, clock.now()).send.allowed
    assert "Stop writing to me" in heard(http.get(PATH))


def test_a_new_address_is_kept_with_the_words_beside_its_field(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """EC-01, EC-03"""
    page = http.get(f"{PATH}/email")
    field = next(one for one in tree(page).iter("input") if one.get("name") == "address")
    (described,) = field.get("aria-describedby", "").split()
    hint = next(one for one in tree(page).iter() if one.get("id") == described)
    assert "".join(hint.itertext()) == legal(dana).strip()
    assert field.get("autocomplete") == "email"
    done = add(http, {"address": " Dana.New@Example.com "})
    assert done.status_code == 303
    contact = session.scalars(select(Contact).where(Contact.source == "preferences")).one()
    assert (contact.address, contact.permission_basis) == (
        "dana.new@example.com",
        "direct_consent",
    )
    (leaf,) = [
        one for one in evidence.account_leaves(session, dana.account) if one.type == "contact.added"
    ]
    digest = sha256(legal(dana).encode()).hexdigest()
    assert leaf.payload["text"]["sha256"] == digest
    kept = evidence.document(session, dana.client.id, dana.account.chain_id, digest)
    assert kept.body == legal(dana).encode()


def test_a_corrected_address_takes_the_place_of_the_old_one(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    path = f"{PATH}/email?instead={dana.contact.id}"
    page = http.get(path)
    assert f"We then stop writing to {masked(dana.contact)}." in heard(page)
    hidden = {
        one.get("name"): one.get("value", "")
        for one in tree(page).iter("input")
        if one.get("type") == "hidden"
    }
    wrong = http.post(path, data={**hidden, "address": "dana"})
    assert wrong.status_code == 422
    assert f"We then stop writing to {masked(dana.contact)}." in heard(wrong)
    assert stops(session) == []
    http.post(path, data={**hidden, "address": "dana.new@example.com"})
    assert [stop.address for stop in stops(session)] == [dana.contact.address]


@pytest.mark.parametrize("typed", ["", "dana", "dana@", "\x00@x", "x" * 70_000, "a@b@c.com"])
def test_what_is_no_address_is_asked_for_again(
    http: FlaskClient, session: PortalSession, dana: Dana, typed: str
) -> None:
    page = add(http, {"address": typed})
    assert page.status_code == 422
    assert "Enter an email address." in heard(page)


def test_words_that_changed_are_read_again(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """EC-03: what is recorded is what was shown."""
    page = add(http, {"address": "new@example.com", "shown": "0" * 64})
    assert page.status_code == 422
    assert "The words beside the field have changed" in heard(page)
    values = {one.get("name"): one.get("value") for one in tree(page).iter("input")}
    assert values["address"] == "new@example.com"
    assert values["shown"] == sha256(legal(dana).encode()).hexdigest()


def test_a_sixth_address_needs_a_person(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    for n in range(4):
        assert add(http, {"address": f"dana{n}@example.com"}).status_code == 303
    assert add(http, {"address": "dana0@example.com"}).status_code == 303
    page = add(http, {"address": "dana9@example.com"})
    assert "We have several addresses of yours already." in heard(page)


def test_a_mobile_number_is_asked_for_only_where_texts_are_sent(
    http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock, dana: Dana
) -> None:
    """EC-07"""
    assert http.get(f"{PATH}/phone").status_code == 404
    enter(http, session, settings, clock, sms_enabled=True)
    done = add(http, {"address": "(503) 226-0100"}, kind="phone")
    assert done.status_code == 303
    contact = session.scalars(select(Contact).where(Contact.channel == "sms")).one()
    assert (contact.address, contact.zones) == ("+15032260100", "America/Los_Angeles")
    assert "•••-•••-0100" in heard(http.get(PATH))
    wrong = add(http, {"address": "911"}, kind="phone")
    assert "Enter a mobile number" in heard(wrong)


def test_the_language_of_messages_and_of_the_page_is_chosen_together(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    response = send(http, PATH, {"language": "es"}, follow_redirects=True)
    assert tree(response).get("lang") == "es"
    session.refresh(dana.debtor)
    assert dana.debtor.language == "es"
    assert types(session, dana)[-1] == "debtor.language"
    assert tree(http.get(PATH)).get("lang") == "es"
    refused = send(http, PATH, {"language": "xx"})
    assert refused.status_code == 422
    session.refresh(dana.debtor)
    assert dana.debtor.language == "es"


def test_another_debtor_s_address_is_not_found(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    other = make_debtor(session, dana.client, first_name="Noor")
    contact = make_contact(session, other)
    session.commit()
    token = csrf_of(http.get(PATH))
    for what in ("stop", "allow"):
        path = f"{PATH}/addresses/{contact.id}/{what}"
        assert http.post(path, data={"csrf_token": token}).status_code == 404
    http.get(f"{PATH}/email?instead={contact.id}")
    add(http, {"address": "new@example.com", "instead": str(contact.id)})
    assert stops(session) == []


def test_no_get_changes_anything(http: FlaskClient, session: PortalSession, dana: Dana) -> None:
    before = types(session, dana)
    for path in ("letters", "stop", "allow", f"addresses/{dana.contact.id}/stop"):
        for ask in (http.get, http.head):
            assert ask(f"{PATH}/{path}").status_code in (404, 405)
    assert types(session, dana) == before
    for path in ("letters", "stop", f"addresses/{dana.contact.id}/stop"):
        assert http.post(f"{PATH}/{path}").status_code == 400
    assert stops(session) == []


def queued(session: PortalSession, dana: Dana, clock: SetClock, template: str) -> Message:
    message = Message(
        client_id=dana.client.id,
        debtor_id=dana.debtor.id,
        account_id=None if template == "link" else dana.account.id,
        contact_id=dana.contact.id,
        channel="email",
        template=template,
        context={},
        locale="en",
        dedupe_key=template,
        status=MessageStatus.DEFERRED,
        created_at=clock.now(),
        send_at=clock.now(),
    )
    session.add(message)
    session.commit()
    return message


@pytest.mark.parametrize(
    ("label", "link", "receipt"),
    [
        ("Stop writing to me", "CT-08", None),
        ("Stop writing here d•••@example.com", "EC-05", "EC-05"),
        ("Write to me by letter only", "EC-05", "EC-05"),
    ],
)
def test_what_waits_is_dropped_in_the_same_transaction(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    clock: SetClock,
    *,
    label: str,
    link: str,
    receipt: str | None,
) -> None:
    """CT-08: what the law requires goes by letter where the address is closed."""
    messages = [queued(session, dana, clock, name) for name in ("link", "receipt")]
    press(http, label)
    for message in messages:
        session.refresh(message)
    assert [message.rule for message in messages] == [link, receipt]
    assert messages[0].status is MessageStatus.SUPPRESSED
    letters = session.scalars(select(Message.template).where(Message.channel == "letter")).all()
    assert letters == (["receipt"] if receipt else [])
