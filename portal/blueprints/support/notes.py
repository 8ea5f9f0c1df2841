"""Notes on an account, and the templates that supervisors keep for them."""

from typing import Any
from uuid import UUID

from flask import flash, request
from sqlalchemy import select
from wtforms import SelectChoice, SelectField, StringField, TextAreaField  # type: ignore[attr-defined]

from portal.blueprints.consoles import attempt, page
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.meanwhile import SeenForm
from portal.blueprints.support.repeated import sent_before
from portal.domain import N_
from portal.domain import notes as words
from portal.domain.access import Permission
from portal.domain.notes import note_words
from portal.models import Account, Client, NoteTemplate
from portal.security import audience, current_staff
from portal.services import notes
from portal.web import Form, now, say, see_other, session, url_for
from portal.web import gettext as _


class NoteForm(SeenForm):
    """A note."""

    note = TextAreaField(
        N_("Note"),
        description=N_("The debtor does not read it. It cannot be changed later: add another one."),
    )


class TemplateForm(Form):
    """Words that many notes begin with."""

    client = SelectField(N_("Client"))
    title = StringField(N_("Title"))
    body = TextAreaField(N_("Text"), description=N_("Write ____ where something is filled in."))


@bp.route("/accounts/<uuid:account_id>/note", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def note(account_id: UUID) -> Any:
    """Write a note, from a template or from nothing; the earlier ones stand below."""
    account, form = open_account(account_id), NoteForm()
    begin = _beginnings(account)
    if not form.is_submitted() and not form.note.data:
        form.note.data = begin.get(request.args.get("from", ""), ("", ""))[1]

    def do() -> None:
        typed = form.note.data or ""
        if not sent_before(
            form, account, notes.TYPE, lambda told: told["note"] == note_words(typed)
        ):
            notes.write_note(session, account, typed, staff=current_staff(), now=now())

    form.of(account)
    if form.validate_on_submit() and attempt(form, do):
        flash(_("Your note is on the record."), "ok")
        return see_other(back_to(account))
    written = notes.notes_of(session, account)
    zone = session.get_one(Client, account.client_id).time_zone
    about = {"account": account, "begin": begin, "written": written, "zone": zone}
    answer = page("support/note.html", form=form, **about)
    return (answer, 422) if form.errors else answer


def _beginnings(account: Account) -> dict[str, tuple[str, str]]:
    """What a note may begin with: the client's own templates, then those that everybody has."""
    own = {str(t.id): (t.title, t.body) for t in notes.templates_of(session, account.client_id)}
    given = {key: (say(title), say(body)) for key, (title, body) in words.BUILT_IN.items()}
    return own | given


@bp.route("/note-templates", methods=["GET", "POST"])
@audience(Permission.SUPERVISE)
def note_templates() -> Any:
    """The templates of the clients one works for, and a form for another one."""
    form, mine = TemplateForm(), list(session.info["client_ids"])
    seen = session.scalars(select(Client).where(Client.id.in_(mine)).order_by(Client.trade_name))
    clients = {str(one.id): one for one in seen}
    form.client.choices = [SelectChoice(id_, one.trade_name) for id_, one in clients.items()]

    def do() -> None:
        client, title, body = clients[form.client.data], form.title.data, form.body.data
        staff = current_staff()
        notes.keep_template(session, client, title or "", body or "", staff=staff, now=now())

    if form.validate_on_submit() and attempt(form, do):
        flash(_("The template is on the list."), "ok")
        return see_other(url_for("support.note_templates"))
    kept = notes.templates_of(session, *mine)
    about = {"kept": kept, "clients": clients, "built_in": words.BUILT_IN}
    answer = page("support/note_templates.html", form=form, **about)
    return (answer, 422) if form.errors else answer


@bp.post("/note-templates/<uuid:template_id>/drop")
@audience(Permission.SUPERVISE)
def drop_template(template_id: UUID) -> Any:
    """Take a template off its list; notes that were written stay."""
    mine = NoteTemplate.client_id.in_(session.info["client_ids"])
    found = session.scalars(select(NoteTemplate).where(mine, NoteTemplate.id == template_id)).one()
    notes.drop_template(session, found, staff=current_staff(), now=now())
    session.commit()
    flash(_("The template is off the list."), "ok")
    return see_other(url_for("support.note_templates"))
