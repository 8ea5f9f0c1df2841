"""What a hold stops, in the words of staff, told before it is set (DH-08)."""

from collections.abc import Iterable

from portal.domain import N_
from portal.domain.holds import Capability, HoldKind, Permission, permissions_under

STAFF, NOBODY = Permission.STAFF_ONLY, Permission.DENIED

STOPPED: dict[tuple[Capability, Permission], str] = {
    (Capability.SHOW, NOBODY): N_("The debtor’s page of this account is closed."),
    (Capability.LINK, NOBODY): N_("No new link opens this account."),
    (Capability.OFFER, NOBODY): N_("No offers are made."),
    (Capability.OFFER, STAFF): N_("The portal makes no offers; staff may."),
    (Capability.ACCEPT, NOBODY): N_("Nothing is agreed or changed."),
    (Capability.ACCEPT, STAFF): N_("The portal takes no agreement; staff may."),
    (Capability.PAY, NOBODY): N_("No payment is taken. An open payment page is closed."),
    (Capability.PAY, STAFF): N_("The portal takes no payment. An open payment page is closed."),
    (Capability.CHARGE, NOBODY): N_("No saved card or bank account is charged: the plan waits."),
    (Capability.SEND, NOBODY): N_("We write and call only when asked. What waits is not sent."),
    (Capability.ANSWER, NOBODY): N_("Nothing is sent at all, not even an answer."),
    (Capability.ANSWER, STAFF): N_("Only staff answer, to whoever speaks for the debtor."),
}
"""The sentence for each capability that a hold takes away, wholly or from all but staff."""
NOTHING = N_("It stops nothing. It is shown to whoever works on the account.")


def stopped_by(kinds: Iterable[HoldKind]) -> list[str]:
    """What these holds stop together, a marked sentence each; the strictest of them counts."""
    rules = [permissions_under(kind) for kind in kinds]
    left = [(one, max(rule[one] for rule in rules)) for one in Capability] if rules else []
    said = [STOPPED[pair] for pair in left if pair[1] is not Permission.ALLOWED]
    return said or [NOTHING]
