"""How a person wants to be written to, as staff read it."""

from portal.domain import N_, labels
from portal.models import Account
from portal.services.evidence import Payload
from portal.services.timeline.wording import Words


def wanted(payload: Payload, account: Account) -> Words:
    """A wish about contact, with what the person said (CT-03)."""
    kind, words = payload["kind"], payload.get("words")
    params = {
        name: Words(said, {}) for name, said in labels.wish_params(kind, payload["value"]).items()
    }
    said = Words(labels.WISHES[kind], params)
    return Words(N_("%(said)s. “%(words)s”"), {"said": said, "words": words}) if words else said
