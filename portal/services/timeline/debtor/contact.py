"""Links, checks, messages, help and holds in the words of the debtor."""

from portal.domain import N_
from portal.domain.help import TITLES, UNCLEAR_TEXT
from portal.domain.outgoing import Rule
from portal.services.call_me import TOPIC as CALL
from portal.services.timeline.calls import spoken
from portal.services.timeline.debtor.telling import Say, Telling, mine, plainly
from portal.services.timeline.wording import Groups, Words

TEMPLATES = {
    "link": N_("a link to this page"),
    "new_link": N_("a new link, as you asked"),
    "one_time_code": N_("a code, as you asked"),
    "payment_link": N_("a page to pay on, as you asked"),
    "receipt": N_("a receipt"),
    "payment_failed": N_("a note about a payment that did not go through"),
    "payment_missed": N_("a note about a payment that is missing"),
    "payment_processing": N_("a note about a payment on its way"),
    "agreement_copy": N_("a copy of what we agreed"),
    "authorization_copy": N_("a copy of your permission for automatic payments"),
    "arrangement_canceled": N_("a note that your agreement has ended"),
    "plan_changed": N_("the new dates of your plan"),
    "arrangement_withdrawn": N_("a note about an agreement that was taken back"),
    "automatic_stopped": N_("a note that automatic payments were stopped"),
    "proposal_received": N_("a note that we have your suggestion"),
    "proposal_accepted": N_("an answer to your suggestion"),
    "proposal_countered": N_("an answer to your suggestion"),
    "proposal_declined": N_("an answer to your suggestion"),
    "help_received": N_("a note that we have your message"),
    "help_answered": N_("an answer to you"),
    "thread_reply": N_("an answer to you"),
    "refund_made": N_("a note about money that went back"),
    "charged_back": N_("a note about money that your bank took back"),
    "payment_returned": N_("a note about a payment that does not count any more"),
    "abandoned_checkout": N_("a note about a payment that was not finished"),
    "plan_completed": N_("a note that your plan is complete"),
    "plan_ended": N_("a note that your plan has ended"),
    "pre_debit_notice": N_("a notice of the payment that we take next"),
    "payments_ahead": N_("a list of your payments of a month"),
    "payment_reminder": N_("a reminder of a payment"),
    "rest_ends": N_("a note about the end of your rest"),
    "payment_waits": N_("a note about a payment that was not taken"),
    "plan_accounting": N_("an overview of your plan"),
    "account_paid": N_("a letter that nothing is owed"),
    "closing_notice": N_("the one notice that follows when you ask us to stop"),
    "text_answer": N_("an automatic answer to a text"),
    "address_added": N_("a note that we have another address or number of yours"),
    "esign_sample": N_("a test, to see if you can open our copies"),
}
ANY_MESSAGE = N_("a message")

SENT = {
    "email": N_("We sent you an email with %(what)s."),
    "sms": N_("We sent you a text with %(what)s."),
    "letter": N_("We sent you a letter with %(what)s."),
}
FAILED = {
    "email": N_("An email to you did not arrive: %(what)s."),
    "sms": N_("A text to you did not arrive: %(what)s."),
    "letter": N_("A letter to you did not arrive: %(what)s."),
}
DELIVERED = {
    "email": N_("Our email to you was delivered: %(what)s."),
    "sms": N_("Our text to you was delivered: %(what)s."),
}
CAME_BACK = {
    "email": N_("Our email to you came back: %(what)s. Nobody gets messages at that address."),
    "sms": N_("Our text to you came back: %(what)s. Nobody gets texts at that number."),
}
WHY_NOT_SENT: dict[str, str] = {
    Rule.HOURS: N_("It was too early or too late in the day."),
    Rule.HOURS_SOMEWHERE: N_("It may have been too early or too late in your day."),
    Rule.CAP: N_("We had written to you often enough."),
    Rule.WISH: N_("You had asked us not to write then, there or in this way."),
    Rule.WORK: N_("The address is at your work."),
    Rule.NO_PERMISSION: N_("We may not use that email address yet."),
    Rule.NUMBER_STALE: N_("We were not sure that the number is still yours."),
    Rule.OPTED_OUT: N_("We do not write to that address any more."),
    Rule.UNREAD: N_("You may have asked us to stop texts. A person was to read that first."),
    Rule.NO_TEXTS: N_("We do not send texts about this account."),
    Rule.WRONG_PERSON: N_("Somebody had told us that the address is not yours."),
    Rule.BOUNCED: N_("Our messages do not arrive at that address."),
    Rule.NO_ADDRESS: N_("We have no address of yours that we may use."),
    Rule.OUT_OF_DATE: N_("It was of no use any more."),
    Rule.REPEATED: N_("You had the same message already."),
    Rule.ARRANGED: N_("You had an agreement already."),
    "VN-04": N_("We must send you a letter about this debt first."),
    "DH-09": N_("Nothing was owed, or the account was not with us any more."),
    "too_little": N_("What is left is too little to ask for."),
}
NOT_ALLOWED = N_("We were not allowed to write to you about this account then.")
"""For every hold alike: the line of the hold says what there is to say, where it may be said."""

