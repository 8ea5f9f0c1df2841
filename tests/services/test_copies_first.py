"""PY-05: nothing is charged under a permission before the debtor's copy of it has left."""

from datetime import timedelta
from typing import Any

from portal.domain.holds import HoldKind
from portal.domain.statuses import MessageStatus
from portal.gateways.delivery import Refused
from portal.gateways.mail import OutboxMailer
from portal.models import (
    Arrangement,
    Authorization,
    Channel,
    Client,
    ContactStop,
    Debtor,
    Message,
    MoneyException,
    Payment,
    fresh_id,
)
from portal.services import charging
from portal.services.authorizations import copy_left_at, send_copy_by_letter
from portal.services.dossier import read_dossier
from portal.services.evidence import SYSTEM
from portal.services.links import LinkState, OpenedLink
from portal.services.money_questions import Decision, options
from portal.services.pre_debit import is_given
from portal.services.standing import set_hold
from portal.services.stops import lift_stop, stop_wrong_person
from tests.factories import make_contact, make_link
from tests.services.paying import Till, first_payment, make_plan, parts_of, send_copy


class Bouncing(OutboxMailer):
    """A mail server that knows no such address."""

    def send(self, mail: Any, body: bytes) -> str:
        raise Refused("550 5.1.1 no such user")


def plan_with_email(till: Till) -> Arrangement:
    """A plan of two parts, the first one paid, of somebody with an e-mail address."""
    debtor = till.session.get_one(Debtor, (till.account.client_id, till.account.debtor_id))
    make_contact(till.session, debtor)
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.wait(days=30)
    return agreed


def charge(till: Till, agreed: Arrangement) -> Payment | None:
    """The run of the day on which the second part is due."""
    second = parts_of(till, agreed)[1].id
    assert second in charging.due_installments(till.session, agreed.client_id, now=till.now)
    return charging.charge_installment(till.session, till.gateway, second, now=till.now)


def copies(till: Till) -> list[Message]:
    """What is sent, or was to be sent, of the copy."""
    return [m for m in till.all(Message) if m.template == "authorization_copy"]


def test_the_first_charge_waits_until_the_copy_has_left(till: Till) -> None:
    agreed = plan_with_email(till)
    assert charge(till, agreed) is None
    assert read_dossier(till.session, till.account, now=till.now).copy_left_at is None
    send_copy(till)
    left_at = copy_left_at(till.session, till.all(Authorization)[0])
    till.wait(minutes=15)
    charged = charge(till, agreed)
    assert charged is not None
    assert charged.status == "succeeded"
    assert left_at == till.all(Authorization)[0].copied_at
    assert left_at is not None
    assert left_at < charged.created_at
    assert (till.balance, till.questions, till.broken()) == (0, [], [])


def test_without_an_address_the_letter_counts_beside_the_page(till: Till) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    (letter,) = copies(till)
    assert (letter.channel, letter.status) == (Channel.LETTER, MessageStatus.QUEUED)
    till.wait(days=30)
    assert charge(till, agreed) is not None
    assert till.balance == 0


def test_a_letter_that_has_no_address_to_go_to_is_no_copy_and_no_notice(till: Till) -> None:
    """PY-05, PY-07: nothing is charged until the client's file brings an address."""
    agreed = make_plan(till, (620_00, 620_00))
    debtor = till.session.get_one(Debtor, (till.account.client_id, till.account.debtor_id))
    debtor.address_line = None
    till.session.flush()
    first_payment(till, agreed)
    till.wait(days=30)
    assert charge(till, agreed) is None
    (question,) = till.all(MoneyException)
    assert question.kind == "copy_not_given"
    assert [one.decision for one in options(till.session, question)] == [Decision.CLOSE]
    second = parts_of(till, agreed)[1]
    assert not is_given(till.session, agreed, second)
    debtor.address_line = "4 Elm Street"
    till.session.flush()
    assert is_given(till.session, agreed, second)
    assert charge(till, agreed) is not None


def test_a_copy_that_bounces_goes_by_letter_and_the_plan_goes_on(till: Till) -> None:
    """EC-09: a hard bounce means that it was not sent."""
    agreed = plan_with_email(till)
    send_copy(till, Bouncing())
    assert [(m.channel, m.status) for m in copies(till)] == [
        (Channel.EMAIL, MessageStatus.FAILED),
        (Channel.LETTER, MessageStatus.QUEUED),
    ]
    assert charge(till, agreed) is not None
    assert till.questions == []


def test_a_copy_that_is_held_back_for_good_is_put_before_a_person(till: Till) -> None:
    """CT-08: a lawyer's client is not written to, but may be charged: staff decide."""
    agreed = plan_with_email(till)
    set_hold(
        till.session, till.account, HoldKind.ATTORNEY, source="staff", now=till.now, actor=SYSTEM
    )
    send_copy(till)
    assert copies(till)[0].status == MessageStatus.SUPPRESSED
    for _ in range(2):
        assert charge(till, agreed) is None
    assert till.questions == ["copy_not_given"]
    send_copy_by_letter(till.session, till.account, till.all(Authorization)[0], now=till.now)
    assert charge(till, agreed) is not None


def test_ct_08_a_copy_waits_for_an_address_where_the_debtor_lives(till: Till) -> None:
    """CT-08: what staff decide while letters are stopped must not pretend that one goes."""
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    debtor = till.session.get_one(Debtor, (till.account.client_id, till.account.debtor_id))
    link = make_link(till.session, debtor, contact=None, now=till.now).link
    client = till.session.get_one(Client, debtor.client_id)
    opened = OpenedLink(link, debtor, client, LinkState.LIVE)
    stop_wrong_person(till.session, opened, now=till.now)
    till.wait(days=30)
    assert charge(till, agreed) is None
    (question,) = till.all(MoneyException)
    assert [one.decision for one in options(till.session, question)] == [Decision.CLOSE]
    lift_stop(till.session, till.all(ContactStop)[0], by=fresh_id(), now=till.now)
    (letter, _) = options(till.session, question)
    assert letter.decision is Decision.LETTER
    send_copy_by_letter(till.session, till.account, till.all(Authorization)[0], now=till.now)
    send_copy_by_letter(till.session, till.account, till.all(Authorization)[0], now=till.now)
    assert sorted(copy.status for copy in copies(till)) == ["queued", "suppressed"]
    till.wait(minutes=15)
    assert charge(till, agreed) is None  # the notice of this part went to that address (PY-07)
    parts_of(till, agreed)[1].due_on += timedelta(days=30)
    till.wait(days=30)
    assert charge(till, agreed) is not None


def test_the_check_of_the_books_finds_a_charge_before_its_copy(till: Till) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.wait(days=30)
    assert charge(till, agreed) is not None
    granted = till.all(Authorization)[0]
    granted.copied_at = None
    assert ["PY-05" in broken.invariant for broken in till.broken()] == [True]
