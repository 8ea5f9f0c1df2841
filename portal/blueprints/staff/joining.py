"""An invitation is accepted: a password of one's own, then the second step."""

from typing import Any

from wtforms import PasswordField

from portal.blueprints.staff import bp
from portal.domain import N_, DomainError
from portal.security import audience, keep_first_step, keys
from portal.security.members import ROLE_NAMES
from portal.services.hiring import InvitationOver, accept, find_invitation
from portal.services.sign_in import FirstStep
from portal.web import Form, explain, now, render, see_other, session, url_for
from portal.web import gettext as _


class NewPasswordForm(Form):
    """A password that somebody chooses."""

    password = PasswordField(N_("New password"))
    password_again = PasswordField(N_("The same password again"))


class PasswordsDiffer(DomainError):
    message = N_("The two passwords are not the same. Type both again.")


def chosen(form: Any) -> str:
    """The password of a form, where both fields have it. Raises PasswordsDiffer."""
    if form.password.data != form.password_again.data:
        raise PasswordsDiffer
    return form.password.data or ""


@bp.route("/join/<token>", methods=["GET", "POST"])
@audience("anyone")
def join(token: str) -> Any:
    """Show who is invited as what, and let them choose a password."""
    form = NewPasswordForm()
    try:
        invited = find_invitation(session, token, keys=keys(), now=now())
        if form.validate_on_submit():
            staff_id = accept(session, invited, chosen(form), now=now())
            session.commit()
            keep_first_step(FirstStep(invited.email, staff_id, True, False, now()))
            return see_other(url_for("staff.first_second_step"))
    except InvitationOver as over:
        return render("staff/link_over.html", reason=explain(over)), 410
    except DomainError as refused:
        session.rollback()
        form.form_errors.append(explain(refused))
    role = _(ROLE_NAMES[invited.role])
    answer = render("staff/join.html", form=form, invited=invited, role=role)
    return answer, 422 if form.errors else 200
