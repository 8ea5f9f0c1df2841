"""Holds and what each of them forbids (DH-08, compliance Appendix B)."""

from enum import IntEnum, StrEnum

from portal.domain import N_


class HoldKind(StrEnum):
    """Why an account is held."""

    DISPUTE = "dispute"
    ORIGINAL_CREDITOR_REQUEST = "original_creditor_request"
    IDENTITY_THEFT = "identity_theft"
    BANKRUPTCY = "bankruptcy"
    DECEASED = "deceased"
    MINOR = "minor"
    ATTORNEY = "attorney"
    DEBT_COUNSELLOR = "debt_counsellor"
    CEASE_ALL = "cease_all"
    SCRA = "scra"
    NY_SUBSTANTIATION = "ny_substantiation"
    BREATHING_SPACE = "breathing_space"
    NOT_MY_DEBT = "not_my_debt"
    AMOUNT_WRONG = "amount_wrong"
    ALREADY_PAID = "already_paid"
    HARDSHIP = "hardship"
    WRONG_PERSON = "wrong_person"
    UNDER_REVIEW = "under_review"


class Capability(StrEnum):
    """What may be done with an account.

    ``link``: give the debtor a new access link. ``show``: show the debt. ``offer``: make offers.
    ``accept``: agree. ``pay``: take a payment the debtor makes. ``charge``: charge a saved method.
    ``send``: write first (invitations, reminders). ``answer``: answer what the debtor asked, and
    send the copies that the law requires.
    """

    LINK = "link"
    SHOW = "show"
    OFFER = "offer"
    ACCEPT = "accept"
    PAY = "pay"
    CHARGE = "charge"
    SEND = "send"
    ANSWER = "answer"


class Permission(IntEnum):
    """How far something is allowed; the greatest of several wins."""

    ALLOWED = 0
    STAFF_ONLY = 1
    DENIED = 2


COLUMNS = tuple(Capability)

# A row: link, show, offer, accept, pay, charge, send, answer.  + allowed, S staff only, - denied.
# Offers, pay, autopay and reminders are Appendix B's columns; the rest follows from the rule named.
# The rows of the portal's own help topics treat a doubt about the debt as a dispute.
HOLD_MATRIX: dict[HoldKind, tuple[str, str]] = {
    HoldKind.DISPUTE: ("DH-01", "+ + - - S - - +"),
    HoldKind.ORIGINAL_CREDITOR_REQUEST: ("DH-02", "+ + - - S - - +"),
    HoldKind.IDENTITY_THEFT: ("DH-05", "+ + - - - - - +"),
    HoldKind.BANKRUPTCY: ("DH-06", "- - - - S - - +"),
    HoldKind.DECEASED: ("DH-06", "- - - - S - - S"),
    HoldKind.MINOR: ("DH-06", "- - - - S - - S"),
    HoldKind.ATTORNEY: ("CT-08", "+ + S S + + - S"),
    HoldKind.DEBT_COUNSELLOR: ("DH-06", "+ + S S + + - S"),
    HoldKind.CEASE_ALL: ("CT-08", "+ + + + + + - +"),
    HoldKind.SCRA: ("DH-06", "+ + + + + + + +"),
    HoldKind.NY_SUBSTANTIATION: ("DH-04", "+ + - - S - - +"),
    HoldKind.BREATHING_SPACE: ("UK-02", "+ + - - + - - +"),
    HoldKind.NOT_MY_DEBT: ("DH-01", "+ + - - S - - +"),
    HoldKind.AMOUNT_WRONG: ("DH-01", "+ + - - S - - +"),
    HoldKind.ALREADY_PAID: ("DH-01", "+ + - - S - - +"),
    HoldKind.HARDSHIP: ("DH-08", "+ + + + + - - +"),
    HoldKind.WRONG_PERSON: ("EC-08", "- - - - - - - -"),
    HoldKind.UNDER_REVIEW: ("DH-08", "+ + - - S - - +"),
}

MAY_END = frozenset(
    {
        HoldKind.HARDSHIP,
        HoldKind.BREATHING_SPACE,
        HoldKind.SCRA,
        HoldKind.DEBT_COUNSELLOR,
        HoldKind.UNDER_REVIEW,
    }
)
"""Holds that may end by themselves on a day: what they wait for has one. The others wait for a
person, who has checked, proved or been told something (DH-01 to DH-06, CT-08)."""

HOLD_SENTENCES: dict[HoldKind, str] = {
    HoldKind.DISPUTE: N_("You told us this is not right. You do not need to pay while we check."),
    HoldKind.ORIGINAL_CREDITOR_REQUEST: N_(
        "You asked who the debt was first owed to. You do not need to pay before we answer."
    ),
    HoldKind.IDENTITY_THEFT: N_(
        "You told us that somebody used your name. We take no payment while we check."
    ),
    HoldKind.BANKRUPTCY: N_("We cannot show this page now. Please call us."),
    HoldKind.DECEASED: N_("We cannot show this page now. Please call us."),
    HoldKind.MINOR: N_("We cannot show this page now. Please call us."),
    HoldKind.ATTORNEY: N_("You have a lawyer. We write to your lawyer, and you can still pay."),
    HoldKind.DEBT_COUNSELLOR: N_(
        "You have a debt adviser. We write to your adviser, and you can still pay."
    ),
    HoldKind.CEASE_ALL: N_("You asked us to stop writing. You can still use this page."),
    HoldKind.SCRA: N_("You are protected as a member of the armed forces."),
    HoldKind.NY_SUBSTANTIATION: N_(
        "You asked for proof of this debt. You do not need to pay before we send it."
    ),
    HoldKind.BREATHING_SPACE: N_(
        "Your breathing space has started. You can pay if you want to, but you do not need to."
    ),
    HoldKind.NOT_MY_DEBT: N_(
        "You told us this is not your debt. You do not need to pay while we check."
    ),
    HoldKind.AMOUNT_WRONG: N_(
        "You told us the amount is wrong. You do not need to pay while we check."
    ),
    HoldKind.ALREADY_PAID: N_(
        "You told us you already paid. You do not need to pay while we check."
    ),
    HoldKind.HARDSHIP: N_(
        "You told us that paying is hard now. We take no automatic payment during that time."
    ),
    HoldKind.WRONG_PERSON: N_("This page is closed."),
    HoldKind.UNDER_REVIEW: N_(
        "A person is checking this account. You do not need to do anything now."
    ),
}

_SIGNS = {"+": Permission.ALLOWED, "S": Permission.STAFF_ONLY, "-": Permission.DENIED}


def permissions_under(kind: HoldKind) -> dict[Capability, Permission]:
    """What one hold leaves of each capability (DH-08)."""
    signs = HOLD_MATRIX[kind][1].split()
    return {column: _SIGNS[sign] for column, sign in zip(COLUMNS, signs, strict=True)}
