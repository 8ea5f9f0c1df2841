"""Who works in the demo: one password, and second steps that everybody may know.

Only the demo makes these people, and only its outbox shows their codes.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from portal.domain import totp
from portal.models import Role

PASSWORD = "a calm demo password"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Worker:
    """One member of the demo's staff; no clients: all of them."""

    name: str
    email: str
    role: Role
    clients: tuple[str, ...] = ()

    @property
    def secret(self) -> bytes:
        """What makes their codes."""
        return sha256(f"demo second step of {self.email}".encode()).digest()[: totp.SECRET_BYTES]

    def code(self, now: datetime) -> str:
        """The code that their app would show."""
        return totp.code_of(self.secret, totp.step_at(now))


STAFF = (
    Worker("Cleo Marsh", "cleo@northgate.example", Role.CLIENT_ADMIN, ("northgate-energy",)),
    Worker("Carl Nunez", "carl@northgate.example", Role.CLIENT_ADMIN, ("northgate-energy",)),
    Worker("Camille Roy", "camille@boreal.example", Role.CLIENT_ADMIN, ("boreal-credit",)),
    Worker("Bruno Cote", "bruno@boreal.example", Role.CLIENT_ADMIN, ("boreal-credit",)),
    Worker("Hana Ito", "hana@harbor.example", Role.CLIENT_ADMIN, ("harbor-recovery",)),
    Worker("Henry Abe", "henry@harbor.example", Role.CLIENT_ADMIN, ("harbor-recovery",)),
    Worker("Sam Ortiz", "sam@portal.example", Role.AGENT),
    Worker("Sofia Lang", "sofia@portal.example", Role.SUPERVISOR),
    Worker("Colin Webb", "colin@portal.example", Role.COMPLIANCE),
    Worker("Nora Diaz", "nora@portal.example", Role.COMPLIANCE),
    Worker("Otto Berg", "otto@portal.example", Role.OPERATOR),
)
