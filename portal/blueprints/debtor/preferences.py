"""How we contact a debtor: addresses, by letter only, not at all, and in which language."""

from collections.abc import Callable
from uuid import UUID

from flask import abort, request
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, RadioField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.common import set_clock
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.wording import clean_text, mask_email, mask_phone
from portal.form_words import CHOOSE
from portal.i18n import LANGUAGES
from portal.models import Channel, Client, Contact, Debtor, StopKind
from portal.rules.disclosures import LegalText, legal_text
from portal.security import audience, current_visit
from portal.services import esign
from portal.services import preferences as choices
from portal.services.contact_wishes import choose_language, on_portal
from portal.services.letters import letter_stops
from portal.services.preferences import Consent
from portal.web import Form, explain, locale, now, render, see_other, session, url_for
from portal.web import gettext as _

LONGEST = 254
DONE = {
    "stopped": N_("We do not write to this address any more."),
    "allowed": N_("We write to this address again."),
    "letters": N_("From now on we write to you by letter only."),
    "ceased": N_("We stop writing to you."),
    "resumed": N_("We may write to you again."),
    "added": N_("Thank you. We have your new address."),
    "online": N_("From now on the copies that the law requires go to you by email only."),
    "paper": N_("From now on the copies that the law requires go to you by letter too."),
    "language": N_("We write to you in this language from now on."),
}
STATES = {
    None: N_("We may write to you here."),
    StopKind.OPTED_OUT: N_("Stopped. We do not write to you here."),
    StopKind.BOUNCED: N_("Closed. Our messages did not arrive here."),
    StopKind.WRONG_PERSON: N_("Closed. We were told that it belongs to someone else."),
    StopKind.REASSIGNED: N_("Closed. This number belongs to someone else now."),
    StopKind.UNREAD: N_("Stopped. A person reads what you texted us first."),
}
KINDS = {
    "email": (Channel.EMAIL, N_("Your new email address"), "email"),
    "phone": (Channel.SMS, N_("Your new mobile number"), "tel"),
}


class LanguageForm(Form):
    """The language of our messages."""

    language = RadioField(
        N_("In which language do we write to you?"), validators=[InputRequired(CHOOSE)]
    )


class AddressForm(Form):
    """A new address, with the hash of the words beside it."""

    address = StringField(
        N_("Your new email address"), filters=[lambda text: clean_text(text or "")[:LONGEST]]
    )
    shown = HiddenField()
    instead = HiddenField()


@bp.route("/preferences", methods=["GET", "POST"])
@audience("debtor")
def preferences() -> ResponseReturnValue:
    """How we contact the reader, each choice with its button."""
    debtor, client = _reader()
    form = _language_form(debtor, client)
    if form.validate_on_submit():
        told = on_portal(debtor)
        choose_language(session, debtor, form.language.data, told=told, now=now())
        commit(session, "preferences.language")
        return _done("language", lang=form.language.data)
    page = render(
        "debtor/preferences.html",
        form=form,
        debtor=debtor,
        client=client,
        addresses=_addresses(debtor),
        consent=_consent(client),
        letters_stopped=bool(letter_stops(session, debtor)),
        consent_given=(given := esign.given_consent(session, debtor.client_id, debtor.id)),
        online_only=esign.stands(given),
        may_write=choices.may_write(session, debtor, now()),
        done=DONE.get(request.args.get("done", "")),
    )
    return page, 422 if form.errors else 200


def _language_form(debtor: Debtor, client: Client) -> LanguageForm:
    form = LanguageForm(language=debtor.language)
    form.language.choices = [
        SelectChoice(code, name) for code, name in LANGUAGES.items() if code in client.languages
    ]
    return form


def _addresses(debtor: Debtor) -> list[tuple[Contact, str, str, choices.Address]]:
    return [
        (one.contact, masked(one.contact), STATES[one.stopped], one)
        for one in choices.addresses(session, debtor)
    ]


def masked(contact: Contact) -> str:
    """An address to recognise but not to learn."""
    return (mask_email if contact.channel == Channel.EMAIL else mask_phone)(contact.address)


