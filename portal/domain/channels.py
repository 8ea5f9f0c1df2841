"""The ways to reach a debtor, and who may be texted (EC-07)."""

from enum import StrEnum

from portal.domain.debts import CollectorRole


class Channel(StrEnum):
    """A way to reach a debtor."""

    EMAIL = "email"
    SMS = "sms"
    LETTER = "letter"


SMS_OFF_BY_DEFAULT = frozenset({CollectorRole.THIRD_PARTY_AGENCY, CollectorRole.DEBT_BUYER})


def sms_open(role: CollectorRole, *, provider_takes: bool, switched_on: bool | None) -> bool:
    """Whether text messages may be used at all for a client (EC-07).

    ``provider_takes``: the provider carries texts for this role and country. ``switched_on`` is the
    client's own choice; None leaves the default, which is off for agencies and debt buyers.
    """
    wanted = role not in SMS_OFF_BY_DEFAULT if switched_on is None else switched_on
    return provider_takes and wanted