CHECKING = N_("You told us that something is not right. We began to check it.")
CLOSED_FOR_A_TIME = N_("We closed this account for a time, to check something.")
HELD = {
    "dispute": CHECKING,
    "not_my_debt": N_("You told us that this is not your debt. We began to check it."),
    "amount_wrong": N_("You told us that the amount is wrong. We began to check it."),
    "already_paid": N_("You told us that you already paid. We began to check it."),
    "identity_theft": N_("You told us that somebody used your name. We began to check it."),
    "original_creditor_request": N_("You asked who the debt was first owed to."),
    "ny_substantiation": N_("You asked for proof of this debt."),
    "attorney": N_("We noted that you have a lawyer. From then on we write to your lawyer."),
    "debt_counsellor": N_(
        "We noted that you have a debt adviser. From then on we write to your adviser."
    ),
    "cease_all": N_("You asked us to stop writing. We stopped."),
    "scra": N_("We noted that you are protected as a member of the armed forces."),
    "breathing_space": N_("Your breathing space started."),
    "hardship": N_("You told us that paying is hard now. So we took no automatic payment."),
    "under_review": N_("A person began to check this account."),
    **dict.fromkeys(("bankruptcy", "deceased", "minor", "wrong_person"), CLOSED_FOR_A_TIME),
}
"""What began with a hold. Where it may be about somebody's death or age, it does not say so."""

CHECKED = (
    *("dispute", "not_my_debt", "amount_wrong", "already_paid", "identity_theft"),
    *("original_creditor_request", "ny_substantiation", "under_review"),
)
STOPPED = {
    "opted_out": N_("We stopped writing to one of your addresses, as we were asked to."),
    "wrong_person": N_(
        "Somebody told us that one of your addresses is not yours. We stopped writing to it."
    ),
    "bounced": N_(
        "Our messages did not arrive at one of your addresses. We stopped writing to it."
    ),
    "reassigned": N_("One of your numbers belongs to somebody else now. We stopped texting it."),
    "unread": N_("You may have asked us to stop texts. We stopped until a person has read yours."),
}
WHY_CLOSED = {
    "asked": N_("We closed a link to this page, as you asked."),
    "wrong_person": N_("Somebody told us that a link to this page was not for them. We closed it."),
    "lost": N_("We closed a link to this page, because somebody else may have had it."),
    "corrected": N_("We closed a code for this page, because we corrected your details."),
}
ADDED = {"email": N_("You gave us an email address."), "sms": N_("You gave us a phone number.")}
REOPENED = {
    "email": N_("You let us write to one of your email addresses again."),
    "sms": N_("You let us send texts to one of your phone numbers again."),
}
TOPICS = {str(topic): title for topic, title in TITLES.items()}
GROUPS: Groups = {"topic": TOPICS}


def _by(name: str, words: dict[str, str]) -> Say:
    """The sentence for the code that stands under a name."""

    def say(it: Telling) -> Words:
        return Words(words.get(it.payload.get(name, ""), it.plain), {})

    return say


