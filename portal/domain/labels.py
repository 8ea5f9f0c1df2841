"""What staff read for the codes that stand in rows and leaves."""

from portal.domain import N_
from portal.domain.help import TITLES, UNCLEAR_TEXT

HOLDS = {
    "dispute": N_("Debt disputed"),
    "original_creditor_request": N_("Asked for the original creditor"),
    "identity_theft": N_("Identity theft"),
    "bankruptcy": N_("Bankruptcy"),
    "deceased": N_("Has died"),
    "minor": N_("Under age"),
    "attorney": N_("Has a lawyer"),
    "debt_counsellor": N_("Has a debt adviser"),
    "cease_all": N_("Wants no more contact"),
    "scra": N_("Serves in the armed forces"),
    "ny_substantiation": N_("Asked for proof (New York)"),
    "breathing_space": N_("Breathing space"),
    "not_my_debt": N_("Says it is not their debt"),
    "amount_wrong": N_("Says the amount is wrong"),
    "already_paid": N_("Says it was paid before"),
    "hardship": N_("Hardship"),
    "wrong_person": N_("Wrong person"),
    "under_review": N_("Under review"),
}

CHANNELS = {"email": N_("E-mail"), "sms": N_("Text message"), "letter": N_("Letter or phone")}

ENTRIES = {
    "placed": N_("Placed"),
    "adjusted": N_("Changed by the client"),
    "payment": N_("Payment"),
    "refund": N_("Refund"),
    "refund_failed": N_("Refund came back"),
    "chargeback": N_("Chargeback"),
    "chargeback_reversed": N_("Chargeback reversed"),
    "returned": N_("Payment came back"),
    "forgiven": N_("Forgiven"),
    "forgiveness_reversed": N_("No longer forgiven"),
    "recalled": N_("Taken back"),
}

STATUSES = {
    "open": N_("Open"),
    "paid": N_("Paid"),
    "settled": N_("Settled"),
    "recalled": N_("Taken back"),
    "awaiting_first_payment": N_("Waits for the first payment"),
    "active": N_("Running"),
    "completed": N_("Fulfilled"),
    "withdrawn": N_("Taken back by the debtor"),
    "canceled": N_("Canceled"),
    "broken": N_("Broken"),
    "scheduled": N_("Due"),
    "created": N_("Prepared"),
    "attempting": N_("Being tried"),
    "processing": N_("On its way"),
    "succeeded": N_("Received"),
    "failed": N_("Failed"),
    "expired": N_("Expired"),
    "needs_debtor": N_("Needs the debtor"),
    **dict.fromkeys(("submitted", "opened"), N_("Waits for an answer")),
    "accepted": N_("Accepted by us"),
    "countered": N_("Answered with other terms"),
    "declined": N_("Declined"),
    "agreed": N_("Agreed"),
    "awaiting_method": N_("Waits for a card or bank account"),
    "granted": N_("In force"),
    "revoked": N_("Ended"),
    "queued": N_("Waits to be sent"),
    "deferred": N_("Waits for its hour"),
    "sending": N_("Being sent"),
    "sent": N_("Sent"),
    "delivered": N_("Delivered"),
    "suppressed": N_("Held back"),
    "answered": N_("Answered"),
    "closed": N_("Closed"),
    "live": N_("Open"),
    "started": N_("Running"),
    "interrupted": N_("Cut off"),
    "wanted": N_("Asked for"),
    "refused": N_("Refused"),
    "pending": N_("On its way"),
}

KINDS = {
    "full": N_("Pay in full"),
    "settlement": N_("Settlement"),
    "plan": N_("Payment plan"),
    "whole": N_("All of it, in parts"),
    "automatic": N_("Automatic"),
    "manual": N_("By hand"),
    "one_off": N_("One payment"),
    "first": N_("First payment"),
    "installment": N_("Installment"),
    "method": N_("Saved a card or bank account"),
}

FREQUENCIES = {
    "weekly": N_("Every week"),
    "every_two_weeks": N_("Every 2 weeks"),
    "twice_a_month": N_("Twice a month"),
    "monthly": N_("Every month"),
}

COLLECTORS = {
    "first_party_creditor": N_("The creditor itself"),
    "servicer_current": N_("Servicer of a current debt"),
    "third_party_agency": N_("Collection agency"),
    "debt_buyer": N_("Debt buyer"),
    "law_firm": N_("Law firm"),
}

HISTORIES = {
    "never_paid": N_("Never paid"),
    "has_paid": N_("Has paid before"),
    "broke_plan": N_("Broke a plan"),
}

DUE_DAYS = {
    "any_day": N_("On any day"),
    "weekdays": N_("Not on weekends"),
    "working_days": N_("On working days of the debtor’s region only"),
}

ANSWERERS = {
    "staff": N_("Anybody who works with accounts"),
    "supervisors": N_("Supervisors only"),
}

STOPS = {
    "opted_out": N_("Wants no more messages here"),
    "wrong_person": N_("Wrong person"),
    "bounced": N_("Messages do not arrive"),
    "reassigned": N_("The number is somebody else's now"),
    "unread": N_("May have asked us to stop: read their text"),
}

