"""Something happened: what each mark does at once, and what ends when it is taken back."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.help import Topic
from portal.domain.holds import HoldKind
from portal.domain.marks import MARKS, Mark
from portal.gateways.clock import SetClock
from portal.i18n import voice
from portal.models import Account, ContactStop, HelpRequest, HelpStatus, Hold, Message, Role
from portal.services import evidence
from portal.services.contesting import in_time
from portal.services.help import Answers, answer_request, open_request
from portal.services.marks import marks_of
from portal.services.standing import holds_in_force, standing
from portal.services.timeline.debtor import happened
from portal.services.timeline.wording import Words
from portal.services.verify import verify_client
from portal.services.ways import send_link, ways
from tests.factories import make_account, make_contact, make_visit
from tests.pages.debtors import Dana, make_visitor, send
from tests.pages.reading import said
from tests.pages.staff import enter, make_staff
from tests.pages.test_card_numbers import TYPED

FACTS: dict[Mark, dict[str, str]] = {
    Mark.WRONG_PERSON: {"where": "everywhere", "from": "Her aunt called"},
    Mark.ATTORNEY: {"name": "Ada Law", "address": "1 Main St", "from": "Her letter"},
    Mark.DECEASED: {"died_on": "2026-11-01", "estate": "Eve Reyes", "from": "Certificate"},
    Mark.BANKRUPTCY: {
        **{"chapter": "13", "court": "Bankr. D.N.J.", "case": "26-12345"},
        **{"filed_on": "2026-11-02", "from": "Notice of the court"},
    },
    Mark.DISPUTE: {
        **{"received_on": "2026-11-20", "about": "amount", "words": "I owe half.", "scan": "S-7"},
    },
    Mark.IDENTITY_THEFT: {"received_on": "2026-11-20", "words": "Not me.", "report": "FTC-1"},
    Mark.CEASE: {"received_on": "2026-11-20", "words": "Stop writing."},
}
HELD = {
    Mark.WRONG_PERSON: HoldKind.WRONG_PERSON,
    Mark.ATTORNEY: HoldKind.ATTORNEY,
    Mark.DECEASED: HoldKind.DECEASED,
    Mark.BANKRUPTCY: HoldKind.BANKRUPTCY,
    Mark.DISPUTE: HoldKind.AMOUNT_WRONG,
    Mark.IDENTITY_THEFT: HoldKind.IDENTITY_THEFT,
    Mark.CEASE: HoldKind.CEASE_ALL,
}


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    return make_visitor(session, settings, clock.now())


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, dana: Dana) -> FlaskClient:
    """An agent of Dana's client."""
    return enter(http, session, make_staff(session, Role.AGENT, dana.client))


def form_of(dana: Dana, what: Mark) -> str:
    return f"/support/accounts/{dana.account.id}/something/{what}"


def tell(sam: FlaskClient, session: PortalSession, dana: Dana, what: Mark, **more: str) -> None:
    assert send(sam, form_of(dana, what), FACTS[what] | more).status_code == 303
    set_tenant(session, dana.client.id)
    session.expire_all()


def told(words: Words) -> str:
    """A sentence as somebody reads it."""
    params = {
        name: told(one) if isinstance(one, Words) else one for name, one in words.params.items()
    }
    speaker = voice("en_US")
    return speaker.gettext(words.message, **{k: speaker.spell(v) for k, v in params.items()})


def undo(sam: FlaskClient, session: PortalSession, dana: Dana, reason: str) -> int:
    (found,) = marks_of(session, dana.account)
    page = f"/support/accounts/{dana.account.id}/marks/{found.id}/take-back"
    status = send(sam, page, {"reason": reason}).status_code
    set_tenant(session, dana.client.id)
    session.expire_all()
    return status


def kinds(session: PortalSession, account: Account, clock: SetClock) -> list[str]:
    return [hold.kind for hold in holds_in_force(session, account, clock.now())]


@pytest.mark.parametrize("what", Mark)
def test_dh_06_each_mark_holds_at_once_and_ends_when_it_is_taken_back(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, what: Mark
):
    """DH-01, DH-05, DH-06, CT-08: with its facts on the record, and a reason for taking it back."""
    shown = said(sam.get(form_of(dana, what)))
    assert "What this will do" in shown
    tell(sam, session, dana, what)
    assert kinds(session, dana.account, clock) == [HELD[what]]
    assert not standing(session, dana.account, clock.now()).send.allowed
    (found,) = marks_of(session, dana.account)
    assert found.facts == FACTS[what]
    assert MARKS[what].title in said(sam.get(f"/support/accounts/{dana.account.id}"))
    assert undo(sam, session, dana, "") == 422
    assert undo(sam, session, dana, "It was another Dana") == 303
    assert kinds(session, dana.account, clock) == []
    assert marks_of(session, dana.account) == []


