"""What each role may do."""

from typing import Any

from portal.blueprints.consoles import page
from portal.blueprints.operating import bp
from portal.domain import access
from portal.domain.access import Permission
from portal.security import ROLE_NAMES, audience


@bp.get("/roles")
@audience(Permission.OPERATE)
def roles() -> Any:
    """The table of permissions."""
    return page(
        "operator/roles.html",
        section="roles",
        roles=ROLE_NAMES,
        meaning=access.MEANING,
        allows=access.may,
    )