FATES = {
    "accepted": N_("taken by the carrier"),
    "delayed": N_("not yet, the carrier tries again"),
    "delivered": N_("delivered"),
    "bounced": N_("came back, nobody is at that address"),
    "complained": N_("reported as unwanted"),
    "failed": N_("not delivered"),
}
"""What carriers say became of a message."""

WHY_REVOKE = {
    "asked": N_("The debtor asked for it"),
    "wrong_person": N_("It went to the wrong person"),
    "lost": N_("Somebody else may have it"),
}

REASONS = {
    "chargeback": N_("Chargeback"),
    "stopped": N_("Stopped"),
    "method_changed": N_("Another card or bank account"),
    "payment_lost": N_("A payment went back"),
    "arrangement_withdrawn": N_("The agreement was taken back"),
    "arrangement_canceled": N_("The agreement was canceled"),
    "debtor_canceled": N_("The debtor ended it"),
    "plan_changed": N_("The debtor changed the plan"),
    "dashboard": N_("Made in Stripe's dashboard"),
    "paid_too_much": N_("More was paid than owed"),
    "charged_after_stop": N_("Charged after a stop"),
    "staff": N_("Given back by staff"),
    "withdrawn": N_("The debtor took it back"),
    "expired": N_("It was not paid in time"),
    "debtor_allows": N_("The debtor allows it again"),
    "debit_not_authorized": N_("The bank says that nobody allowed it"),
    "agreed_otherwise": N_("The debtor agreed to something else"),
    **dict.fromkeys(("paid", "nothing_owed"), N_("Nothing was owed any more")),
    "account_recalled": N_("The client took the account back"),
    "not_kept": N_("It was not paid"),
    "nobody_answered": N_("Nobody had answered in time"),
    **WHY_REVOKE,
    "undone": N_("Undone"),
    "marked": N_("Because of what happened to the person"),
    "corrected": N_("Because what proves who the person is was changed"),
}

TEMPLATES = {
    "link": N_("Invitation with a link"),
    "new_link": N_("New link"),
    "payment_link": N_("Payment link"),
    "one_time_code": N_("One-time code"),
    "receipt": N_("Receipt"),
    "payment_failed": N_("Payment did not go through"),
    "payment_missed": N_("Payment missing"),
    "payment_processing": N_("Payment on its way"),
    "agreement_copy": N_("Copy of the agreement"),
    "authorization_copy": N_("Copy of the permission to charge"),
    "arrangement_withdrawn": N_("Agreement taken back"),
    "arrangement_canceled": N_("Agreement canceled"),
    "automatic_stopped": N_("Automatic payments stopped"),
    "plan_changed": N_("Plan changed"),
    "proposal_received": N_("Proposal received"),
    "proposal_accepted": N_("Proposal accepted"),
    "proposal_countered": N_("Proposal answered"),
    "proposal_declined": N_("Proposal declined"),
    "help_received": N_("Help request received"),
    "help_answered": N_("Help request answered"),
    "thread_reply": N_("New message"),
    "refund_made": N_("Refund"),
    "address_added": N_("Another address or number was added"),
    "esign_sample": N_("Sample of a copy by email"),
    "abandoned_checkout": N_("Payment not finished"),
    "plan_completed": N_("Plan fulfilled"),
    "plan_ended": N_("Plan ended, because it was not paid"),
    "charged_back": N_("Payment taken back by the bank"),
    "payment_returned": N_("Recorded payment taken back"),
    "pre_debit_notice": N_("Notice of a payment to be taken"),
    "payments_ahead": N_("Payments of a month"),
    "payment_reminder": N_("Reminder of a payment"),
    "rest_ends": N_("Rest ends"),
    "payment_waits": N_("Payment not taken"),
    "plan_accounting": N_("Overview of a plan"),
    "account_paid": N_("Letter: nothing is owed"),
    "closing_notice": N_("Closing notice after a stop"),
    "text_answer": N_("Automatic answer to a text"),
}

TOPICS = {
    **{str(topic): title for topic, title in TITLES.items()},
    "call_back": N_("Call me back"),
    UNCLEAR_TEXT: N_("Text message, account unclear"),
}

PARTS_OF_DAY = {
    "morning": N_("In the morning"),
    "afternoon": N_("In the afternoon"),
    "evening": N_("In the evening"),
}

DAYS = {
    "any": N_("Every day"),
    "mon": N_("Mondays"),
    "tue": N_("Tuesdays"),
    "wed": N_("Wednesdays"),
    "thu": N_("Thursdays"),
    "fri": N_("Fridays"),
    "sat": N_("Saturdays"),
    "sun": N_("Sundays"),
}
DAY_PARTS = {"any": N_("The whole day"), **PARTS_OF_DAY}

ONLY = {
    "any": N_("By email, text message or letter"),
    "email": N_("By email only"),
    "letter": N_("By letter only"),
}

