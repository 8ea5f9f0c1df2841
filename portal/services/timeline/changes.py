"""Changes of running plans in words that staff read."""

from portal.domain import N_
from portal.domain.amendments import Change
from portal.models import Account
from portal.services.evidence import Payload
from portal.services.timeline.wording import Words, filled

LESS_OWED = N_("Shorter, because less is owed.")
CHANGED = {
    Change.MOVED: (N_("The payment of %(from_on)s is on %(to_on)s."), ("from_on", "to_on")),
    Change.SKIPPED: (
        N_("The payment of %(from_on)s was skipped and is on %(to_on)s."),
        ("from_on", "to_on"),
    ),
    Change.PAUSED: (N_("It rests for one payment. The last one is on %(to_on)s."), ("to_on",)),
    Change.REPLANNED: (N_("Another amount, or another rhythm."), ()),
    Change.SHORTENED: (N_("Shorter after %(amount_cents)s extra."), ("amount_cents",)),
    Change.LOWERED: (N_("Smaller payments after %(amount_cents)s extra."), ("amount_cents",)),
    Change.SPREAD: (N_("What was missing was added to the later payments."), ()),
}


def amended(payload: Payload, account: Account) -> Words | None:
    """What became of a plan that was changed, or cut because less was owed."""
    if "kind" not in payload:
        return Words(LESS_OWED, {})
    message, names = CHANGED[Change(payload["kind"])]
    return filled(message, names, payload, account, {})
