"""The Flask edge that every page shares: the request's session, its language and its look."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import flask
from flask import Flask, current_app, g, redirect, request
from flask_wtf import FlaskForm
from jinja2 import Environment
from markupsafe import Markup, escape
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response
from wtforms.form import BaseForm

from portal import addresses, assets, i18n, templating
from portal.db import PortalSession, set_tenant
from portal.domain import DomainError, hours, theme
from portal.form_words import PlainWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Who a page speaks for. Neutral until identity is verified: no creditor, no brand, no logo.

    ``hours`` may be in several languages. The page closes at ``closes_at``, by ``close_url`` now
    (POST); ``stay_url`` keeps it open (GET). ``help_url`` is where Get help leads.
    """

    sender: str | None = None
    phone: str | None = None
    hours: str | None = None
    email: str | None = None
    street_address: str | None = None
    brand: str = theme.NEUTRAL
    action: str | None = None
    logo: addresses.Logo | None = None
    time_zone: str = "UTC"
    closes_at: datetime | None = None
    close_url: str | None = None
    stay_url: str | None = None
    help_url: str | None = None

    @property
    def phone_hours(self) -> str:
        """When somebody answers the phone, in the language of the page."""
        return hours.in_language(self.hours or "", locale()[:2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One link of a console's navigation; ``section`` is what a page names as its place."""

    section: str
    label: str
    url: str
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is logged in to a console, where their role may go, and when they are logged out.

    That is at ``idle_at`` if they do nothing, and at ``ends_at`` whatever they do. ``own`` is where
    they see to their own sign-in, ``team`` where to that of others.
    """

    name: str
    role: str
    links: tuple[Destination, ...] = ()
    log_out: str | None = None
    own: str | None = None
    team: str | None = None
    idle_at: datetime | None = None
    ends_at: datetime | None = None

    def reaching(self, links: Iterable[Destination]) -> "Person":
        """The same person, with where they may go from here."""
        return replace(self, links=tuple(links))


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A debtor's page as somebody else looks at it: what it shows, and the way back."""

    note: str
    back: str
    others: tuple[tuple[str, str], ...] = ()


class CsrfRejected(BadRequest):
    """The form did not come from our page, or came too late; nothing was done with it."""


class SessionClosed(HTTPException):
    """The debtor's page was closed to keep it private; ``carry_on`` is where to come back in."""

    code = 403

    def __init__(self, carry_on: str | None = None) -> None:
        super().__init__()
        self.carry_on = carry_on


def _open() -> PortalSession:
    if "session" not in g:
        seen = {"client_ids": g.get("client_ids", ())}
        g.session = current_app.extensions["portal"].sessions(info=seen)
    current: PortalSession = g.session
    return current


def scope(*client_ids: UUID) -> None:
    """Let the request's session see these clients and no others, whether it is open yet or not."""
    g.client_ids = client_ids
    if "session" in g:
        set_tenant(g.session, *client_ids)


session: PortalSession = LocalProxy(_open)  # type: ignore[assignment]
"""The request's database session. A guard sets its tenant; what nobody commits is rolled back."""


def close_session(_error: BaseException | None = None) -> None:
    """Close the request's session, if it was opened."""
    if (current := g.pop("session", None)) is not None:
        current.close()


def wear(face: Face) -> None:
    """Show the rest of this request as this sender's page."""
    g.face = face


def show_as_preview(preview: Preview, leads: Callable[[str], str | None]) -> None:
    """Show the rest of this request as a debtor's page that does nothing.

    ``leads`` says where the link to an endpoint goes instead; None leaves it as it is.
    """
    g.preview, g.leads = preview, leads


def prefer(*, language: str | None = None, country: str | None = None) -> None:
    """The language of the link or session, unless the person asks for another one; the country."""
    if language is not None:
        g.preferred_language = language
    if country is not None:
        g.country = country
    g.pop("locale", None)


def speak(chosen: str) -> None:
    """Answer this request in a locale, whatever was asked for."""
    g.locale = chosen


def arguments() -> MultiDict[str, str]:
    """What stands behind the question mark of this address; most addresses have none."""
    return request.args if request.environ.get("QUERY_STRING") else NO_ARGUMENTS


def asked_language() -> str | None:
    """The language that the person chose in this very address, if it is one of ours."""
    asked = arguments().get("lang")
    known = current_app.config.get("LANGUAGES", i18n.LANGUAGES)
    return asked if asked in known else None


def locale() -> str:
    """The locale of this request: asked for, else preferred, else the browser's."""
    here = g._get_current_object()
    if "locale" not in here:
        language = asked_language() or here.get("preferred_language")
        if language not in i18n.CLDR:
            language = i18n.best_language(request.headers.get("Accept-Language", ""))
        here.locale = i18n.locale_for(language, here.get("country", "US"))
    chosen: str = here.locale
    return chosen


def gettext(message: str, /, **params: object) -> str:
    """A marked message in this request's language; params as in `i18n.translate`."""
    return i18n.translate(locale(), message, params or None)


def ngettext(singular: str, plural: str, num: int, /, **params: object) -> str:
    """The form of a marked message for `num` things, in this request's language."""
    return i18n.voice(locale()).ngettext(singular, plural, num, **params)


def explain(error: DomainError) -> str:
    """The sentence that tells the person why not."""
    return i18n.translate(locale(), error.message, error.params)


def see_other(url: str) -> Response:
    """Send the browser on after a POST (303), so that Back and reload repeat nothing."""
    return redirect(url, 303)


def url_for(endpoint: str, /, **values: Any) -> str:
    """An address within the portal; carries a language asked for in the address until verified."""
    if "_external" in values or "_anchor" in values:
        return flask.url_for(endpoint, **values)
    asking, here = request._get_current_object(), g._get_current_object()  # type: ignore[attr-defined]
    if "leads" in here and (elsewhere := here.leads(endpoint)) is not None:
        return str(elsewhere)
    if "lang" not in values and "remembers_language" not in here and "lang" in arguments():
        values["lang"] = asked_language()
    if endpoint.startswith("."):
        endpoint = f"{asking.blueprint}{endpoint}"
    return addresses.fill(asking.script_root, endpoint, values)


def asset(name: str) -> str:
    """The address of a static file, with its hash."""
    return addresses.of_file(request.script_root, name)


def taken_back() -> MultiDict[str, str] | None:
    """What was kept of this page's form, for a form that takes it: the page then says so."""
    g.taken_back = "held" in g
    return g.get("held")  # type: ignore[no-any-return]


class Form(FlaskForm):  # type: ignore[misc]
    """What a person typed into a page of ours.

    Whether it came from that page, the guard in ``security`` checks once for every route: before
    identity there is no cookie that Flask-WTF's own token could be bound to.
    """

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """Our words for what WTForms says by itself, and what was typed before a log-in ended."""

        csrf = False

        def wrap_formdata(self, form: BaseForm, formdata: Any) -> Any:
            """What was sent; else what was kept of this page's form, which was not sent.

            A form that is made from None, beside the page's own, gets neither.
            """
            given = super().wrap_formdata(form, formdata)
            return taken_back() if given is None and formdata is not None else given

        def get_translations(self, form: BaseForm) -> Any:
            """Marked sentences, which the macros translate."""
            return PlainWords

    def validate_on_submit(self) -> bool:
        """Whether the person sent the form and it is right; a mere switch of language is not."""
        return bool(self.is_submitted() and "keep" not in request.form and self.validate())


@dataclass(slots=True, kw_only=True)
class Page:
    """What the frame of a page needs to know; ``paper``: it is set as a PDF."""

    face: Face
    preview: Preview | None = None
    person: Person | None = None
    section: str = ""
    paper: bool = False
    problems: list[tuple[str, str]] = field(default_factory=list)

    @property
    def css(self) -> str:
        """The address of the stylesheet with this sender's palette."""
        return addresses.of_theme(request.script_root, self.face.brand, self.face.action)

    @property
    def help_url(self) -> str:
        """Where Get help leads, from every page."""
        return self.face.help_url or url_for("public.help")

    @property
    def languages(self) -> list[tuple[str, str, str]]:
        """(code, its own name, this page's address in it) of each language."""
        given = arguments().to_dict(flat=False)
        if not given or given.keys() == {"lang"}:
            return PLAIN_LANGUAGES
        return [
            (code, name, "?" + urlencode(given | {"lang": [code]}, doseq=True))
            for code, name in i18n.LANGUAGES.items()
        ]

    @property
    def closes_at(self) -> str | None:
        """The time of day when this page closes, on the person's clock."""
        at = self.face.closes_at
        return i18n.voice(locale()).time(at, self.face.time_zone) if at else None

    @property
    def printing(self) -> bool:
        """Whether the page is asked for on paper, where folded parts must lie open."""
        return "print" in arguments()

    @property
    def seconds_left(self) -> int:
        """How long this page stays open, for the warning before it closes."""
        at = self.face.closes_at
        return max(0, int((at - now()).total_seconds())) if at else 0


def now() -> datetime:
    """The time of the portal's clock, aware and in UTC."""
    at: datetime = current_app.extensions["portal"].clock.now()
    return at


def render(template: str, /, *, section: str = "", paper: bool = False, **context: Any) -> str:
    """A page in the request's language.

    `form`, if given, brings its problems to the top; `section` marks a place of a console
    that is not its first; `paper` leaves out what only a screen has.
    """
    form = context.get("form")
    here = section or g.get("section", "")
    page = Page(face=g.get("face", NEUTRAL), person=g.get("person"), section=here, paper=paper)
    page.preview = g.get("preview")
    if form is not None:
        page.problems = problems_of(form)
    return environment(locale()).get_template(template).render(context, page=page)


NEUTRAL = Face()
NO_ARGUMENTS: MultiDict[str, str] = ImmutableMultiDict()
PLAIN_LANGUAGES = [(code, name, f"?lang={code}") for code, name in i18n.LANGUAGES.items()]


@cache
def environment(locale: str) -> Environment:
    """The locale's Jinja environment with what only a request can answer."""
    env = templating.environment(locale)
    env.globals |= {"url_for": url_for, "asset": asset, "csrf_field": csrf_field, "say": say}
    env.globals |= {"flashes": flashes, "icon": assets.icon, "tel": tel}
    return env


def tel(number: str) -> Markup:
    """A phone number to tap, kept on one line."""
    digits = "".join(mark for mark in number if mark.isdigit() or mark == "+")
    return Markup('<a class="tel" href="tel:{}">{}</a>').format(digits, number)


def csrf_field() -> Markup:
    """The hidden field that proves a form came from our page; the guard sets `g.csrf_token`."""
    token = g.get("csrf_token")
    if token is None:
        return Markup()
    return Markup(f'<input type="hidden" name="csrf_token" value="{escape(token())}">')  # noqa: S704


def flashes() -> list[tuple[str, str]]:
    """(kind, sentence) of what a console has to say after its last action."""
    return flask.get_flashed_messages(with_categories=True) if "person" in g else []  # type: ignore[return-value]


def say(message: object) -> str:
    """A problem as the person reads it, whether it was translated yet or only marked."""
    if isinstance(message, DomainError):
        return explain(message)
    text = str(message)
    return i18n.voice(locale()).lookup(text)


def problems_of(form: Any) -> list[tuple[str, str]]:
    """(id of the field, sentence) of each problem of a form, in the order of the page."""
    found = [("form", say(error)) for error in form.form_errors]
    for entry in form:
        found += [(id, say(error)) for id, error in _located(entry)]
    return found


def _located(entry: Any) -> Iterable[tuple[str, Any]]:
    """Each problem of a field, or of the fields inside it, with the id of its own field."""
    inside = [*getattr(entry, "entries", ()), *getattr(entry, "form", ())]
    parts = (Mapping, list, tuple)
    own = () if isinstance(entry.errors, Mapping) else entry.errors
    yield from ((entry.id, error) for error in own if not isinstance(error, parts))
    for one in inside:
        yield from _located(one)


def allow_form_action(origins: Iterable[str]) -> None:
    """Let this page's forms be answered by a redirect to these origins (Stripe's Checkout)."""
    g.form_action = tuple(origins)


def init_app(app: Flask) -> None:
    """Close the session at the end of each request."""
    app.teardown_appcontext(close_session)
