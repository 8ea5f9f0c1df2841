"""Placements: the files that were handed over, what became of them, and a new one."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Response, flash, request
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename
from wtforms import FileField

from portal.blueprints.client import bp, current_client
from portal.blueprints.consoles import download, page
from portal.domain import N_, DomainError, labels
from portal.domain.access import Permission
from portal.models import Placement
from portal.security import audience, current_staff, danger, keys
from portal.services import reports
from portal.web import Form, explain, now, see_other, session, url_for
from portal.web import gettext as _

if TYPE_CHECKING:
    from portal.services.placements import PlacementReport

COLUMNS = ("line", "reference", "column", "reason")


class PlaceForm(Form):
    """The file to place."""

    file = FileField(
        N_("File"),
        description=N_(
            "CSV in UTF-8, at most 12 MB. For a larger file, use the command “portal place”."
        ),
    )


@bp.get("/placements", endpoint="placements")
@audience(Permission.SEE_CLIENT)
def listed() -> Any:
    """Placements and recalls, the newest first."""
    client = current_client()
    before = request.args.get("before", type=UUID)
    found = reports.placements_page(session, client.id, before=before)
    shown, more = found[: reports.PAGE], len(found) > reports.PAGE
    return page(
        "client/placements.html",
        section="placements",
        found=shown,
        states=labels.PLACEMENTS,
        following=url_for("client.placements", before=shown[-1].id) if more else None,
        zone=client.time_zone,
    )


def _placement(placement_id: UUID) -> Placement:
    client = current_client()
    return session.scalars(
        select(Placement).where(Placement.client_id == client.id, Placement.id == placement_id)
    ).one()


@bp.get("/placements/<uuid:placement_id>")
@audience(Permission.SEE_CLIENT)
def placement(placement_id: UUID) -> Any:
    """One placement: its counts, and which lines were refused and why."""
    found = _placement(placement_id)
    return page(
        "client/placement.html",
        section="placements",
        found=found,
        refused=reports.refused_rows(session, found),
        warned=reports.warned_rows(session, found) if found.warned else (),
        zone=current_client().time_zone,
        labels=labels,
    )


@bp.get("/placements/<uuid:placement_id>/refused.csv")
@audience(Permission.EXPORT)
@danger
def refused_file(placement_id: UUID) -> Response:
    """Every refused line with its reason."""
    return download("refused.csv", COLUMNS, _lines(_placement(placement_id)))


def _lines(found: Placement) -> Iterator[list[object]]:
    for row in reports.every_refused(session, found):
        yield [row.line, row.reference, row.column, row.reason]


@bp.route("/placements/new", methods=["GET", "POST"])
@audience(Permission.PLACE)
def place() -> Any:
    """Hand over a file: good rows land, bad ones are refused with their reason."""
    form = PlaceForm()
    if form.validate_on_submit():
        try:
            report = _place(form)
        except DomainError as error:
            session.rollback()
            form.file.errors = [explain(error)]
        else:
            flash(_sums(report), "ok")
            return see_other(url_for("client.placement", placement_id=report.placement_id))
    answer = page("client/place.html", section="placements", form=form)
    return (answer, 422) if form.errors else answer


class NoFile(DomainError):
    message = N_("Choose a file.")


def _place(form: PlaceForm) -> "PlacementReport":
    from portal.services import placements  # noqa: PLC0415 - only who hands over a file pays for it

    sent, client = form.file.data, current_client()
    if not isinstance(sent, FileStorage) or not sent.filename:
        raise NoFile
    with TemporaryDirectory(prefix="placement-") as folder:
        path = Path(folder) / (secure_filename(sent.filename) or "placement.csv")
        sent.save(path)
        return placements.place_file(
            session,
            client,
            placements.inspect_file(path),
            pepper=keys().pepper,
            now=now(),
            watch=placements.Watch(placed_by=current_staff().id),
        )


def _sums(report: "PlacementReport") -> str:
    return _(
        "%(landed)s placed, %(updated)s updated, %(refused)s refused.",
        landed=report.landed,
        updated=report.updated,
        refused=report.refused,
    )
