"""What may become of a message that is handed over to somebody who carries it."""


class NotDelivered(Exception):
    """Whoever carries messages did not take one over."""


class Unreachable(NotDelivered):
    """No answer, or "not now": whether it was taken is unknown; hand it over again later."""


class Refused(NotDelivered):
    """It was understood and will never be carried; handing it over again does not help."""


class RecipientStopped(Refused):
    """Whoever reads at this address told the carrier that they want nothing more from us."""