def _reader() -> tuple[Debtor, Client]:
    visit = current_visit()
    set_clock()
    debtor = session.get_one(Debtor, (visit.client_id, visit.debtor_id))
    return debtor, session.get_one(Client, visit.client_id)


def _consent(client: Client) -> LegalText:
    return legal_text(choices.CONSENT, locale(), company=client.trade_name)


def _done(what: str, **given: str) -> ResponseReturnValue:
    return see_other(url_for(".preferences", done=what, **given))


@bp.post("/preferences/addresses/<uuid:contact_id>/stop")
@audience("debtor")
def stop_address(contact_id: UUID) -> ResponseReturnValue:
    """Stop writing to one address, at once."""
    choices.close_address(session, _own(contact_id), now=now())
    commit(session, "preferences.stop_address")
    return _done("stopped")


@bp.post("/preferences/addresses/<uuid:contact_id>/allow")
@audience("debtor")
def allow_address(contact_id: UUID) -> ResponseReturnValue:
    """Write to one address again; what was shown beside the button is what is recorded."""
    contact = _own(contact_id)
    consent = _consent(_reader()[1])
    if request.form.get("shown") != consent.sha256:
        return see_other(url_for(".preferences"))
    choices.open_address(session, contact, consent=Consent(consent), now=now())
    commit(session, "preferences.allow_address")
    return _done("allowed")


def _own(contact_id: UUID) -> Contact:
    contact = choices.contact_of(session, _reader()[0], contact_id)
    if contact is None:
        abort(404)
    return contact


@bp.post("/preferences/letters")
@audience("debtor")
def letters_only() -> ResponseReturnValue:
    """Close every address but that for letters."""
    return _change(choices.close_all_addresses, "letters")


@bp.post("/preferences/stop")
@audience("debtor")
def stop_writing() -> ResponseReturnValue:
    """Stop writing first, by whatever way."""
    return _change(choices.stop_writing, "ceased")


@bp.post("/preferences/allow")
@audience("debtor")
def write_again() -> ResponseReturnValue:
    """Undo that."""
    return _change(choices.write_again, "resumed")


def _change(change: Callable[..., None], done: str) -> ResponseReturnValue:
    change(session, _reader()[0], now=now())
    commit(session, f"preferences.{done}")
    return _done(done)


@bp.route("/preferences/<kind>", methods=["GET", "POST"])
@audience("debtor")
def new_address(kind: str) -> ResponseReturnValue:
    """Take another address, with the words that the law wants beside its field (EC-03)."""
    debtor, client = _reader()
    if kind not in KINDS or (kind == "phone" and not client.texts):
        abort(404)
    channel, label, mode = KINDS[kind]
    consent, form = _consent(client), AddressForm(instead=request.args.get("instead", ""))
    form.address.label.text = label
    before = _before(debtor, form)
    if form.validate_on_submit() and (added := _added(debtor, channel, form, consent)):
        if before is not None and before.id != added.id:
            choices.close_address(session, before, now=now())
        commit(session, "preferences.add_address")
        return _done("added")
    form.shown.data = consent.sha256
    template, old = "debtor/preferences_address.html", masked(before) if before else None
    page = render(template, form=form, kind=kind, mode=mode, before=old, consent=consent)
    return page, 422 if form.errors else 200


def _before(debtor: Debtor, form: AddressForm) -> Contact | None:
    """The address that the new one takes the place of, if it is one of the reader's."""
    try:
        return choices.contact_of(session, debtor, UUID(form.instead.data or ""))
    except ValueError:
        return None


def _added(
    debtor: Debtor, channel: Channel, form: AddressForm, consent: LegalText
) -> Contact | None:
    if form.shown.data != consent.sha256:
        form.form_errors.append(
            _("The words beside the field have changed. Please read them again.")
        )
        return None
    typed, agreed = form.address.data or "", Consent(consent)
    try:
        return choices.add_address(session, debtor, channel, typed, consent=agreed, now=now())
    except DomainError as error:
        form.address.errors = [explain(error)]
        return None
