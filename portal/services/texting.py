"""Whether a client's debtors may get text messages, and why not (EC-07)."""

from portal.domain.channels import WHY_CLOSED, SmsClosed, sms_closed
from portal.domain.debts import Country
from portal.gateways.sms import Texter
from portal.models import Client


def closed_because(client: Client, texter: Texter) -> SmsClosed | None:
    """Why no text of a client may leave through this provider; None where it may."""
    return sms_closed(
        client.collector_role,
        provider_takes=texter.takes(Country(client.country), client.collector_role),
        switched_on=client.sms_enabled,
        registered=bool(client.sms_registration),
    )


def why_closed(client: Client, texter: Texter) -> str | None:
    """The same as a marked sentence for staff and for the client."""
    closed = closed_because(client, texter)
    return WHY_CLOSED[closed] if closed else None
