"""Staff's own pages: the door, their sign-in, and the people they look after."""

from flask import Blueprint, g

from portal.blueprints import client, compliance, operating, support
from portal.domain.access import Role
from portal.security import current_staff

bp = Blueprint("staff", __name__)

CONSOLES = {
    Role.CLIENT_ADMIN: client,
    Role.CLIENT_VIEWER: client,
    Role.COMPLIANCE: compliance,
    Role.OPERATOR: operating,
}
"""The console whose places stand beside these pages, where it is not support's."""


@bp.before_request
def navigate() -> None:
    """Put the places of their console beside the pages of whoever is logged in."""
    if "member" in g:
        CONSOLES.get(current_staff().role, support).navigate()


from portal.blueprints.staff import (  # noqa: E402, F401
    door,
    forgotten,
    joining,
    own,
    proving,
    team,
)
