"""Answer a question about money: what can be decided, what each decision does, and why."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import flash
from sqlalchemy import select
from wtforms import RadioField, SelectChoice, TextAreaField  # type: ignore[attr-defined]
from wtforms.validators import DataRequired

from portal.blueprints.consoles import attempt, page
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.claiming import bar, unclaimed
from portal.blueprints.support.typed import typed_in
from portal.domain import N_, labels
from portal.domain.access import Permission
from portal.domain.waiting import Queue
from portal.models import Account, LookOutcome, MoneyException
from portal.security import audience, current_staff, danger
from portal.services import money_questions, question_looks
from portal.services.money_questions import Decision, Option
from portal.services.staff import names_of
from portal.web import Form, now, see_other, session, url_for
from portal.web import gettext as _

TITLES = {
    Decision.APPLY: N_("Take the client's new figure"),
    Decision.GIVE_BACK: N_("Give back what was paid too much"),
    Decision.OUTSIDE: N_("The debtor got it back another way"),
    Decision.ASK_AGAIN: N_("Ask Stripe for the refund again"),
    Decision.LETTER: N_("Send the copy by letter"),
    Decision.WRITE_OFF: N_("Forgive what is left"),
    Decision.CLOSE: N_("Change nothing"),
}
EFFECTS = {
    Decision.CLOSE: N_("No money moves."),
    Decision.WRITE_OFF: N_("Nothing is owed then. A running plan ends, and the account is closed."),
    Decision.ASK_AGAIN: N_("%(back)s is asked to go back. What is owed rises by it."),
    Decision.OUTSIDE: N_("Only if the debtor has the money. The balance is %(after)s then."),
}
SECOND = N_("It is above what one person may do alone: a second person must approve it.")
WAITS = N_("Nothing has moved yet. A second person must approve it.")

SPECIAL = {
    ("placed_balance", Decision.CLOSE): N_(
        "No money moves. If the client's next file has this figure again, it is posted only if"
        " nothing stands against it."
    ),
    ("copy_not_given", Decision.CLOSE): N_(
        "Nothing is charged under this permission. The debtor can pay each part by hand."
    ),
    ("copy_not_given", Decision.LETTER): N_(
        "The letter goes on the list of letters. From then on due parts are charged."
    ),
    ("notice_not_given", Decision.CLOSE): N_(
        "No money moves. The debtor pays this part by hand or picks a new day. It is no failure."
    ),
    ("late_not_told", Decision.CLOSE): N_(
        "No money moves. The plan goes on until a message can tell that this payment is late."
    ),
    ("copy_kept_back", Decision.CLOSE): N_(
        "No letter is written. Choose this if whoever acts for the debtor has it."
    ),
    ("copy_kept_back", Decision.LETTER): N_(
        "The letter goes on the list of letters, for whoever acts for the debtor, not for the"
        " debtor."
    ),
    ("too_little_left", Decision.CLOSE): N_(
        "It stays owed. The debtor cannot pay it and is asked for nothing."
    ),
}
"""What a decision does about such a question in particular."""


class DecisionForm(Form):
    """What is decided, and why."""

    decision = RadioField(
        N_("Your decision"), [DataRequired(N_("Choose what you decide."))], validate_choice=False
    )
    note = TextAreaField(N_("What was done"))

    def offer(self, found: Sequence[Option]) -> None:
        """Let one of these be chosen; where there is only one, it is."""
        self.decision.choices = [SelectChoice(one.mark, TITLES[one.decision]) for one in found]
        only = found[0].mark if len(found) == 1 else None
        self.decision.data = self.decision.data or only


@bp.route("/questions/<uuid:question_id>", methods=["GET", "POST"])
@audience(Permission.GIVE_BACK)
@danger
def question(question_id: UUID) -> Any:
    """Decide a question about money; what each decision does is said before."""
    mine = MoneyException.client_id.in_(session.info["client_ids"])
    query = select(MoneyException).where(mine, MoneyException.id == question_id)
    asked, form = session.scalars(query).one(), DecisionForm()
    if asked.account_id is not None:
        open_account(asked.account_id)
    found = money_questions.options(session, asked)
    form.offer(found)

    def do() -> None:
        mark, note = form.decision.data or "", form.note.data or ""
        look = question_looks.decide(session, asked, mark, note, staff=current_staff(), now=now())
        waits = look is not None and look.outcome is LookOutcome.WAITS
        flash(_(WAITS if waits else N_("The question is closed.")), "ok")

    act = unclaimed((asked.client_id, Queue.QUESTIONS, asked.id), do)
    if form.validate_on_submit() and attempt(form, act):
        return see_other(url_for("support.queue", kind=Queue.QUESTIONS))
    about = {"typed": typed_in(form), **_about(asked, found)}
    answer = page("support/question.html", section="questions", form=form, **about)
    return (answer, 422) if form.errors else answer


def _about(asked: MoneyException, found: Sequence[Option]) -> dict[str, Any]:
    key = (asked.client_id, asked.account_id)
    account = session.get(Account, key) if asked.account_id else None
    effects = {one.mark: _effect(one, asked, account) for one in found}
    waits = question_looks.waiting(session, asked)
    return {
        "asked": asked,
        "account": account,
        "waits": waits,
        "name": names_of(session, [waits.asked_by]).get(waits.asked_by, "") if waits else "",
        "kinds": labels.QUESTIONS,
        "effects": effects,
        **bar(Queue.QUESTIONS, asked.client_id, asked.id),
    }


def _effect(option: Option, asked: MoneyException, account: Account | None) -> str:
    """What a decision does, in words; staff read it before they decide."""
    currency = account.currency if account else ""
    words = {
        "after": (option.balance_cents, currency),
        "back": (option.back_cents, currency),
        "left": (option.left_cents, currency),
    }
    if (asked.kind, option.decision) in SPECIAL:
        return _(SPECIAL[asked.kind, option.decision])
    if option.decision in EFFECTS:
        said = _(EFFECTS[option.decision], **words)
        needed = question_looks.needs_second(session, asked, option, now=now())
        return f"{said} {_(SECOND)}" if needed else said
    parts = {
        N_("The balance is %(after)s then."): option.decision is Decision.APPLY,
        N_("The account is opened again."): option.reopens,
        N_("%(back)s is asked to go back to the debtor."): option.back_cents,
        N_("%(left)s cannot go back by itself: a new question asks about it."): option.left_cents,
    }
    return " ".join(_(message, **words) for message, so in parts.items() if so)
