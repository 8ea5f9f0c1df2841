"""Letters: what waits to be printed, what was printed, and what left (ES-01, EC-09)."""

import logging
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, abort, current_app, flash
from wtforms import SelectMultipleField

from portal.blueprints.consoles import attempt, page
from portal.blueprints.support import bp
from portal.blueprints.support.claiming import bar, unclaimed
from portal.domain import labels, wording
from portal.domain.access import Permission
from portal.domain.waiting import Queue
from portal.gateways.typesetting import NotTypeset
from portal.i18n import locale_for
from portal.models import Client
from portal.runtime import Runtime
from portal.security import audience, current_staff, danger
from portal.services import claims, letter_batches
from portal.services.printing import Printing
from portal.services.printing import print_letters as print_them
from portal.services.staff import names_of
from portal.web import Form, ngettext, now, see_other, session, url_for
from portal.web import gettext as _
from portal.writing import write_letter

log = logging.getLogger(__name__)


class SentForm(Form):
    """Which letters of a batch left."""

    sent = SelectMultipleField(validate_choice=False)


def _runtime() -> Runtime:
    found: Runtime = current_app.extensions["portal"]
    return found


@bp.get("/letters")
@audience(Permission.SEE_ACCOUNTS)
def letters() -> Any:
    """The letters that wait, for each client, and the batches that were printed."""
    return page(
        "support/letters.html",
        section="printing",
        waiting=letter_batches.waiting(session, printable=True),
        stuck=letter_batches.waiting(session, printable=False),
        printable=letter_batches.printable_of(session),
        most=letter_batches.MOST,
        batches=letter_batches.batches(session),
        templates=labels.TEMPLATES,
        masked=wording.mask_name,
    )


@bp.post("/letters/of/<uuid:client_id>/print")
@audience(Permission.CONTACT)
def print_letters(client_id: UUID) -> Any:
    """Print the letters of one client that wait."""
    if client_id not in session.info["client_ids"]:
        abort(404)
    settings = _runtime().settings
    write = partial(write_letter, base_url=settings.base_url)
    printing = Printing(write, settings.keys, current_staff())
    batch = print_them(session, client_id, printing, now=now())
    if batch is not None:
        claims.keep(session, Queue.LETTERS, batch.id, staff=current_staff(), now=now())
    session.commit()
    if batch is None:
        flash(_("No letter could be printed."), "ok")
        return see_other(url_for("support.letters"))
    return see_other(url_for("support.batch", batch_id=batch.id))


@bp.route("/letters/<uuid:batch_id>", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def batch(batch_id: UUID) -> Any:
    """One batch: its letters to take along, and which of them left."""
    found, form = letter_batches.find_batch(session, batch_id), SentForm()

    def do() -> None:
        left = set(form.sent.data or [])
        _flash_left(letter_batches.finish(session, found, left, staff=current_staff(), now=now()))

    if form.validate_on_submit():
        if attempt(form, unclaimed((found.client_id, Queue.LETTERS, found.id), do)):
            return see_other(url_for("support.letters"))
        flash(str(form.form_errors[0]), "err")
        return see_other(url_for("support.batch", batch_id=batch_id))
    printed = letter_batches.letters_of(session, found, now=now())
    return page(
        "support/letter_batch.html",
        section=str(Queue.LETTERS),
        batch=found,
        printed=printed,
        client=session.get_one(Client, found.client_id),
        names=names_of(session, [one for one in (found.printed_by, found.finished_by) if one]),
        templates=labels.TEMPLATES,
        masked=wording.mask_name,
        **bar(Queue.LETTERS, found.client_id, found.id),
    )


def _flash_left(kept_back: int) -> None:
    flash(_("It is on the record which letters left."), "ok")
    if kept_back:
        told = ngettext(
            "%(num)d letter may not be sent and was in no package. It is not kept as sent.",
            "%(num)d letters may not be sent and were in no package. They are not kept as sent.",
            kept_back,
        )
        flash(told, "err")


@bp.post("/letters/<uuid:batch_id>/download")
@audience(Permission.CONTACT)
@danger
def download_batch(batch_id: UUID) -> Any:
    """The letters of a batch as one package, exactly as they were printed."""
    # Only who takes letters along pays for it.
    from portal.lettering import set_letters  # noqa: PLC0415
    from portal.services.letter_package import Press, package  # noqa: PLC0415

    found = letter_batches.find_batch(session, batch_id)
    press = Press(set_letters, locale_for, _runtime().settings.keys)
    try:
        body = package(session, found, press, staff=current_staff(), now=now())
    except NotTypeset:
        session.rollback()
        log.exception("The letters of batch %s could not be set", batch_id)
        flash(
            _("These letters could not be made into pages. Please tell whoever runs this."), "err"
        )
        return see_other(url_for("support.batch", batch_id=batch_id))
    session.commit()
    name = f'attachment; filename="letters-{found.reference}.zip"'
    headers = {"Content-Disposition": name}
    return Response(body, mimetype="application/zip", headers=headers)
