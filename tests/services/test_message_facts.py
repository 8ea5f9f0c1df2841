"""Every fact that services tell becomes a message that can be sent, with the rows it speaks of."""

import re
from datetime import timedelta
from email import message_from_bytes

import pytest
from sqlalchemy import func, select

from portal.db import PortalSession
from portal.domain.help import Topic
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.outgoing import TEMPLATES
from portal.domain.statuses import AccountStatus, MessageStatus
from portal.domain.terms import Choice
from portal.models import (
    AccessLink,
    Account,
    CollectorRole,
    Contact,
    Debtor,
    Message,
    OneTimeCode,
    Payment,
)
from portal.sandbox import control
from portal.services import refunds, rests
from portal.services.arrangements import expire_due, stop_automatic, withdraw
from portal.services.breaking import look_after
from portal.services.charging import charge_installment
from portal.services.dispatch import Carriers, dispatch
from portal.services.evidence import SYSTEM
from portal.services.help import Answers, answer_request, open_request
from portal.services.links import issue_link, revoke_link
from portal.services.messages import queue
from portal.services.proposals import accept, counter, decline, wished_terms
from portal.services.standing import set_hold
from portal.services.threads import reply
from portal.writing import write
from tests.factories import (
    KEYS,
    NOW,
    TODAY,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_visit,
)
from tests.services.paying import Till, declining, first_payment, make_plan, parts_of, send_copy
from tests.services.test_acceptance import agree, dana, picked
from tests.services.test_dispatch import Phone, Post
from tests.services.test_help import ask, sam
from tests.services.test_proposals import suggest


@pytest.fixture
def post() -> Post:
    return Post()


def prove(session: PortalSession, account: Account) -> Contact:
    """Dana's address, through which she has shown who she is."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    contact = make_contact(session, debtor)
    issued = issue_link(session, debtor, keys=KEYS, contact=contact, now=NOW)
    issued.link.verified_at = NOW
    session.flush()
    return contact


def send_all(session: PortalSession, post: Post) -> dict[str, Message]:
    """Send whatever waits, whatever the hour, and give it by template."""
    carriers = Carriers(mailer=post, texter=Phone(), write=write, keys=KEYS)
    waiting = session.scalars(select(Message).order_by(Message.created_at)).all()
    at = max([NOW, *(one.send_at for one in waiting)])
    for one in waiting:
        dispatch(session, one.client_id, one.id, carriers=carriers, now=at, at_any_hour=True)
        assert one.status == "sent", (one.template, one.status, one.rule, one.error)
    return {one.template: one for one in waiting}


def send(till: Till, post: Post, template: str) -> Message:
    """Send the one message of a kind, at the till's time."""
    message = till.session.scalars(select(Message).where(Message.template == template)).one()
    carriers = Carriers(mailer=post, texter=Phone(), write=write, keys=KEYS)
    dispatch(till.session, message.client_id, message.id, carriers=carriers, now=till.now)
    return message


@pytest.mark.parametrize("role", ["third_party_agency", "first_party_creditor"])
def test_py_12_in_new_york_the_confirmation_names_the_income_that_is_protected(
    session: PortalSession, post: Post, role: str
):
    """PY-12, 23 NYCRR 1.5: at once, so within five days and before the first payment is due."""
    account = dana(session)
    account.collector_role = CollectorRole(role)
    prove(session, account)
    agree(session, account, picked(account, Choice(key="full")))
    confirmation = send_all(session, post)["agreement_copy"]
    assert confirmation.created_at == NOW
    for text in (confirmation.body or "", confirmation.body_html or ""):
        assert ("Supplemental security income (SSI)" in text) is (role == "third_party_agency")
        assert ("Ninety percent of your wages" in text) is (role == "third_party_agency")


def test_help_and_replies(session: PortalSession, post: Post):
    account = dana(session)
    prove(session, account)
    request = ask(session, account, Topic.ALREADY_PAID)
    staff = sam(session)
    answer_request(session, request, "You are right.", staff=staff, now=NOW, lift="paid")
    reply(session, account, "Thank you for waiting.", staff=staff, now=NOW)
    sent = send_all(session, post)
    assert set(sent) == {"help_received", "help_answered", "thread_reply"}
    assert request.reference in (sent["help_received"].body or "")
    assert "November 27, 2026" in (sent["help_received"].body or "")
    assert "You are right" not in str([mail.text for mail in post.sent])