def _what(it: Telling) -> Words:
    return Words(TEMPLATES.get(it.payload["template"], ANY_MESSAGE), {})


def _message(words: dict[str, str]) -> Say:
    """A sentence for the way that a message went, with what it was."""

    def say(it: Telling) -> Words:
        return Words(words[it.payload["channel"]], {"what": _what(it)})

    return say


def _suppressed(it: Telling) -> Words:
    why = WHY_NOT_SENT.get(it.payload["rule"], NOT_ALLOWED)
    return Words(
        N_("We did not send you this message: %(what)s. %(why)s"),
        {"what": _what(it), "why": Words(why, {})},
    )


def _reopened(it: Telling) -> Words:
    if it.actor == "debtor":
        return Words(REOPENED.get(it.payload.get("channel", ""), it.plain), {})
    return plainly(it)


def _issued(it: Telling) -> Words | None:
    """Nothing where a message brings the link: that has a line of its own."""
    by_hand = it.payload["channel"] == "letter"
    said = N_("We made a link to this page for you, for a letter or the phone.")
    return Words(said, {}) if by_hand else None


def _passed(it: Telling) -> Words:
    by_code = "code:" in it.payload["method"]
    return Words(
        N_("This page was opened with a code that we had sent you.")
        if by_code
        else N_("This page was opened with the right answers to our questions."),
        {},
    )


def _opened(it: Telling) -> Words | None:
    """Nothing of a text from a number of several people: it may be somebody else's."""
    topic = it.payload["topic"]
    if topic == UNCLEAR_TEXT:
        return None
    if topic == CALL:
        return it.fill(
            N_(
                "Somebody with your link asked us to call. We said that we call by %(promised_on)s."
            ),
            "promised_on",
        )
    if it.by_letter:
        return it.fill(
            N_(
                "Your letter of %(received_on)s, which we took down: %(topic)s. We said that we"
                " answer by %(promised_on)s."
            ),
            *("received_on", "topic", "promised_on"),
            groups=GROUPS,
        )
    return it.fill(
        N_("You asked us for help: %(topic)s. We said that we answer by %(promised_on)s."),
        *("topic", "promised_on"),
        groups=GROUPS,
    )


def _about(message: str, call: str | None = None) -> Say:
    """A sentence about what was asked, ``call`` for a call; nothing of what may be others'."""

    def say(it: Telling) -> Words | None:
        topic = it.around.topics.get(it.payload["request"], "")
        if topic == UNCLEAR_TEXT:
            return None
        if topic in TOPICS:
            return Words(message, {"topic": Words(TOPICS[topic], {})})
        return Words(call, {}) if topic == CALL and call else plainly(it)

    return say


def _letter(message: str) -> Say:
    """A sentence about a letter, with what it brings."""

    def say(it: Telling) -> Words:
        return Words(message, {"what": _what(it)})

    return say


def _lifted(it: Telling) -> Words:
    kind = it.payload["kind"]
    if kind == "cease_all":
        say = mine(N_("You let us write to you again."), N_("We may write to you again."))
        return say(it)
    if kind not in CHECKED:
        return plainly(it)
    say = mine(
        N_("You took back what you had told us. The account goes on as before."),
        N_("We finished our check. The account goes on as before."),
    )
    return say(it)


def _wrote(it: Telling) -> Words:
    """That somebody wrote; the words are in the thread."""
    if it.payload.get("channel") == "sms":
        return Words(N_("You sent us a text."), {})
    if it.by_letter:
        return it.fill(N_("We took down what your letter of %(received_on)s says."), "received_on")
    return mine(N_("You wrote to us."), N_("We wrote to you."))(it)


def _called(it: Telling) -> Words | None:
    return spoken(it.payload, it.plain)


