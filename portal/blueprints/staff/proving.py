"""Who is about to do something dangerous first says again who they are."""

from typing import Any

from wtforms import PasswordField

from portal.blueprints.staff import bp
from portal.blueprints.staff.door import way_on
from portal.domain import N_
from portal.security import audience, browser, current_log_in, keys
from portal.services.sign_in import ProofRefused, prove
from portal.web import Form, explain, now, render, see_other, session, url_for


class ProofForm(Form):
    """A password, or the code of now."""

    proof = PasswordField(N_("Your password, or the code that your app shows"))


@bp.route("/confirm", methods=["GET", "POST"], endpoint="prove")
@audience("staff")
def confirm() -> Any:
    """Ask for password or code, then lead back to the form, which stands as it was typed."""
    form = ProofForm()
    if form.validate_on_submit():
        given: dict[str, Any] = {"keys": keys(), "browser": browser(), "now": now()}
        try:
            prove(session, current_log_in(), form.proof.data or "", **given)
        except ProofRefused as refused:
            form.form_errors.append(explain(refused))
        session.commit()  # a refusal is noted too
        if not form.errors:
            return see_other(way_on(url_for("staff.home")))
    return render("staff/confirm.html", form=form), 422 if form.errors else 200