def test_proposals(session: PortalSession, post: Post):
    staff, seen = sam(session), set()
    for answer in ("accept", "counter", "decline"):
        account = dana(session)
        prove(session, account)
        proposal = suggest(session, account)
        until = TODAY + timedelta(days=14)
        if answer == "accept":
            accept(session, proposal, staff=staff, valid_until=until, now=NOW)
        elif answer == "counter":
            terms = wished_terms(session, proposal, NOW)
            counter(session, proposal, terms, staff=staff, valid_until=until, now=NOW)
        else:
            decline(session, proposal, reason="Too little", staff=staff, now=NOW)
        seen |= set(send_all(session, post))
    assert seen == {f"proposal_{one}" for one in ("received", "accepted", "countered", "declined")}
    assert "$" not in str([mail.text for mail in post.sent])


def test_an_agreement_goes_along_as_the_very_bytes_that_were_kept(
    session: PortalSession, post: Post
):
    account = dana(session)
    prove(session, account)
    agreed = agree(session, account, picked(account, Choice(key="full")))
    withdraw(session, agreed, actor=SYSTEM, now=NOW)
    sent = send_all(session, post)
    assert set(sent) == {"agreement_copy", "arrangement_withdrawn"}
    (mail,) = [one for one in post.sent if one.attached]
    (file,) = mail.attached
    assert (file.name, file.body) == ("copy.html", b"<p>Your agreement</p>")
    parts = list(message_from_bytes(post.message_bytes(mail)).walk())
    assert parts[-1].get_payload(decode=True) == file.body
    assert agreed.reference in mail.text
    assert "You took your agreement" in (sent["arrangement_withdrawn"].body or "")


def test_an_agreement_that_nobody_paid_ends_with_its_reason(till: Till, post: Post):
    prove(till.session, till.account)
    agreed = make_plan(till, (400_00, 400_00, 440_00), method="manual")
    till.stripe.clock.advance(days=60)
    assert expire_due(till.session, agreed.client_id, agreed.id, now=till.now)
    body = send(till, post, "arrangement_withdrawn").body or ""
    assert f"{agreed.reference} has ended, because no first payment came in time." in body


@pytest.mark.parametrize("proven", [True, False])
def test_es_01_a_copy_that_the_law_wants_goes_by_letter_too(
    session: PortalSession, post: Post, proven: bool
):
    """EC-08, PY-05: whether or not the e-mail may hold it, for nobody consented to that alone."""
    account = dana(session)
    contact = prove(session, account)
    if not proven:
        for link in session.scalars(select(AccessLink).where(AccessLink.contact_id == contact.id)):
            link.verified_at = None
    agree(session, account, picked(account, Choice(key="full")))
    send_all(session, post)
    assert [bool(mail.attached) for mail in post.sent] == [proven]
    by_letter = session.scalars(select(Message.template).where(Message.channel == "letter")).all()
    assert by_letter == ["agreement_copy"]


def test_money_that_came_and_went_back(till: Till, post: Post):
    contact = prove(till.session, till.account)
    agreed = make_plan(till, (50_00, 40_00))
    paid = first_payment(till, agreed)
    wanted = refunds.give_back(till.session, paid, Cents(10_00), cause="staff", now=till.now)
    till.session.commit()
    refunds.post_refund(till.session, till.gateway, wanted.id, now=till.now)
    stop_automatic(till.session, agreed, actor=SYSTEM, now=till.now)
    sent = send_all(till.session, post)
    assert set(sent) == {"receipt", "authorization_copy", "refund_made", "automatic_stopped"}
    assert "$50.00" in (sent["receipt"].body or "")
    assert "$10.00" in (sent["refund_made"].body or "")
    copy = sent["authorization_copy"].body or ""
    for needed in ("Visa ending in 4242", "$50.00", "$40.00", "Dana Reyes", "Northgate Energy"):
        assert needed in copy
    assert contact.address == post.sent[0].to


