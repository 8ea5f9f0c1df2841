"""The one notice after a stop of everything (CT-08)."""

from typing import Any
from uuid import UUID

from wtforms import RadioField

from portal.blueprints.consoles import Task, options, perform
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.meanwhile import SeenForm, unless_stale
from portal.domain import N_, labels
from portal.domain.access import Permission
from portal.domain.channels import Channel
from portal.security import audience, current_staff
from portal.services.closing import send_closing_notice, ways
from portal.services.closing_rule import WORDINGS, Wording
from portal.web import gettext as _
from portal.web import now, session


class ClosingForm(SeenForm):
    """Which of the two wordings, and how it goes."""

    wording = RadioField(N_("What it says"), choices=options(WORDINGS))
    channel = RadioField(N_("How it goes"), default=Channel.LETTER)


@bp.route("/accounts/<uuid:account_id>/closing-notice", methods=["GET", "POST"])
@audience(Permission.SUPERVISE)
def closing_notice(account_id: UUID) -> Any:
    """Send the one notice that the law allows after a stop: two wordings, and none of one's own."""
    account, form = open_account(account_id), ClosingForm()
    form.channel.choices = [(str(one), labels.CHANNELS[one]) for one in ways(session, account)]

    def do() -> None:
        wording, channel = Wording(form.wording.data), Channel(form.channel.data)
        send_closing_notice(session, account, wording, channel, staff=current_staff(), now=now())

    task = Task(
        title=_("Closing notice of account %(reference)s", reference=account.reference),
        button=_("Send it"),
        back=back_to(account),
        notes=(
            _("There is one such notice, and nothing else goes out unasked (CT-08)."),
            _("The debtor can still open their page and pay."),
        ),
    )
    act = unless_stale(form, account, do)
    return perform(form, act, task=task, done=_("It is on its way."), to=back_to(account))
