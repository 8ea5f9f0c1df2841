"""Up to which amounts one person moves this client's money alone."""

from typing import Any

from portal.blueprints.client import bp, current_client
from portal.blueprints.consoles import Task, perform
from portal.blueprints.fields import MoneyField
from portal.domain import N_
from portal.domain.access import Permission
from portal.security import audience, current_staff, danger
from portal.services.second_limits import Limits, change_limits
from portal.web import Form, now, session, url_for
from portal.web import gettext as _


class LimitsForm(Form):
    """The largest amount of each kind that needs one person only."""

    counter = MoneyField(N_("Payments by check, cash or transfer, up to"), zero=True)
    refund = MoneyField(N_("Refunds, up to"), zero=True)


@bp.route("/money/limits", methods=["GET", "POST"])
@audience(Permission.SET_LIMITS)
@danger
def money_limits() -> Any:
    """Change above which amounts a second person must approve."""
    client = current_client()
    form = LimitsForm(counter=client.counter_limit_cents, refund=client.refund_limit_cents)
    form.counter.currency = form.refund.currency = client.currency

    def do() -> None:
        limits = Limits(form.counter.data, form.refund.data)
        change_limits(session, client, limits, staff=current_staff(), now=now())

    task = Task(
        title=_("When two people are needed"),
        button=_("Save"),
        back=url_for("client.money"),
        notes=[
            _("Up to these amounts one of us moves money alone. Above them, another one approves."),
            _("With 0, two people are always needed. What waits already keeps waiting."),
        ],
        layout="layouts/console.html",
    )
    done = _("The limits hold from now on. That they changed is on the record.")
    return perform(form, do, task=task, done=done, to=url_for("client.money"))