def test_the_last_payment_is_the_end_of_the_plan(till: Till, post: Post):
    prove(till.session, till.account)
    agreed = make_plan(till, (50_00,), method="manual", kind="settlement")
    first_payment(till, agreed)
    assert parts_of(till, agreed)[0].paid_cents == 50_00
    sent = send_all(till.session, post)
    assert set(sent) == {"receipt", "plan_completed"}
    assert agreed.reference in (sent["plan_completed"].body or "")
    assert "nothing left to pay on it" in (sent["plan_completed"].body or "")
    receipt = " ".join((sent["receipt"].body or "").split())
    assert "On your page you can print the receipt. We first check" in receipt
    assert "comes next" not in receipt


def test_labels_in_french_have_their_space_before_the_colon(till: Till, post: Post):
    prove(till.session, till.account)
    till.session.get_one(Debtor, (till.account.client_id, till.account.debtor_id)).language = "fr"
    first_payment(till, make_plan(till, (50_00, 40_00), method="manual"))
    body = send_all(till.session, post)["receipt"].body or ""
    assert f"Compte\u202f: {till.account.reference}" in body
    assert "Montant\u202f: 50,00" in body
    assert re.findall(r"\w:(?!//)", body) == []


def test_the_end_of_a_plan_says_what_is_still_owed(till: Till, post: Post):
    prove(till.session, till.account)
    agreed = make_plan(till, (1240_00,), method="manual")
    paid = till.start(10_00)
    till.pay(paid)
    till.land(paid)
    first_payment(till, agreed)
    control.refund(till.stripe.world, paid.intent_id or "")
    till.reconcile()
    assert till.balance == 10_00
    written = send_all(till.session, post)["plan_completed"].body or ""
    assert "You still owe $10.00 on this account." in written
    assert "nothing left to pay" not in written


def test_a_payment_that_is_missing_and_the_end_of_its_plan(till: Till, post: Post):
    """Each names what can be done, and by which day."""
    prove(till.session, till.account)
    agreed = make_plan(till, (400_00, 400_00, 440_00), method="manual")
    first_payment(till, agreed)
    till.stripe.clock.advance(days=31)
    look_after(till.session, agreed.client_id, agreed.id, now=till.now)
    missed = send(till, post, "payment_missed").body or ""
    assert "Your December 23, 2026 payment has not come yet. That happens." in missed
    assert "Pay $400.00 by January 13, 2027." in missed
    assert "Or pay it on December 28, 2026." in missed
    till.stripe.clock.advance(days=21)
    look_after(till.session, agreed.client_id, agreed.id, now=till.now)
    ended = send(till, post, "plan_ended").body or ""
    assert "The $400.00 that you paid still counts. You owe $840.00 now." in ended
    assert "You can choose a new plan, suggest what you can pay, or ask for help." in ended


def take_back(till: Till, post: Post, payment: Payment) -> str:
    """The bank takes a payment back; what its debtor is told of it."""
    control.dispute(till.stripe.world, payment.intent_id or "")
    till.reconcile()
    return send(till, post, "charged_back").body or ""


def test_py_09_a_chargeback_says_what_counts_no_more_and_that_nothing_is_taken(
    till: Till, post: Post
):
    """And the message about the end of its plan counts only what is still here."""
    prove(till.session, till.account)
    agreed = make_plan(till, (400_00, 400_00, 440_00))
    payment = first_payment(till, agreed)
    told = take_back(till, post, payment)
    assert "Your bank took back $400.00 that was paid on November 23, 2026." in told
    assert "You owe $1,240.00 now." in told
    assert "Automatic payments have stopped." in told
    assert "Our letter" not in told
    till.stripe.clock.advance(days=31)
    look_after(till.session, agreed.client_id, agreed.id, now=till.now)
    send(till, post, "payment_missed")
    till.stripe.clock.advance(days=21)
    look_after(till.session, agreed.client_id, agreed.id, now=till.now)
    ended = send(till, post, "plan_ended").body or ""
    assert "still counts" not in ended
    assert "You owe $1,240.00 now. Nothing is taken without you." in ended


def test_py_12_a_chargeback_after_the_letter_says_that_the_letter_counts_no_more(
    till: Till, post: Post
):
    prove(till.session, till.account)
    agreed = make_plan(till, (868_00,), method="manual", kind="settlement")
    payment = first_payment(till, agreed)
    told = take_back(till, post, payment)
    assert "Your bank took back $868.00" in told
    assert "You owe $1,240.00 now." in told
    assert "Our letter that you owe nothing more does not count any more." in told
    assert "Automatic payments" not in told


