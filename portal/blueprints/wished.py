"""How a wish about contact reads, to the person themselves and to staff."""

from portal.domain import labels
from portal.web import gettext as _
from portal.web import say


def wish_words(kind: str, value: str) -> str:
    """A wish of this kind and value in the page's language."""
    params = labels.wish_params(kind, value)
    return _(labels.WISHES[kind], **{name: say(words) for name, words in params.items()})
