"""The ways to reach a debtor, and who may be texted (EC-07)."""

from enum import StrEnum

from portal.domain import N_
from portal.domain.debts import CollectorRole


class Channel(StrEnum):
    """A way to reach a debtor."""

    EMAIL = "email"
    SMS = "sms"
    LETTER = "letter"


SMS_OFF_BY_DEFAULT = frozenset({CollectorRole.THIRD_PARTY_AGENCY, CollectorRole.DEBT_BUYER})


class SmsClosed(StrEnum):
    """Why a client's debtors get no text messages."""

    PROVIDER = "provider"
    ROLE = "role"
    SWITCHED_OFF = "switched_off"
    UNREGISTERED = "unregistered"


WHY_CLOSED = {
    SmsClosed.PROVIDER: N_(
        "Text messages are off: the provider carries none for this kind of collector in this"
        " country."
    ),
    SmsClosed.ROLE: N_(
        "Text messages are off: for collection agencies and debt buyers they are, unless somebody"
        " switches them on."
    ),
    SmsClosed.SWITCHED_OFF: N_("Text messages are off: this client did not switch them on."),
    SmsClosed.UNREGISTERED: N_(
        "Text messages are off: the brand and the campaign are not registered with the carriers."
    ),
}
"""Each reason in words for staff and for the client."""


def sms_closed(
    role: CollectorRole, *, provider_takes: bool, switched_on: bool | None, registered: bool
) -> SmsClosed | None:
    """Why text messages may not be used at all for a client; None where they may (EC-07).

    ``provider_takes``: the provider carries texts for this role and country. ``switched_on`` is the
    client's own choice; None leaves the default, which is off for agencies and debt buyers.
    ``registered``: carriers know the brand and the campaign.
    """
    if not provider_takes:
        return SmsClosed.PROVIDER
    if not switched_on and role in SMS_OFF_BY_DEFAULT:
        return SmsClosed.ROLE
    if switched_on is False:
        return SmsClosed.SWITCHED_OFF
    return None if registered else SmsClosed.UNREGISTERED
