"""What is said of a plan, said of an agreement that is none: a settlement in parts, or all at once.

The words of law and the forms of plans alone have their own.
"""

from functools import partial

from portal.domain import N_
from portal.domain.terms import Kind
from portal.web import gettext as _

AGREEMENT = {
    N_("My plan"): N_("My agreement"),
    N_("How to keep your plan"): N_("How to keep your agreement"),
    N_("Pay %(amount)s today to keep your plan."): N_(
        "Pay %(amount)s today to keep your agreement."
    ),
    N_("Pay %(amount)s by %(day)s to keep your plan."): N_(
        "Pay %(amount)s by %(day)s to keep your agreement."
    ),
    N_("Your plan waits. We take nothing, and nothing is due now."): N_(
        "Your agreement waits. We take nothing, and nothing is due now."
    ),
    N_("Change your plan"): N_("Change your agreement"),
    N_("End my plan sooner. My payments stay the same."): N_(
        "End my agreement sooner. My payments stay the same."
    ),
    N_("Let the plan rest once"): N_("Let the agreement rest once"),
    N_("Let my plan rest once"): N_("Let my agreement rest once"),
    N_("Let your plan rest once, on %(day)s?"): N_("Let your agreement rest once, on %(day)s?"),
    N_("Your payments stay as they are, and your plan ends sooner."): N_(
        "Your payments stay as they are, and your agreement ends sooner."
    ),
    N_("Your plan has changed. Thank you for telling us."): N_(
        "Your agreement has changed. Thank you for telling us."
    ),
    N_("Done. Your plan rests once, and each payment comes one date later."): N_(
        "Done. Your agreement rests once, and each payment comes one date later."
    ),
}
"""The sentences about a plan, each with the same about any other agreement."""


def named(words: str, kind: Kind) -> str:
    """A marked sentence about a plan, as it is said of an arrangement of this kind."""
    return words if kind is Kind.PLAN else AGREEMENT.get(words, words)


def _said(kind: Kind, words: str, /, **params: object) -> str:
    return _(named(words, kind), **params)


def naming(kind: Kind) -> partial[str]:
    """What a template says its sentences about a plan with, for an arrangement of this kind."""
    return partial(_said, kind)
