"""Is the record in order: signed heads, looks over it, and alarms that a person answers for."""

import re
from typing import Any
from uuid import UUID

from wtforms import TextAreaField

from portal.blueprints.compliance import LAYOUT, bp
from portal.blueprints.consoles import Task, page, perform
from portal.domain import N_
from portal.domain.access import Permission
from portal.models import EvidenceAlarm
from portal.security import audience, current_staff, danger
from portal.services import alarms
from portal.services.record_state import find_alarm, record_states
from portal.web import Form, now, session, url_for
from portal.web import gettext as _

_LEAF = re.compile(r"leaf (\d+) of ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class ClearForm(Form):
    """What came of an alarm."""

    reason = TextAreaField(
        N_("What you found out, and what was done"), description=N_("It is kept on the record.")
    )


@bp.get("", endpoint="home")
@audience(Permission.EXAMINE)
def home() -> Any:
    """How the record of each client stands."""
    states = record_states(session)
    return page(
        "compliance/home.html",
        section="state",
        states=states,
        freezes=alarms.freezes,
        way=_way,
    )


def _way(alarm: EvidenceAlarm) -> str | None:
    """Where the leaf is that an alarm names."""
    if (named := _LEAF.search(alarm.place)) is None:
        return None
    return url_for("compliance.leaf", chain_id=UUID(named[2]), n=int(named[1]))


@bp.route("/alarms/<uuid:alarm_id>/clear", methods=["GET", "POST"])
@audience(Permission.ANSWER_ALARMS)
@danger
def clear(alarm_id: UUID) -> Any:
    """Answer for an alarm; with the last one agreements are taken again."""
    alarm, form = find_alarm(session, alarm_id), ClearForm()

    def do() -> None:
        reason, staff = form.reason.data or "", current_staff()
        alarms.clear(session, alarm, reason=reason, staff=staff, now=now())

    task = Task(
        title=_("Answer for an alarm"),
        button=_("The alarm is dealt with"),
        back=url_for("compliance.home"),
        notes=_notes(alarm),
        layout=LAYOUT,
    )
    done = _("The alarm is dealt with. Your words are on the record.")
    return perform(form, do, task=task, done=done, to=url_for("compliance.home"))


def _notes(alarm: EvidenceAlarm) -> list[str]:
    notes = [
        f"{alarm.invariant}: {alarm.place}",
        _("This mends nothing: the same place does not raise an alarm again."),
    ]
    if alarms.freezes(alarm):
        notes.append(_("With the last alarm of this kind, agreements are taken again."))
    return notes
