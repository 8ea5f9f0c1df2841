"""What is locked after too many tries: marks that name nobody, and how one is lifted."""

from typing import Any

from flask import abort, request
from wtforms import TextAreaField

from portal.blueprints.consoles import Task, page, perform, words_of
from portal.blueprints.operating import LAYOUT, bp
from portal.domain import N_
from portal.domain.access import Permission
from portal.domain.wording import clean_text, mask_email, mask_phone
from portal.security import audience, current_staff, danger, keys
from portal.services import attempts, lock_lifting
from portal.services.attempts import Scope
from portal.services.lock_finding import locks_of
from portal.web import Form, now, session, url_for
from portal.web import gettext as _

LONGEST = 320
SCOPES = {
    Scope.LINK: N_("Identity answers behind one link"),
    Scope.ACCOUNT: N_("Identity answers of one person"),
    Scope.CALLER: N_("Answers of callers about one person"),
    Scope.NETWORK: N_("Tries from one network"),
    Scope.LOG_IN: N_("Log-in of one member of staff"),
    Scope.SECOND_STEP: N_("Codes and proofs of one member of staff"),
    Scope.NEW_PASSWORD: N_("Asking for a new password"),
    Scope.CODE: N_("Codes from letters"),
    Scope.NEW_LINK: N_("Asking for a new link"),
    Scope.CALL_ME: N_("Asking to be called"),
    Scope.PAYER_LINK: N_("Links for somebody else who pays"),
    Scope.BUNDLE: N_("Proofs sent to be verified"),
}


class LiftLockForm(Form):
    """Why the lock is lifted."""

    reason = TextAreaField(N_("Reason"), description=N_("It is kept with your name."))


@bp.get("/lock-outs", endpoint="lock_outs")
@audience(Permission.OPERATE)
def listed() -> Any:
    """Everything that is closed now, or what is closed for one address."""
    typed = clean_text(request.args.get("q", "")[:LONGEST])
    found = (
        locks_of(session, typed, keys=keys(), now=now())
        if typed
        else attempts.closed(session, now=now())
    )
    whose = _masked(typed) if typed else None
    given = {"found": found, "whose": whose, "scopes": SCOPES, "most": attempts.MOST_CLOSED}
    return page("operator/lock_outs.html", section="lock-outs", **given)


def _masked(typed: str) -> str:
    """An address to recognise but not to learn; a network's as it is."""
    if "@" in typed:
        return mask_email(typed)
    return typed if attempts.known_network(typed) else mask_phone(typed)


@bp.route("/lock-outs/<scope>/<mark>/lift", methods=["GET", "POST"])
@audience(Permission.OPERATE)
@danger
def lift_lock(scope: str, mark: str) -> Any:
    """Let whoever is locked out try again at once."""
    lock = attempts.find_closed(session, scope, mark, now=now())
    if lock is None:
        abort(404)
    form = LiftLockForm()

    def do() -> None:
        reason, staff = form.reason.data or "", current_staff()
        lock_lifting.lift(session, lock, reason=reason, staff=staff, now=now())

    back = url_for("operator.lock_outs")
    task = Task(
        title=_("Lift a lock-out"),
        button=_("Lift it"),
        back=back,
        notes=(
            f"{words_of(lock.scope, SCOPES)}: {mark[:8]}",  # type: ignore[arg-type]
            _("Whoever it is may try again at once, and the count begins anew."),
        ),
        layout=LAYOUT,
    )
    return perform(form, do, task=task, done=_("The lock-out is lifted."), to=back)
