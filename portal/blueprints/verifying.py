"""Where anybody brings an evidence bundle and is told whether it is whole; nothing is kept."""

from flask import Blueprint, abort, current_app
from flask.typing import ResponseReturnValue
from wtforms import FileField

from portal.domain import N_
from portal.security import audience, browser, keys
from portal.services import attempts
from portal.services.attempts import Locked, Mark, Scope
from portal.services.published import published_keys
from portal.web import Form, now, render, session
from portal.web import gettext as _

bp = Blueprint("verifying", __name__)

CHECKS = {
    "archive": (
        N_("Can the file be opened?"),
        N_("It must be a zip file in which nothing is doubled, hidden or far too large."),
    ),
    "manifest": (
        N_("Are all parts there?"),
        N_("A list in the file names every part. A part that is missing, new or changed shows."),
    ),
    "chain": (
        N_("Is the record without a gap?"),
        N_("Each entry holds on to the one before it. One that was taken out or moved shows."),
    ),
    "commit": (
        N_("Are the words the sealed words?"),
        N_("What an entry says was sealed when it happened. One changed cent or letter shows."),
    ),
    "documents": (
        N_("Are the pages the same?"),
        N_("The pages that were on the screen must be here, letter for letter."),
    ),
    "objects": (
        N_("Are the reports the same?"),
        N_("What the payment and mail services reported must be here, letter for letter."),
    ),
    "proof": (
        N_("Are the entries in the log?"),
        N_("Every entry goes into one large log. Nothing can be taken out of it later."),
    ),
    "checkpoint": (
        N_("Did we sign the log?"),
        N_("The log is signed with a secret key. Only keys that this portal publishes count."),
    ),
    "order": (
        N_("Did things happen in the right order?"),
        N_("The terms must have been shown first, then agreed to, and then paid."),
    ),
}
"""Of each step: what is asked, and what it means."""


class BundleForm(Form):
    """The file to check."""

    file = FileField(N_("Proof file"))


@bp.route("/verify", methods=["GET", "POST"])
@audience("anyone")
def verify() -> ResponseReturnValue:
    """A form for the file, and what the checks say of it."""
    form, most = BundleForm(), current_app.config["MAX_CONTENT_LENGTH"] // 2**20
    if not form.validate_on_submit():
        return render("verify/form.html", form=form, most=most)
    if not (form.file.data and form.file.data.filename):
        form.file.errors = [_("Choose the file first.")]
        return render("verify/form.html", form=form, most=most), 422
    network = Mark(Scope.BUNDLE, attempts.network(browser().ip).key)
    if isinstance(attempts.take(session, keys(), [network], now=now()), Locked):
        abort(429)
    from portal.services.verifying import check_bundle  # noqa: PLC0415 - only who brings one pays

    checked = check_bundle(form.file.data.read(), published_keys(session))
    return render("verify/checked.html", checked=checked, checks=CHECKS)