@pytest.mark.parametrize("what", [Mark.WRONG_PERSON, Mark.DECEASED, Mark.BANKRUPTCY])
def test_what_is_about_the_person_holds_all_their_accounts_and_closes_every_link(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, what: Mark
):
    """DH-06: bankruptcy set, the link shows a neutral page."""
    other = make_account(session, dana.debtor)
    session.commit()
    tell(sam, session, dana, what)
    assert kinds(session, other, clock) == [HELD[what]]
    assert dana.issued.link.revoked_at is not None
    assert undo(sam, session, dana, "A mistake") == 303
    assert kinds(session, other, clock) == []
    assert dana.issued.link.revoked_at is not None, "a revoked link stays revoked"


@pytest.mark.parametrize("what", [Mark.BANKRUPTCY, Mark.DECEASED])
def test_ct_08_what_waits_is_never_sent(
    sam: FlaskClient,
    session: PortalSession,
    dana: Dana,
    clock: SetClock,
    settings: Settings,
    what: Mark,
):
    """CT-08: all queued sends are dropped in the same transaction."""
    staff = make_staff(session, Role.AGENT, dana.client)
    way = next(w for w in ways(session, dana.debtor, texter=None, now=clock.now()) if w.contact)
    send_link(session, way, asked_for=False, keys=settings.keys, staff=staff, now=clock.now())
    session.commit()
    tell(sam, session, dana, what)
    waiting = session.scalars(select(Message).where(Message.template == "link")).all()
    assert [one.status.value for one in waiting] == ["suppressed"]


