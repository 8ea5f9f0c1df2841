"""CT-08: after a stop of everything one notice may follow, in one of two wordings."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from portal.domain.channels import Channel
from portal.domain.holds import Capability, HoldKind
from portal.models import Message, Role, Staff, fresh_id
from portal.services import evidence
from portal.services.closing import (
    ClosingNoticeSent,
    NoRemedy,
    NothingStopped,
    WayClosed,
    send_closing_notice,
    ways,
)
from portal.services.closing_rule import TEMPLATE, Wording
from portal.services.evidence import SYSTEM
from portal.services.messages import queue
from portal.services.standing import holds_in_force, lift_hold, set_hold, standing
from portal.services.verify import verify_client
from tests.factories import NOW, make_link
from tests.services.test_dispatch import Dana, carriers, dana, letters, make_dana

__all__ = ["carriers", "dana", "make_dana"]

Make = Callable[..., Dana]
SUE = Staff(id=fresh_id(), role=Role.SUPERVISOR)


def stop(person: Dana, kind: HoldKind = HoldKind.CEASE_ALL) -> None:
    account = person.account
    set_hold(person.session, account, kind, source="staff", actor=SYSTEM, now=NOW)
    person.session.flush()


def send(person: Dana, wording: Wording = Wording.ENDS, **given: Any) -> Message:
    values: dict[str, Any] = {"channel": Channel.LETTER, "staff": SUE, "now": NOW}
    return send_closing_notice(person.session, person.account, wording, **(values | given))


def prove(person: Dana) -> None:
    """Dana opened a link that went to her e-mail address, and passed the check."""
    issued = make_link(person.session, person.debtor, contact=person.contact)
    issued.link.verified_at = NOW
    person.session.flush()


def test_ct_08_one_notice_goes_by_letter_and_a_second_one_is_refused(dana: Dana):
    stop(dana)
    message = send(dana)
    assert letters(dana) == [(TEMPLATE, "queued")]
    told = dana.leaves("notice.")[-1].payload
    assert {name: told[name] for name in told if name not in ("type", "v")} == {
        "actor": evidence.staff(SUE.id),
        "message": str(message.id),
        "template": TEMPLATE,
        "channel": "letter",
        "wording": "ends",
    }
    with pytest.raises(ClosingNoticeSent):
        send(dana, Wording.REMEDY)
    assert "CT-08" in ClosingNoticeSent.message


def test_ct_08_the_policy_lets_one_through_and_names_ct_08_for_a_second(dana: Dana):
    stop(dana)
    prove(dana)
    first = send(dana, channel=Channel.EMAIL)
    told = {"template": TEMPLATE, "context": {"wording": "ends"}, "dedupe_key": "another"}
    second = queue(dana.session, dana.debtor, account=dana.account, now=NOW, **told)[0]
    dana.dispatch(second, NOW)
    assert (second.status, second.rule) == ("suppressed", "CT-08")
    dana.dispatch(first, NOW)
    assert (first.status, first.rule) == ("sent", None)
    assert "We end our efforts to collect this account from you." in (first.body or "")
    third = queue(
        dana.session,
        dana.debtor,
        account=dana.account,
        channel=Channel.LETTER,
        now=NOW,
        **(told | {"dedupe_key": "on paper"}),
    )[0]
    assert (third.status, third.rule) == ("suppressed", "CT-08")
    assert list(verify_client(dana.session, dana.account.client_id)) == []


def test_ct_08_nothing_else_goes_out_unasked_and_the_debtor_still_logs_in_and_pays(dana: Dana):
    stop(dana)
    send(dana)
    invitation = dana.queue("link")
    dana.dispatch(invitation, NOW)
    assert (invitation.status, invitation.rule) == ("suppressed", "CT-08")
    allowed = standing(dana.session, dana.account, NOW)
    for capability in (Capability.LINK, Capability.SHOW, Capability.PAY):
        assert allowed.of(capability).allowed


def test_ct_08_without_a_stop_there_is_nothing_to_close(dana: Dana):
    with pytest.raises(NothingStopped):
        send(dana)


def test_ct_08_a_stop_that_was_taken_back_drops_what_had_not_left(dana: Dana):
    stop(dana)
    prove(dana)
    message = send(dana, channel=Channel.EMAIL)
    (hold,) = holds_in_force(dana.session, dana.account, NOW)
    lift_hold(dana.session, hold, reason="She wants to hear from us.", now=NOW)
    dana.dispatch(message, NOW)
    assert (message.status, message.rule) == ("suppressed", "out_of_date")
    stop(dana)
    assert send(dana).status == "queued"


@pytest.mark.parametrize("kind", [HoldKind.DISPUTE, HoldKind.BANKRUPTCY])
def test_ct_08_no_remedy_is_named_while_the_debt_is_contested(dana: Dana, kind: HoldKind):
    """DH-01, TB-02: only that efforts end."""
    stop(dana)
    stop(dana, kind)
    with pytest.raises(NoRemedy):
        send(dana, Wording.REMEDY)
    assert send(dana).status == "queued"


def test_ct_08_it_goes_by_email_only_where_the_debtor_proved_the_address(dana: Dana):
    """EC-08: at another address it could not say what it is."""
    stop(dana)
    assert ways(dana.session, dana.account) == [Channel.LETTER]
    with pytest.raises(WayClosed):
        send(dana, channel=Channel.EMAIL)
    prove(dana)
    assert ways(dana.session, dana.account) == [Channel.LETTER, Channel.EMAIL]
    assert list(dana.session.scalars(select(Message.id))) == []


def test_ct_08_a_lawyer_hears_for_their_client_and_no_notice_goes_to_the_debtor(dana: Dana):
    stop(dana)
    stop(dana, HoldKind.ATTORNEY)
    with pytest.raises(WayClosed):
        send(dana)