WORDS: dict[str, tuple[str, Say]] = {
    "call.logged": (N_("We called you."), _called),
    "contact.added": (N_("You gave us an address."), _by("channel", ADDED)),
    "contact.reopened": (N_("We may write to one of your addresses again."), _reopened),
    "contact.stopped": (
        N_("We stopped writing to one of your addresses."),
        _by("kind", STOPPED),
    ),
    "contact.permitted": (N_("We noted that we may write to one of your addresses."), plainly),
    "notice.given": (N_("We sent you a first letter about this account."), plainly),
    "notice.missed": (N_("You told us that our first letter did not come."), plainly),
    "preference.ended": (N_("You took back a wish about how we write to you."), plainly),
    "preference.stated": (N_("You told us how you want us to write to you."), plainly),
    "debtor.corrected": (N_("We corrected your name, address or other details."), plainly),
    "debtor.language": (N_("You chose another language for our messages."), plainly),
    "esign.asked": (N_("You asked us for a test of copies by email."), plainly),
    "esign.consented": (N_("You agreed to get copies by email only."), plainly),
    "esign.withdrawn": (
        N_("You get copies on paper again."),
        mine(
            N_("You asked for copies on paper again."),
            N_("You get copies on paper again."),
        ),
    ),
    "help.answered": (
        N_("We answered you."),
        _about(N_("We answered what you had asked: %(topic)s.")),
    ),
    "help.closed": (
        N_("We closed a request for help."),
        _about(N_("We closed this: %(topic)s."), N_("We closed the request for a call.")),
    ),
    "help.opened": (N_("There was a request for help."), _opened),
    "help.reopened": (
        N_("You wrote to us again."),
        _about(N_("You wrote to us again about this: %(topic)s.")),
    ),
    "help.withdrawn": (
        N_("You took back a request for help."),
        _about(N_("You took this back: %(topic)s.")),
    ),
    "hold.lifted": (N_("The account goes on as before."), _lifted),
    "hold.moved": (N_("We changed until when everything rests for you."), plainly),
    "hold.set": (N_("Something about this account was stopped for a time."), _by("kind", HELD)),
    "identity.failed": (
        N_("Somebody tried to open this page and did not pass the check."),
        plainly,
    ),
    "call_session.matched": (
        N_("Somebody answered our questions on the telephone, so we spoke with them as with you."),
        plainly,
    ),
    "call_session.not_matched": (
        N_("Somebody could not answer our questions on the telephone. We told them nothing."),
        plainly,
    ),
    "identity.passed": (N_("This page was opened."), _passed),
    "letter.put_back": (
        N_("A letter to you has to be printed again."),
        _letter(N_("A letter to you has to be printed again: %(what)s.")),
    ),
    "letter.queued": (
        N_("We wrote a letter to you."),
        _letter(N_("We wrote a letter to you: %(what)s. It is to be printed.")),
    ),
    "letter.sent": (
        N_("We sent you a letter."),
        _letter(N_("We sent you a letter with %(what)s.")),
    ),
    "link.issued": (N_("We made a link to this page for you."), _issued),
    "identity.unlocked": (
        N_("Somebody who works for us let you try again at the identity check."),
        plainly,
    ),
    "link.revoked": (N_("We closed a link to this page."), _by("reason", WHY_CLOSED)),
    "charge.dealt_with": (
        N_("We looked into a payment that did not go through."),
        plainly,
    ),
    "lock_out.closed": (
        N_("We looked into it when this page had been locked after wrong answers."),
        plainly,
    ),
    "message.bounced": (N_("A message to you came back."), _message(CAME_BACK)),
    "message.complained": (
        N_("Your mail or phone company told us that you do not want our messages. We stopped."),
        plainly,
    ),
    "message.delivered": (N_("A message to you was delivered."), _message(DELIVERED)),
    "message.failed": (N_("A message to you did not arrive."), _message(FAILED)),
    "message.sent": (N_("We sent you a message."), _message(SENT)),
    "message.suppressed": (N_("We did not send you a message."), _suppressed),
    "staff.looked": (
        N_("Somebody who works for us looked at one of your pages, as you see it."),
        plainly,
    ),
    "staff.read": (
        N_("Somebody who works for us read the record of your account, and wrote down why."),
        plainly,
    ),
    "staff.revealed": (
        N_("Somebody who works for us looked at your personal details, and wrote down why."),
        plainly,
    ),
    "thread.written": (N_("A message was written."), _wrote),
}
