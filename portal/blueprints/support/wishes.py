"""What a debtor says on the phone of how to write to them, and first notices of an account."""

from typing import Any
from uuid import UUID

from wtforms import BooleanField, SelectField, StringField

from portal.blueprints.consoles import Task, options, perform
from portal.blueprints.fields import DateBoxes
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.sending import masked_contact
from portal.blueprints.wished import wish_words
from portal.domain import N_, DomainError, labels
from portal.domain.access import Permission
from portal.domain.channels import Channel
from portal.domain.help import LONGEST_NOTE, kept_words
from portal.domain.wishes import ANY, Slot, WishKind
from portal.i18n import LANGUAGES
from portal.models import Account, Client, Contact, Debtor
from portal.security import audience, current_staff
from portal.services import contact_wishes as wishes
from portal.services import first_notices
from portal.services.preferences import addresses
from portal.web import Form, now, say, session
from portal.web import gettext as _

WANTED = {
    "not_at": N_("No messages at a time: choose it below"),
    "email": N_("By email only"),
    "letter": N_("By letter only"),
    ANY: N_("By every way again"),
}


class WishForm(Form):
    """What the person wants, and their words."""

    wish = SelectField(N_("What do they want?"))
    day = SelectField(N_("Day"), choices=options(labels.DAYS), default=ANY)
    part = SelectField(N_("Part of the day"), choices=options(labels.DAY_PARTS), default=ANY)
    words = StringField(N_("Their words"), description=N_("As they said it. It is kept."))


class EndForm(Form):
    """Why a wish ends."""

    words = StringField(N_("Their words"), description=N_("As they said it. It is kept."))


class NoticeForm(Form):
    """When a first notice was sent."""

    sent_on = DateBoxes(N_("Sent on"))
    on_paper = BooleanField(N_("On paper, by mail"))


class MissedForm(Form):
    """Nothing to fill in: one button."""


class WordsMissing(DomainError):
    """A wish was taken down without what the person said."""

    message = N_("Write what the person said. It is kept on the record.")


class TimeMissing(DomainError):
    """No day and no part of it was chosen: that would be to stop writing."""

    message = N_("Choose a day or a part of the day. To stop all messages, hold the account.")


@bp.route("/accounts/<uuid:account_id>/wish", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def wish(account_id: UUID) -> Any:
    """Take down how a person wants to be written to (CT-03)."""
    account, form = open_account(account_id), WishForm()
    debtor = _debtor(account)
    form.wish.choices = _choices(account, debtor)
    task = Task(
        title=_("How to write to this person: account %(reference)s", reference=account.reference),
        button=_("Take it down"),
        back=back_to(account),
        notes=(_("It counts at once, for every account of this person and on every channel."),),
    )
    return perform(
        form, lambda: _state(debtor, form), task=task, done=_("It counts."), to=back_to(account)
    )


def _debtor(account: Account) -> Debtor:
    return session.get_one(Debtor, (account.client_id, account.debtor_id))


def _choices(account: Account, debtor: Debtor) -> list[tuple[str, str]]:
    client = session.get_one(Client, account.client_id)
    at_work = [
        (
            f"work {one.contact.id}",
            _("Not at work: %(address)s", address=masked_contact(one.contact)),
        )
        for one in addresses(session, debtor)
    ]
    spoken = [
        (f"language {code}", _("In %(language)s", language=name))
        for code, name in LANGUAGES.items()
        if code in client.languages
    ]
    return [*((code, say(words)) for code, words in WANTED.items()), *at_work, *spoken]


def _told(typed: str | None) -> wishes.Told:
    if not (words := kept_words(typed, most=LONGEST_NOTE)):
        raise WordsMissing
    return wishes.by_phone(current_staff().id, words)


def _state(debtor: Debtor, form: WishForm) -> None:
    told, at = _told(form.words.data), now()
    wanted, _space, detail = form.wish.data.partition(" ")
    if wanted == "not_at":
        if form.day.data == form.part.data == ANY:
            raise TimeMissing
        slot = Slot(form.day.data, form.part.data)
        wishes.state(session, debtor, WishKind.NOT_AT, str(slot), told=told, now=at)
    elif wanted == "work":
        contact = session.get_one(Contact, (debtor.client_id, UUID(detail)))
        wishes.never_at(session, contact, told=told, now=at)
    elif wanted == "language":
        wishes.choose_language(session, debtor, detail, told=told, now=at)
    else:
        only = None if wanted == ANY else Channel(wanted)
        wishes.choose_only(session, debtor, only, told=told, now=at)


@bp.route("/accounts/<uuid:account_id>/wishes/<uuid:wish_id>/end", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def end_wish(account_id: UUID, wish_id: UUID) -> Any:
    """End a wish that a person takes back."""
    account, form = open_account(account_id), EndForm()
    debtor = _debtor(account)
    found = wishes.stated(session, debtor, wish_id)
    task = Task(
        title=_("End a wish of account %(reference)s", reference=account.reference),
        button=_("End it"),
        back=back_to(account),
        notes=(wish_words(found.kind, found.value),),
    )

    def do() -> None:
        wishes.end(session, debtor, found, told=_told(form.words.data), now=now())

    return perform(form, do, task=task, done=_("It does not count any more."), to=back_to(account))


@bp.route("/accounts/<uuid:account_id>/notice", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def first_notice(account_id: UUID) -> Any:
    """Take down that a first notice went; the days that the province waits count from it."""
    account, form = open_account(account_id), NoticeForm()

    def do() -> None:
        first_notices.record_notice(
            session,
            account,
            form.sent_on.data,
            on_paper=form.on_paper.data,
            by=current_staff().id,
            now=now(),
        )

    task = Task(
        title=_("First notice of account %(reference)s", reference=account.reference),
        button=_("Take it down"),
        back=back_to(account),
        notes=(_("Ontario, British Columbia and Quebec want one before anything else."),),
    )
    return perform(form, do, task=task, done=_("It is on the record."), to=back_to(account))


@bp.route("/accounts/<uuid:account_id>/notice/missed", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def notice_missed(account_id: UUID) -> Any:
    """The person says that no notice came: we wait until another one went (CA-01)."""
    account, form = open_account(account_id), MissedForm()

    def do() -> None:
        first_notices.notice_missed(session, account, by=current_staff().id, now=now())

    task = Task(
        title=_("The notice of account %(reference)s did not arrive", reference=account.reference),
        button=_("It did not arrive"),
        back=back_to(account),
        notes=(_("Send another one and take it down. Until then we write nothing first."),),
    )
    return perform(form, do, task=task, done=_("It is on the record."), to=back_to(account))
