"""Staff's own pages: the door, their sign-in, and the people they look after."""

from flask import Blueprint

bp = Blueprint("staff", __name__)


from portal.blueprints.staff import (  # noqa: E402, F401
    door,
    forgotten,
    joining,
    own,
    proving,
    team,
)