def test_a_chargeback_that_the_bank_gave_back_before_it_was_told_is_not_told(
    till: Till, post: Post
):
    prove(till.session, till.account)
    payment = first_payment(till, make_plan(till, (868_00,), method="manual", kind="settlement"))
    opened = control.dispute(till.stripe.world, payment.intent_id or "")
    till.reconcile()
    control.close_dispute(till.stripe.world, opened["id"], won=True)
    till.reconcile()
    assert send(till, post, "charged_back").status == "suppressed"


def test_py_09_a_first_charge_that_failed_says_when_it_is_tried_again_and_until_when(
    till: Till, post: Post
):
    """Also where its debtor stopped automatic payments meanwhile: then nothing is tried."""
    prove(till.session, till.account)
    agreed = make_plan(till, (400_00, 400_00, 440_00))
    till.paid(0, purpose="method", arrangement_id=agreed.id)
    send_copy(till)
    with declining("insufficient_funds"):
        first = parts_of(till, agreed)[0]
        charge_installment(till.session, till.gateway, first.id, now=till.now)
    failed = send(till, post, "payment_failed")
    body = failed.body or ""
    assert "We try again on November 27, 2026. You can also pay before." in body
    assert "We keep this agreement for you until December 4, 2026." in body
    assert "You can try again" not in body
    stop_automatic(till.session, agreed, actor=SYSTEM, now=till.now)
    failed.status, failed.send_at = MessageStatus.QUEUED, till.now
    body = send(till, post, "payment_failed").body or ""
    assert "We try again" not in body
    assert "We keep this agreement for you until December 4, 2026." in body


def test_dh_08_what_the_end_of_a_rest_says_leaves_while_all_else_is_quiet(till: Till, post: Post):
    prove(till.session, till.account)
    agreed = make_plan(till, (400_00, 400_00, 440_00), method="manual")
    first_payment(till, agreed)
    visit = make_visit(till.session, till.account)
    request = Topic.CANNOT_PAY
    open_request(till.session, till.account, request, Answers(), by=visit, now=till.now)
    till.wait(days=27)
    for rest in rests.ending(till.session, agreed.client_id, now=till.now):
        rests.tell(till.session, agreed.client_id, rest, now=till.now)
    body = send(till, post, "rest_ends").body or ""
    assert "Everything rests until December 23, 2026, and then it goes on." in body
    assert "Your next payment is $400.00 on December 23, 2026." in body
    assert "You make this payment yourself." in body
    assert f"Account: {till.account.reference}" in body


def test_a_bank_debit_on_its_way_that_fails(till: Till, post: Post):
    prove(till.session, till.account)
    payment = till.start(50_00)
    till.pay(payment, "bank_success")
    till.land(payment)
    intent_id = till.newest().intent_id or ""
    control.finish_debit(till.stripe.world, intent_id, failure="insufficient_funds")
    till.land(payment)
    templates = set(till.session.scalars(select(Message.template)))
    assert templates == {"payment_processing", "payment_failed"}
    sent = send_all(till.session, post)
    assert "No money was taken" in (sent["payment_failed"].body or "")


def told(session: PortalSession, account: Account, **given: object) -> Message:
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    values = {"template": "thread_reply", "context": {}, "account": account, "now": NOW}
    (message,) = queue(session, debtor, dedupe_key=f"{given}", **(values | given))  # type: ignore[arg-type]
    return message


@pytest.mark.parametrize("proof", ["link", "code", "another address", "nothing"])
def test_ec_08_only_a_proven_address_reads_an_amount(
    session: PortalSession, post: Post, proof: str
):
    """EC-08"""
    account = dana(session)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    contact, other = make_contact(session, debtor), make_contact(session, debtor)
    issued = issue_link(session, debtor, keys=KEYS, contact=contact, now=NOW)
    if proof == "link":
        issued.link.verified_at = NOW
    if proof == "another address":
        elsewhere = issue_link(session, debtor, keys=KEYS, contact=other, now=NOW)
        elsewhere.link.verified_at = NOW
    if proof == "code":
        code = OneTimeCode(
            client_id=account.client_id,
            debtor_id=debtor.id,
            link_id=issued.link.id,
            contact_id=contact.id,
            code_hash=bytes(32),
            sent_at=NOW,
            expires_at=NOW + timedelta(minutes=10),
            passed_at=NOW,
        )
        session.add(code)
    session.flush()
    request = ask(session, account, Topic.ALREADY_PAID)
    message = session.scalars(select(Message)).one()
    message.contact_id = contact.id
    session.flush()
    send_all(session, post)
    assert (request.reference in (message.body or "")) is (proof in ("link", "code"))


