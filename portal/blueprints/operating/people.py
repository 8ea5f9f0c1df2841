"""Who works here, and what each role may do."""

from typing import Any

from portal.blueprints.consoles import page
from portal.blueprints.operating import bp
from portal.domain import access
from portal.domain.access import Permission
from portal.security import ROLE_NAMES, audience
from portal.services import operating
from portal.services.record_state import clients_seen
from portal.web import session


@bp.get("/staff", endpoint="people")
@audience(Permission.OPERATE)
def people() -> Any:
    """Everybody who works here, and the table of permissions."""
    return page(
        "operator/people.html",
        section="staff",
        staff=operating.staff_listed(session),
        clients={one.id: one.trade_name for one in clients_seen(session)},
        roles=ROLE_NAMES,
        meaning=access.MEANING,
        allows=access.may,
    )
