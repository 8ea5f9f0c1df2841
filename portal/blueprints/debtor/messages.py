"""The one thread of messages of an account, and what we sent about it."""

from uuid import UUID

from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.common import show
from portal.blueprints.debtor.help import readable_account, spoken
from portal.blueprints.debtor.help_forms import WriteForm
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.help import Topic
from portal.domain.statuses import ProposalStatus
from portal.models import Channel, HelpStatus
from portal.security import audience, current_visit
from portal.services import help as helping
from portal.services.balance import Balance
from portal.services.correspondence import sent_about
from portal.services.help import Answers
from portal.services.open_proposals import newest_proposal
from portal.services.threads import thread_of
from portal.services.timeline.debtor.agreements import CLOSED
from portal.web import explain, now, see_other, session, url_for

SENT = {
    "link": N_("A link to this page"),
    "new_link": N_("A new link, as you asked"),
    "one_time_code": N_("A code, as you asked"),
    "receipt": N_("A receipt"),
    "payment_failed": N_("A payment did not go through"),
    "payment_missed": N_("A payment is missing"),
    "payment_processing": N_("A bank payment has started"),
    "agreement_copy": N_("A copy of what we agreed"),
    "authorization_copy": N_("A copy of your permission for automatic payments"),
    "arrangement_withdrawn": N_("An agreement was taken back"),
    "arrangement_canceled": N_("Your agreement was ended"),
    "plan_changed": N_("Your plan was changed"),
    "automatic_stopped": N_("Automatic payments were stopped"),
    "proposal_received": N_("We have your suggestion"),
    "proposal_accepted": N_("An answer to your suggestion"),
    "proposal_countered": N_("An answer to your suggestion"),
    "proposal_declined": N_("An answer to your suggestion"),
    "help_received": N_("We have your message"),
    "help_answered": N_("An answer to you"),
    "thread_reply": N_("An answer to you"),
    "address_added": N_("We have another address or number of yours"),
    "refund_made": N_("Money went back to you"),
    "abandoned_checkout": N_("A payment was not finished"),
    "plan_completed": N_("Your plan is complete"),
    "plan_ended": N_("Your plan has ended"),
    "charged_back": N_("Your bank took a payment back"),
    "payment_returned": N_("A payment does not count any more"),
    "pre_debit_notice": N_("A notice of the payment that we take next"),
    "payments_ahead": N_("Your payments of a month"),
    "payment_reminder": N_("A reminder of a payment"),
    "rest_ends": N_("Your rest ends soon"),
    "payment_waits": N_("A payment was not taken"),
    "plan_accounting": N_("An overview of your plan"),
    "closing_notice": N_("Our answer when you asked us to stop"),
    "account_paid": N_("A letter that nothing is owed"),
    "text_answer": N_("An automatic answer to a text"),
}
ANY_MESSAGE = N_("A message")
CHANNELS = {
    Channel.EMAIL: N_("by email"),
    Channel.SMS: N_("by text message"),
    Channel.LETTER: N_("by letter"),
}


@bp.route("/account/<uuid:account_id>/messages", methods=["GET", "POST"])
@audience("debtor")
def messages(account_id: UUID) -> ResponseReturnValue:
    """What was said on both sides, and room to write to us."""
    view = readable_account(account_id)
    form = WriteForm()
    if form.validate_on_submit():
        visit, said = current_visit(), Answers(details=form.body.said)
        try:
            helping.open_request(session, view.account, Topic.QUESTION, said, by=visit, now=now())
        except DomainError as error:
            form.body.errors = [explain(error)]
        else:
            commit(session, "help.open_request")
            return see_other(url_for(".messages", account_id=account_id))
    return _page(view, form), 422 if form.errors else 200


def _page(view: Balance, form: WriteForm) -> str:
    waiting = [
        asked
        for asked in helping.requests_of(session, view.account)
        if asked.status is HelpStatus.OPENED
    ]
    suggested = newest_proposal(session, view.account)
    over = suggested is not None and suggested.status is ProposalStatus.WITHDRAWN
    return show(
        "debtor/thread.html",
        view,
        form=form,
        suggested=suggested,
        closed=CLOSED.get(suggested.answer_reason) if suggested and over else None,
        entries=spoken(view, list(thread_of(session, view.account))),
        promised_on=min((asked.promised_on for asked in waiting), default=None),
        answer_by=helping.answer_by(session, view.account, now()),
        sent=[
            (SENT.get(one.template, ANY_MESSAGE), CHANNELS[one.channel], one.sent_at)
            for one in sent_about(session, view.account)
        ],
    )
