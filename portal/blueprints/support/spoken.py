"""The words that are read to a debtor before their plan is changed, in their language."""

from collections.abc import Iterator

from portal import __version__, i18n
from portal.domain import N_
from portal.domain import amendments as law
from portal.domain.amendments import Change
from portal.services.reviews import ShownDocument
from portal.services.spoken_changes import Proposed

MOVES = N_("You move your payment of %(amount)s from %(old)s to %(new)s.")
SKIPS = N_("You pay nothing on %(old)s. That payment of %(amount)s comes on %(new)s instead.")
STAYS = N_("All other payments stay as they are. You have %(left)s left to pay, as before.")
TAKEN = N_("We take it from what you saved for automatic payments, as you allowed, and no more.")
BY_HAND = N_("You pay it yourself, as before.")
COPY = N_("You get a copy of your new dates. Do you agree to this change?")
YES = N_("Yes, said on the telephone")


def spoken(it: Proposed, locale: str) -> ShownDocument:
    """What is read aloud, as exact text: made from the plan, the same each time."""
    body = "\n".join(_sentences(it, locale)).encode()
    return ShownDocument("change-spoken", __version__, locale, "text/plain", body)


def _sentences(it: Proposed, locale: str) -> Iterator[str]:
    said, currency, change = i18n.voice(locale), it.agreed.currency, it.change
    old, new = dict(change.before), dict(change.after)
    gone = next(day for day in old if day not in new)
    comes = next((day for day in new if day not in old), change.after[-1][0])
    moved = change.change is Change.MOVED
    values = {"amount": (old[gone], currency), "old": gone, "new": comes}
    yield i18n.translate(locale, MOVES if moved else SKIPS, values)
    yield i18n.translate(locale, STAYS, {"left": (it.plan.left_cents, currency)})
    yield i18n.translate(locale, TAKEN if it.plan.automatic else BY_HAND, {})
    yield _left(it, said)
    yield i18n.translate(locale, COPY, {})


def _left(it: Proposed, said: i18n.Voice) -> str:
    """How many changes of this kind are left after it."""
    if it.change.change is Change.MOVED:
        return said.ngettext(
            "After this you can move %(num)d more payment.",
            "After this you can move %(num)d more payments.",
            law.moves_left(it.plan) - 1,
        )
    return said.ngettext(
        "After this you can skip %(num)d more payment.",
        "After this you can skip %(num)d more payments.",
        law.skips_left(it.plan) - 1,
    )
