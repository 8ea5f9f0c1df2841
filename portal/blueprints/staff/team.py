"""The people whom somebody looks after: invitations, roles, and who may come in."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import select
from wtforms import HiddenField, SelectField, SelectMultipleField, StringField

from portal.blueprints.consoles import Answer, Task, options, page, perform
from portal.blueprints.staff import bp
from portal.domain import N_
from portal.domain.access import Permission
from portal.models import Client, Role, Staff
from portal.security import ROLE_NAMES, audience, current_staff, danger, keys
from portal.services import hiring, staff_events, team
from portal.services.hiring import MAY_INVITE, NewInvitation, invitation_url, open_invitation
from portal.services.team import Colleague, colleague
from portal.web import Form, locale, now, session, url_for
from portal.web import gettext as _


class InviteForm(Form):
    """Who shall work here."""

    email = StringField(N_("E-mail address"))
    name = StringField(N_("Name"), description=N_("Debtors read it when this person answers."))
    role = SelectField(N_("Role"))
    clients = SelectMultipleField(
        N_("For which clients"),
        description=N_("Whose accounts they see. An operator sees all: choose none."),
    )


class PersonForm(Form):
    """A form that knows what access somebody had when its page was opened."""

    seen = HiddenField()


class RoleForm(PersonForm):
    """What somebody is here for from now on."""

    role = SelectField(N_("Role"))


def _roles() -> list[Any]:
    return options({role.value: ROLE_NAMES[role] for role in MAY_INVITE[current_staff().role]})


def _clients() -> dict[UUID, str]:
    named = select(Client.id, Client.trade_name).where(Client.id.in_(session.info["client_ids"]))
    return {row.id: row.trade_name for row in session.execute(named.order_by(Client.trade_name))}


@bp.get("/team", endpoint="team")
@audience(Permission.LEAD)
def people() -> Any:
    """Everybody whom this person looks after, and who is invited."""
    staff = current_staff()
    invited = hiring.open_invitations(session, staff)
    demo = current_app.extensions["portal"].settings.outbox
    return page(
        "staff/team.html",
        people=team.colleagues(session, staff),
        invited=invited,
        links={one.id: invitation_url(keys(), one) for one in invited} if demo else {},
        clients=_clients(),
        roles=ROLE_NAMES,
        now=now(),
    )


@bp.route("/team/invite", methods=["GET", "POST"])
@audience(Permission.LEAD)
@danger
def invite() -> Any:
    """Invite somebody."""
    form, clients = InviteForm(), _clients()
    form.role.choices = _roles()
    form.clients.choices = options({str(key): name for key, name in clients.items()})

    def do() -> None:
        wanted = [UUID(one) for one in form.clients.data or ()]
        new = NewInvitation(
            email=form.email.data or "",
            name=form.name.data or "",
            role=Role(form.role.data),
            clients=wanted,
            locale=locale(),
        )
        hiring.invite(session, new, by=current_staff(), now=now())

    note = _("They get a link by e-mail that opens once, within 3 days. They choose a password.")
    task = _task(_("Invite somebody"), _("Send the invitation"), note)
    return perform(form, do, task=task, done=_("The invitation is sent."), to=url_for("staff.team"))


@bp.route("/team/invitations/<uuid:invitation_id>/again", methods=["GET", "POST"])
@audience(Permission.LEAD)
@danger
def invite_again(invitation_id: UUID) -> Any:
    """Send an invitation's link anew."""
    staff, form = current_staff(), Form()
    one = open_invitation(session, invitation_id, staff)
    task = _task(
        _("Send the invitation to %(email)s again", email=one.email),
        _("Send it again"),
        _("A new link is sent, for 3 days. The one before opens nothing any more."),
    )
    return perform(
        form,
        lambda: hiring.send_again(session, one, locale(), by=staff, now=now()),
        task=task,
        done=_("The invitation is sent."),
        to=url_for("staff.team"),
    )


@bp.route("/team/invitations/<uuid:invitation_id>/take-back", methods=["GET", "POST"])
@audience(Permission.LEAD)
@danger
def take_invitation_back(invitation_id: UUID) -> Any:
    """Take an invitation back."""
    staff, form = current_staff(), Form()
    one = open_invitation(session, invitation_id, staff)
    task = _task(
        _("Take the invitation of %(email)s back", email=one.email),
        _("Take it back"),
        _("Its link opens nothing any more."),
    )
    return perform(
        form,
        lambda: hiring.take_back(session, one, by=staff, now=now()),
        task=task,
        done=_("The invitation is taken back."),
        to=url_for("staff.team"),
    )