@pytest.mark.parametrize("role", [CollectorRole.FIRST_PARTY_CREDITOR, CollectorRole.DEBT_BUYER])
def test_tx_01_stands_in_what_speaks_of_the_debt_and_nowhere_else(
    session: PortalSession, post: Post, role: CollectorRole
):
    """TX-01, EC-08"""
    client = make_client(session, collector_role=role)
    account = make_account(session, make_debtor(session, client))
    prove(session, account).permission_basis = "direct_consent"
    payment = Payment(
        client_id=client.id,
        account_id=account.id,
        purpose="one_off",
        status="succeeded",
        amount_cents=Cents(50_00),
        currency="USD",
        reference="PY-1",
        locale="en",
        idempotency_key="one",
        created_at=NOW,
        settled_at=NOW,
    )
    session.add(payment)
    session.flush()
    context = {"payment": str(payment.id)}
    told(session, account, template="receipt", context=context)
    told(session, account, template="thread_reply")
    sent = send_all(session, post)
    line = "debt collector"
    assert (line in (sent["receipt"].body or "")) is (role == CollectorRole.DEBT_BUYER)
    assert line not in (sent["thread_reply"].body or "")


def test_a_link_that_is_open_is_used_again_and_else_a_new_one_is_made(
    session: PortalSession, post: Post
):
    account = dana(session)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    contact = make_contact(session, debtor)
    first = told(session, account, contact=contact, context={"n": 1})
    send_all(session, post)
    second = told(session, account, contact=contact, context={"n": 2})
    send_all(session, post)
    assert first.link_id == second.link_id is not None
    link = session.get_one(AccessLink, (account.client_id, first.link_id))
    revoke_link(session, link, reason="staff", actor=SYSTEM, now=NOW)
    third = told(session, account, contact=contact, context={"n": 3})
    send_all(session, post)
    assert third.link_id not in (None, link.id)
    assert session.scalar(select(func.count(AccessLink.id))) == 2


def test_where_no_link_is_allowed_the_message_says_to_call(session: PortalSession, post: Post):
    """SC-04"""
    account = dana(session)
    prove(session, account)
    set_hold(session, account, HoldKind.BANKRUPTCY, source="staff", now=NOW, actor=SYSTEM)
    for link in session.scalars(select(AccessLink)):
        revoke_link(session, link, reason="bankruptcy", actor=SYSTEM, now=NOW)
    told(session, account)
    (message,) = send_all(session, post).values()
    assert "/l/" not in (message.body or "")
    assert "Please call us at 1-800-555-0100." in (message.body or "")


def test_a_recalled_account_still_gets_its_answers(session: PortalSession, post: Post):
    """DH-09"""
    account = dana(session)
    prove(session, account)
    account.status = AccountStatus.RECALLED
    told(session, account)
    assert send_all(session, post)["thread_reply"].status == "sent"


def test_every_kind_of_message_was_told_by_a_service_here_or_has_its_own_test():
    elsewhere = {
        "payment_link",  # test_phone_payments
        *("link", "new_link", "one_time_code", "abandoned_checkout", "esign_sample"),
        *("plan_changed", "arrangement_canceled"),  # test_amending
        "payment_returned",  # test_counter_payments
        "closing_notice",  # test_closing
        "address_added",  # test_callers
    }
    here = {
        *("help_received", "help_answered", "thread_reply", "agreement_copy"),
        *("proposal_received", "proposal_accepted", "proposal_countered", "proposal_declined"),
        *("receipt", "authorization_copy", "refund_made", "automatic_stopped", "plan_completed"),
        *("arrangement_withdrawn", "payment_processing", "payment_failed"),
        *("payment_missed", "plan_ended", "rest_ends", "charged_back"),
    }
    plans = {  # test_plan_notices
        *("pre_debit_notice", "payments_ahead", "payment_reminder", "payment_waits"),
        *("plan_accounting", "account_paid"),
    }
    assert here | elsewhere | plans == set(TEMPLATES)