def test_one_address_of_somebody_else_is_closed_and_the_account_stays_open(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    """EC-08: nothing goes there any more; taken back, it is open again."""
    number = make_contact(session, dana.debtor, channel="sms", address="+15185550142")
    session.commit()
    assert "everywhere" in sam.get(form_of(dana, Mark.WRONG_PERSON)).text
    tell(sam, session, dana, Mark.WRONG_PERSON, where=str(number.id))
    stop = session.scalars(select(ContactStop)).one()
    assert (stop.address, stop.lifted_at) == (number.address, None)
    assert kinds(session, dana.account, clock) == []
    assert dana.issued.link.revoked_at is None, "the link went to another address"
    assert undo(sam, session, dana, "It was her son") == 303
    assert stop.lifted_at is not None


@pytest.mark.parametrize(("days", "timely"), [(0, True), (1, False)])
def test_dh_01_a_letter_counts_from_the_day_on_which_it_was_received(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, days: int, timely: bool
):
    """DH-01: on the last day of the period it is in time, taken down days later as well."""
    last = clock.now().date() - timedelta(days=9)
    dana.account.validation_ends_on = last
    session.commit()
    received = (last + timedelta(days=days)).isoformat()
    tell(sam, session, dana, Mark.DISPUTE, received_on=received)
    request = session.scalars(select(HelpRequest)).one()
    assert in_time(session, dana.account, request) is timely
    opened = [
        one.payload
        for one in evidence.account_leaves(session, dana.account)
        if one.type == "help.opened"
    ]
    assert [(one["in_time"], one["received_on"]) for one in opened] == [(timely, received)]
    assert opened[0]["actor"]["kind"] == "staff"
    sent = session.scalars(select(Message).where(Message.template == "help_received")).all()
    assert sent, "its receipt is confirmed"


def ask_online(session: PortalSession, dana: Dana, clock: SetClock, words: str) -> HelpRequest:
    """Dana says on her page that the amount is wrong."""
    visit, answers = make_visit(session, dana.account), Answers("amount", words)
    asked = open_request(
        session, dana.account, Topic.NOT_MY_DEBT, answers, by=visit, now=clock.now()
    )
    session.commit()
    return asked


@pytest.mark.parametrize("first", ["page", "letter"])
def test_dh_01_taking_a_letter_back_leaves_what_the_debtor_asked_for_herself(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, first: str
):
    """DH-01: her own request stays open with its hold, whether it or the letter came first."""
    if first == "page":
        asked = ask_online(session, dana, clock, "I owe half.")
        tell(sam, session, dana, Mark.DISPUTE)
    else:
        tell(sam, session, dana, Mark.DISPUTE)
        clock.advance(timedelta(minutes=20))
        asked = ask_online(session, dana, clock, "Half of it is not mine.")
    enter(sam, session, make_staff(session, Role.AGENT, dana.client))
    (found,) = marks_of(session, dana.account)
    page = f"/support/accounts/{dana.account.id}/marks/{found.id}/take-back"
    assert "so the request and its holds stay" in said(sam.get(page))
    assert undo(sam, session, dana, "It was of another account") == 303
    assert marks_of(session, dana.account) == []
    assert asked.status is HelpStatus.OPENED
    assert kinds(session, dana.account, clock) == [HoldKind.AMOUNT_WRONG]
    assert list(verify_client(session, dana.client.id)) == []


def test_a_mark_whose_request_was_answered_is_taken_back_with_its_holds(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    """The answer stays an answer, and nobody is told that somebody was faster."""
    tell(sam, session, dana, Mark.DISPUTE)
    request = session.scalars(select(HelpRequest)).one()
    by = make_staff(session, Role.AGENT, dana.client)
    answer_request(session, request, "We look into it.", staff=by, now=clock.now())
    session.commit()
    assert undo(sam, session, dana, "It was of another account") == 303
    assert marks_of(session, dana.account) == []
    assert request.status is HelpStatus.ANSWERED
    assert kinds(session, dana.account, clock) == []


@pytest.mark.parametrize(
    ("what", "more", "type_of"),
    [
        (Mark.DISPUTE, {}, "hold.set"),
        (Mark.WRONG_PERSON, {"where": "number"}, "contact.stopped"),
        (Mark.WRONG_PERSON, {"where": "postal"}, "contact.stopped"),
    ],
)
def test_the_record_names_who_acted_and_not_the_debtor_or_nobody(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    what: Mark,
    more: dict[str, str],
    type_of: str,
):
    """EV-01, EC-08: staff took the letter down, or were told of the wrong address."""
    agent = make_staff(session, Role.AGENT, dana.client)
    number = make_contact(session, dana.debtor, channel="sms", address="+15185550142")
    session.commit()
    sam = enter(http, session, agent)
    if more.get("where") == "number":
        more = {"where": str(number.id)}
    tell(sam, session, dana, what, **more)
    leaves = evidence.account_leaves(session, dana.account)
    (leaf,) = [one.payload for one in leaves if one.type == type_of]
    assert leaf["actor"] == evidence.staff(agent.id)


def test_a_day_to_come_a_gap_and_a_card_number_are_refused(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """PC-01: and nothing was done."""
    page, facts = form_of(dana, Mark.DISPUTE), FACTS[Mark.DISPUTE]
    for wrong in ({"received_on": "2030-01-01"}, {"words": ""}, {"words": TYPED}):
        answer = send(sam, page, facts | wrong)
        assert answer.status_code == 422, wrong
    set_tenant(session, dana.client.id)
    assert session.scalars(select(Hold)).all() == []
    assert sam.get(page.replace("dispute", "lottery")).status_code == 404


def test_a_hold_that_follows_from_a_mark_is_lifted_by_taking_it_back(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    tell(sam, session, dana, Mark.ATTORNEY)
    hold = session.scalars(select(Hold)).one()
    assert sam.get(f"/support/holds/{hold.id}/lift").headers["Location"].endswith("/take-back")


def test_dh_01_a_letter_cannot_have_come_before_the_account_did(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """DH-01: any early day would count as in time."""
    typed = FACTS[Mark.DISPUTE] | {"received_on": "1900-01-01"}
    refused = send(sam, form_of(dana, Mark.DISPUTE), typed)
    assert refused.status_code == 422
    assert "The first possible day is" in said(refused)
    set_tenant(session, dana.client.id)
    assert session.scalars(select(HelpRequest)).all() == []


def test_what_came_by_letter_is_told_as_a_letter_with_its_day_in_words(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """The debtor did nothing on her page at the minute in which staff typed."""
    tell(sam, session, dana, Mark.DISPUTE)
    leaves = evidence.account_leaves(session, dana.account)
    wrote = next(one.payload for one in leaves if one.type == "thread.written")
    assert (wrote["actor"]["kind"], wrote["channel"]) == ("staff", "letter")
    own = [str(dana.issued.link.id)]
    read = [told(line.said) for line in happened(dana.account, leaves, own)]
    assert "We took down what your letter of November 20, 2026 says." in read
    assert not [line for line in read if line.startswith(("You wrote", "You asked"))]
    request = session.scalars(select(HelpRequest)).one()
    shown = said(sam.get(f"/support/requests/{request.id}"))
    account = said(sam.get(f"/support/accounts/{dana.account.id}"))
    for page in (shown, account):
        assert "November 20, 2026" in page
        assert "2026-11-20" not in page


def test_a_fact_that_is_missing_is_named(sam: FlaskClient, dana: Dana):
    refused = said(send(sam, form_of(dana, Mark.DISPUTE), {"about": "amount"}))
    assert "This must be known: Received on" in refused
    assert "This must be known: What they write" in refused


def test_marks_and_notes_have_the_time_of_the_client(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """12:00 in New York, which is 17:00 in UTC."""
    tell(sam, session, dana, Mark.CEASE)
    account = f"/support/accounts/{dana.account.id}"
    send(sam, f"{account}/note", {"note": "Her sister answers."})
    for path in (account, f"{account}/something", f"{account}/note"):
        shown = said(sam.get(path))
        assert "12:00" in shown, path
        assert "5:00 PM" not in shown, path
        assert "Days and times are those of New York." in shown, path
