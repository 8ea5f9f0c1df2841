"""The other doors: a typed code, a new link, the wrong person, a call, and the way out."""

from datetime import date

from flask import request
from flask.typing import ResponseReturnValue
from wtforms import RadioField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired

from portal.blueprints.asking import ReadField
from portal.blueprints.debtor import bp
from portal.blueprints.debtor.links import locked_page, opened_link, stopped
from portal.db import commit
from portal.domain import N_, DomainError
from portal.i18n import LANGUAGES
from portal.rules.phones import parse_phone
from portal.security import audience, browser, keys, let_out, load_choice, sign_choice
from portal.services import attempts, renewals, stops
from portal.services.attempts import Locked
from portal.services.call_me import CallsUsedUp, CallWish, PartOfDay, ask_for_call
from portal.services.links import open_code, token_of
from portal.web import Form, explain, locale, now, render, see_other, session, url_for


class CodeMissing(DomainError):
    """Nothing was typed."""

    message = N_("Enter the code from your letter.")


class CodeUnknown(DomainError):
    """No letter or message has this code."""

    message = N_("That code does not match. Check each letter and number, and try again.")


class AddressUnreadable(DomainError):
    """What was typed is neither an e-mail address nor a phone number."""

    message = N_("Enter an email address or a phone number. For example, dana@example.com.")


class PhoneUnreadable(DomainError):
    """What was typed is no phone number."""

    message = N_("Enter a phone number with its area code. For example, 503 226 0100.")


def _code(text: str) -> str:
    if not text.strip():
        raise CodeMissing
    return text


def _address(text: str) -> renewals.Address:
    if (address := renewals.read_address(text)) is None:
        raise AddressUnreadable
    return address


def _phone(text: str) -> str:
    if (phone := parse_phone(text)) is None:
        raise PhoneUnreadable
    return phone.e164


class StartForm(Form):
    """The code of a letter."""

    code = ReadField(N_("Code"), reader=_code)


class NewLinkForm(Form):
    """Where a new link should go."""

    address = ReadField(N_("Your email address or phone number"), reader=_address)


class CallForm(Form):
    """The number to call, and when."""

    phone = ReadField(N_("Phone number"), reader=_phone)
    part_of_day = RadioField(
        N_("When should we call?"),
        choices=[
            SelectChoice(PartOfDay.MORNING.value, N_("In the morning")),
            SelectChoice(PartOfDay.AFTERNOON.value, N_("In the afternoon")),
            SelectChoice(PartOfDay.EVENING.value, N_("In the evening")),
        ],
        validators=[InputRequired(N_("Choose when we should call."))],
    )


@bp.route("/", methods=["GET", "POST"])
@audience("anyone")
def start() -> ResponseReturnValue:
    """For who has a letter: its code opens the link's own page."""
    form = StartForm()
    if form.validate_on_submit():
        network = attempts.network(browser().ip)
        taken = attempts.take(session, keys(), [network], now=now())
        if isinstance(taken, Locked):
            return locked_page(taken)
        if opened := open_code(session, form.code.data, keys=keys(), now=now()):
            return see_other(url_for(".link", token=token_of(keys(), opened.link)))
        form.code.errors = [explain(CodeUnknown())]
    return render("debtor/start.html", form=form), 422 if form.errors else 200


@bp.route("/new-link", methods=["GET", "POST"])
@audience("anyone")
def new_link() -> ResponseReturnValue:
    """A new link for who has none: the answer is one and the same, whoever asks."""
    form = NewLinkForm()
    if form.validate_on_submit():
        locked = renewals.ask_by_address(
            session, form.address.data, keys=keys(), ip=browser().ip, now=now()
        )
        if locked:
            return locked_page(locked)
        commit(session, "links.ask_new")
        return see_other(url_for(".new_link", asked="1"))
    if "asked" in request.args and not form.errors:
        return render("debtor/asked.html")
    return render("debtor/new_link.html", form=form), 422 if form.errors else 200


@bp.route("/l/<token>/new-link", methods=["GET", "POST"])
@audience("anyone")
def link_again(token: str) -> ResponseReturnValue:
    """A new link in place of one that stopped working: GET asks, POST sends it to its address."""
    opened = opened_link(token)
    dead = stopped(token, opened)
    if dead is None:
        return see_other(url_for(".link", token=token))
    if request.method != "POST":
        done = "asked" in request.args
        return render("debtor/asked.html") if done else dead
    if locked := renewals.ask_by_link(session, opened, keys=keys(), ip=browser().ip, now=now()):
        return locked_page(locked, token=token)
    commit(session, "links.ask_again")
    return see_other(url_for(".link_again", token=token, asked="1"))


@bp.route("/l/<token>/wrong-person", methods=["GET", "POST"])
@audience("anyone")
def wrong_person(token: str) -> ResponseReturnValue:
    """Somebody else got our message: GET asks, POST stops writing to their address at once."""
    opened = opened_link(token)
    if request.method != "POST":
        done = opened.link.revoked_reason == "wrong_person"
        return render("debtor/wrong_person.html", token=token, opened=opened, done=done)
    stops.stop_wrong_person(session, opened, now=now())
    commit(session, "stops.wrong_person")
    return see_other(url_for(".wrong_person", token=token))


@bp.route("/call-me/<token>", methods=["GET", "POST"])
@audience("anyone")
def call_me(token: str) -> ResponseReturnValue:
    """A person instead of a page: our number, or a call from us by a promised day."""
    opened = opened_link(token)
    if done := request.args.get("done"):
        promise = load_choice(done, purpose="call")
        by = date.fromisoformat(promise["by"])
        return render("debtor/call_promised.html", reference=promise["reference"], by=by)
    form = CallForm()
    if form.validate_on_submit():
        part = PartOfDay(form.part_of_day.data)
        language = locale().partition("_")[0]
        wish = CallWish(form.phone.data, part, language if language in LANGUAGES else "en")
        try:
            asked = ask_for_call(session, opened, wish, keys=keys(), ip=browser().ip, now=now())
        except CallsUsedUp as error:
            form.form_errors.append(explain(error))
        else:
            commit(session, "call_me.ask")
            promise = {"reference": asked.reference, "by": asked.promised_on.isoformat()}
            done = sign_choice(promise, purpose="call")
            return see_other(url_for(".call_me", token=token, done=done))
    return render("debtor/call_me.html", token=token, form=form), 422 if form.errors else 200


@bp.post("/close")
@audience("debtor")
def close() -> ResponseReturnValue:
    """Close the page: the visit ends, and a neutral page stays on the screen."""
    let_out()
    return see_other(url_for("public.closed"))
