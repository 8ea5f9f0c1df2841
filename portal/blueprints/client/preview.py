"""See what a debtor sees: their own templates and offers, under limits not yet in force."""

import re
from collections.abc import Iterator
from typing import Any

import flask
from flask import g, request

from portal import addresses
from portal.blueprints.client import bp, current_client
from portal.blueprints.client.limit_both import form_of, problems_in_words
from portal.blueprints.consoles import page
from portal.blueprints.debtor.balance import balance_page
from portal.blueprints.debtor.plans import plan_form, plan_page
from portal.domain import N_
from portal.domain.access import Permission
from portal.domain.limits import plan_bounds
from portal.domain.policy import Policy
from portal.security import audience
from portal.services import drafts, previews
from portal.services.balance import Balance
from portal.services.policies import live_version
from portal.services.samples import Sample, samples
from portal.web import Face, Preview, locale, now, session, show_as_preview, wear
from portal.web import gettext as _

NOWHERE = "#main"
KEPT = ("of", "account", "lang", "page")
OWN_ADDRESS = re.compile(r'href="/(?:account|preferences)[^"]*"')


@bp.route("/offers/preview", methods=["GET", "POST"])
@audience(Permission.SET_LIMITS)
def preview() -> Any:
    """The balance and plan pages of a sample account; nothing that is clicked there does anything.

    A form that is sent comes back as it was.
    """
    client = current_client()
    document = _limits()
    account = previews.sample(session, client.id, request.args.get("account", "").strip())
    if document is None or account is None:
        problems = [] if document else _problems()
        return page("client/no_preview.html", section="offers", limits=document, problems=problems)
    view = previews.preview(session, account, document, locale=locale()[:2], now=now())
    _dress(view, samples(session, client.id, document, now()))
    bounds = plan_bounds(view.offers.facts, document, view.today)
    if request.args.get("page") == "plan" and bounds is not None:
        form = plan_form(view, document, bounds)
        return _still(plan_page(view, form, document, bounds.main_frequency))
    return _still(balance_page(view))


def _limits() -> Policy | None:
    client = current_client()
    draft = drafts.draft_of(session, client.id)
    if request.args.get("of") == "draft" and draft:
        return drafts.limits_of(draft)
    live = live_version(session, client.id, now())
    return live.policy if live else None


def _problems() -> list[tuple[str, str]]:
    """Why the draft cannot be seen as debtors would see it."""
    draft = drafts.draft_of(session, current_client().id)
    if request.args.get("of") != "draft" or draft is None:
        return []
    return problems_in_words(form_of(draft.typed))


def _dress(view: Balance, others: list[Sample]) -> None:
    """Show the debtor's face of the client, with links that stay inside the preview."""
    client = view.client
    wear(
        Face(
            sender=client.trade_name,
            phone=client.phone,
            hours=client.phone_hours,
            street_address=client.street_address,
            brand=client.brand_color,
            action=client.action_color,
            logo=addresses.of_logo(request.script_root, client.id, client.logo),
            time_zone=view.zone,
            help_url=NOWHERE,
        )
    )
    pages = ((_here(page="balance"), _("Balance")), (_here(page="plan"), _("Plan")))
    back = flask.url_for("client.draft" if request.args.get("of") == "draft" else "client.offers")
    reference = view.account.reference
    words = next((_sample(one) for one in others if one.reference == reference), "")
    note = _("Preview of account %(reference)s", reference=reference)
    preview = Preview(
        note=f"{note}: {words}" if words else note,
        back=back,
        others=(*pages, *_beside([one.reference for one in others], reference)),
    )
    show_as_preview(preview, _leads)
    g.person = None


def _sample(one: Sample) -> str:
    """An account as a person would call it."""
    kinds = {
        (True, True): N_("a small new debt (%(balance)s, %(days)s days old)"),
        (True, False): N_("a small old debt (%(balance)s, %(days)s days old)"),
        (False, True): N_("a large new debt (%(balance)s, %(days)s days old)"),
        (False, False): N_("a large old debt (%(balance)s, %(days)s days old)"),
    }
    balance = (one.facts.balance_cents, one.facts.currency)
    return _(kinds[one.is_small, one.is_new], balance=balance, days=one.days)


def _beside(references: list[str], here: str) -> Iterator[tuple[str, str]]:
    """The way to the sample before and the one after, in a circle."""
    at = references.index(here) if here in references else -1
    if len(references) > 1 or (references and at < 0):
        for step, words in ((-1, _("Sample before")), (1, _("Next sample"))):
            yield _here(account=references[(at + step) % len(references)]), words


def _leads(endpoint: str) -> str | None:
    """Where the link to a debtor's page goes instead."""
    place = endpoint.removeprefix("debtor")
    if not place.startswith(".") and not endpoint.startswith("public."):
        return None
    known = {
        ".plan": _here(page="plan"),
        ".account": _here(page="balance"),
        ".accounts": _here(page="balance"),
    }
    return known.get(place, NOWHERE)


def _still(html: str) -> str:
    """The page with the addresses that it writes itself leading nowhere too."""
    return OWN_ADDRESS.sub(f'href="{NOWHERE}"', html)


def _here(**more: str) -> str:
    given: dict[str, Any] = {name: request.args[name] for name in KEPT if name in request.args}
    return flask.url_for("client.preview", **given | more)