@bp.get("/team/<uuid:staff_id>")
@audience(Permission.LEAD)
def person(staff_id: UUID) -> Any:
    """One of them: their role, whether they may come in, and what happened to their access."""
    whom = colleague(session, staff_id, current_staff())
    return page(
        "staff/person.html",
        whom=whom,
        clients=_clients(),
        roles=ROLE_NAMES,
        events=staff_events.newest(session, staff_id=whom.id)[: staff_events.PAGE],
        kinds=staff_events.KINDS,
    )


@bp.route("/team/<uuid:staff_id>/role", methods=["GET", "POST"])
@audience(Permission.LEAD)
@danger
def role(staff_id: UUID) -> Any:
    """Give somebody another role."""
    staff = current_staff()
    whom = colleague(session, staff_id, staff)
    form = RoleForm(role=whom.role.value)
    form.role.choices = _roles()

    def do() -> None:
        team.change_role(session, whom, Role(form.role.data), by=staff, now=now())

    note = _("They are logged out, and come in with the new role. Their clients stay the same.")
    task = _task(
        _("Role of %(name)s", name=whom.name), _("Give this role"), note, back=_page_of(whom)
    )
    do = _unless_changed(form, whom, do)
    return perform(form, do, task=task, done=_("The role is changed."), to=_page_of(whom))


def _unless_changed(
    form: PersonForm, whom: Colleague, do: Callable[[], None]
) -> Callable[[], None]:
    """The same act, unless a colleague changed the person since the page was opened."""
    seen, stands = form.seen.data, f"{whom.role.value} {whom.disabled_at or ''}"
    form.seen.data = stands

    def first() -> None:
        if seen and seen != stands:
            raise team.changed_meanwhile(session, whom, current_staff())
        do()

    return first


@bp.route("/team/<uuid:staff_id>/disable", methods=["GET", "POST"])
@audience(Permission.LEAD)
@danger
def disable(staff_id: UUID) -> Any:
    """Let somebody in no more."""
    note = _("They are logged out at once and cannot come in. What they did stays on the record.")
    said = (N_("Disable %(name)s"), _("Disable"), note, _("They cannot come in any more."))
    return _act(staff_id, team.disable, said)


@bp.route("/team/<uuid:staff_id>/enable", methods=["GET", "POST"])
@audience(Permission.LEAD)
@danger
def enable(staff_id: UUID) -> Any:
    """Let somebody in again."""
    note = _("They come in with the password and second step that they had.")
    said = (N_("Let %(name)s in again"), _("Let in again"), note, _("They can come in again."))
    return _act(staff_id, team.enable, said)


@bp.route("/team/<uuid:staff_id>/second-step", methods=["GET", "POST"])
@audience(Permission.LEAD)
@danger
def reset_second_step(staff_id: UUID) -> Any:
    """Take a second step back whose telephone and recovery codes are lost."""
    note = _(
        "Call them back on a number you know and make sure that it is them. They are logged out,"
        " and set up a new second step when they next come in with their password."
    )
    said = (
        N_("Take back the second step of %(name)s"),
        _("Take it back"),
        note,
        _("They set up a new second step when they next log in."),
    )
    return _act(staff_id, team.reset_second_step, said)


def _act(staff_id: UUID, act: Callable[..., None], said: tuple[str, str, str, str]) -> Answer:
    staff: Staff = current_staff()
    whom = colleague(session, staff_id, staff)
    title, button, note, done = said
    task = _task(_(title, name=whom.name), button, note, back=_page_of(whom))
    form = PersonForm()
    do = _unless_changed(form, whom, lambda: act(session, whom, by=staff, now=now()))
    return perform(form, do, task=task, done=done, to=_page_of(whom))


def _page_of(whom: Colleague) -> str:
    return url_for("staff.person", staff_id=whom.id)


def _task(title: str, button: str, *notes: str, back: str | None = None) -> Task:
    return Task(
        title=title,
        button=button,
        back=back or url_for("staff.team"),
        notes=notes,
        layout="layouts/console.html",
    )
