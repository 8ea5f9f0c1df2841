"""References: short codes that people read aloud, drawn from the injected random source."""

from portal.domain.codes import reference_code
from portal.models.base import ids


def fresh_reference() -> str:
    """A new reference such as HR-7K2M-91; a constraint holds it to be the client's only one."""
    return reference_code(ids.randbytes)