WISHES = {
    "not_at": N_("Not at this time: %(day)s, %(part)s"),
    "not_to": N_("Not at work"),
    "only": N_("%(only)s"),
    "language": N_("In another language"),
}
"""How a person wants to be written to, filled by ``wish_params``."""

ITEMIZATIONS = {
    "last_statement": N_("Last statement"),
    "charge_off": N_("Charge-off"),
    "last_payment": N_("Last payment"),
    "transaction": N_("Transaction"),
    "judgment": N_("Judgment"),
}

PLACEMENTS = {
    "started": N_("Running"),
    "completed": N_("Done"),
    "interrupted": N_("Cut off"),
}

CAMPAIGNS = {
    "draft": N_("Draft"),
    "scheduled": N_("Scheduled"),
    "running": N_("Running"),
    "paused": N_("Paused"),
    "stopped": N_("Stopped"),
    "done": N_("Done"),
}

LAST_LINKS = {
    "expired": N_("It ran out"),
    "unopened": N_("It is open, and no person ever opened it"),
    "bounced": N_("It did not arrive"),
}
"""What became of the newest link of a debtor: of whom a campaign is for."""

DIFFERENCES = {
    "gone": N_("Is offered nothing any more"),
    "worse": N_("Loses something"),
    "different": N_("Loses something, gains something"),
    "better": N_("Gains something"),
    "new": N_("Is offered something for the first time"),
}

GETS = {
    "both": N_("Settlement and plan"),
    "settlement": N_("Settlement, no plan"),
    "plan": N_("Plan, no settlement"),
    "full": N_("Only to pay in full"),
    "nothing": N_("Nothing"),
    "agreed": N_("Nothing now, an agreement runs"),
    "not_allowed": N_("Nothing now, a rule or a hold forbids it"),
}

IDENTITY = {
    "date_of_birth": N_("Date of birth"),
    "postal_code": N_("Postal code"),
    "last_four": N_("Last 4 digits"),
    "code:email": N_("Code by e-mail"),
    "code:sms": N_("Code by text message"),
}

REFUNDS = {
    "wanted": N_("Asked for"),
    "pending": N_("On its way"),
    "succeeded": N_("Went back"),
    "failed": N_("Failed"),
    "canceled": N_("Canceled"),
    "refused": N_("Refused"),
}

CHARGEBACKS = {
    "needs_response": N_("Waits for an answer at Stripe"),
    "warning_needs_response": N_("Waits for an answer at Stripe"),
    "under_review": N_("The bank looks at it"),
    "warning_under_review": N_("The bank looks at it"),
    "warning_closed": N_("Closed, nothing was taken"),
    "prevented": N_("Closed, nothing was taken"),
    "won": N_("Won"),
    "lost": N_("Lost"),
}

DISPUTED = {
    "fraudulent": N_("Says somebody else paid"),
    "unrecognized": N_("Does not know the payment"),
    "duplicate": N_("Says it was charged twice"),
    "credit_not_processed": N_("Says a refund is missing"),
    "subscription_canceled": N_("Says it was ended before"),
    "debit_not_authorized": N_("The bank says that nobody allowed it"),
    "insufficient_funds": N_("There was not enough money"),
    "general": N_("No reason given"),
}
"""Stripe's reasons for a chargeback; a rarer one reads as itself."""

QUESTIONS = {
    "charged_after_stop": N_("Charged after a stop"),
    "chargeback": N_("Chargeback"),
    "copy_kept_back": N_("Copy kept from the debtor"),
    "copy_not_given": N_("Copy of a permission did not leave"),
    "late_not_told": N_("Nobody could be told of a late payment"),
    "notice_not_given": N_("Notice of a payment did not leave"),
    "paid_outside_arrangement": N_("Paid outside an agreement"),
    "refund_refused": N_("Refund refused by Stripe"),
    "refund_to_review": N_("Refund to look at"),
    "stripe_mismatch": N_("Stripe says something else"),
    "paid_too_much": N_("More was paid than owed"),
    "placed_balance": N_("New balance from the client"),
    "recalled_while_paying": N_("Taken back during a payment"),
    "too_little_left": N_("Too little left to be charged"),
    "two_on_their_way": N_("Two payments on their way"),
}

_GROUPS = (
    *(STATUSES, KINDS, REASONS, ENTRIES, FREQUENCIES, STOPS, HOLDS, CHANNELS),
    *(TOPICS, PARTS_OF_DAY, ITEMIZATIONS),
)


def wish_params(kind: str, value: str) -> dict[str, str]:
    """The marked words that fill the sentence of a wish."""
    day, _, part = value.partition(" ")
    times = {"day": DAYS.get(day, day), "part": DAY_PARTS.get(part, part)}
    return {"not_at": times, "only": {"only": ONLY.get(value, value)}}.get(kind, {})


def label(code: object, group: dict[str, str] | None = None) -> str:
    """The marked words for a code, from its group where it has several meanings; else itself."""
    groups = (group,) if group is not None else _GROUPS
    found = (words[str(code)] for words in groups if str(code) in words)
    return next(found, str(code).replace("_", " ").replace("-", " "))
