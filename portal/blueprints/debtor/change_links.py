"""Which changes of a plan work right now, as its page lists them, each with its last moment."""

from collections.abc import Iterator
from dataclasses import dataclass

from portal.blueprints.debtor.agreement_words import named
from portal.blueprints.debtor.change_documents import cut_off
from portal.domain import N_
from portal.domain.amendments import Change, Running
from portal.services.agreements import AgreementPage
from portal.services.balance import Balance
from portal.services.running import possible
from portal.services.running_pages import running_page
from portal.web import gettext as _
from portal.web import locale, url_for

LINKS = {
    Change.SHORTENED: (".extra", N_("Pay extra")),
    Change.MOVED: (".move", N_("Move a payment to another day")),
    Change.SKIPPED: (".skip", N_("Skip a payment")),
    Change.PAUSED: (".pause", N_("Let the plan rest once")),
    Change.REPLANNED: (".pace", N_("Change how much or how often I pay")),
}
"""Where each change begins, in the order of the page."""


DATED = ("/move", "/skip", "/pause", "/pace")
"""The changes that a payment's own day ends."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes that work now as (address, words); ``until``: how long, in a sentence."""

    links: tuple[tuple[str, str], ...]
    until: str | None = None


def changes_of(view: Balance, agreed: AgreementPage) -> Changes:
    """What the page of a plan lists: nothing that a payment on its way or a hold forbids."""
    plan = running_page(view, agreed)
    if plan is None:
        return Changes(())
    links = tuple(_links(view, agreed, plan))
    dated = any(to in address for address, _words in links for to in DATED)
    return Changes(links, _until(view, plan) if dated else None)


def _links(view: Balance, agreed: AgreementPage, plan: Running) -> Iterator[tuple[str, str]]:
    allowed, account_id = view.offers.capabilities, view.account.id
    moving = any(paid.status != "succeeded" for paid in agreed.payments)
    found = possible(plan, view.offers.facts) if allowed.accept.allowed and not moving else set()
    if allowed.pay.allowed and not moving and len(plan.parts) > 1 and not agreed.waiting:
        yield url_for("debtor.pay_off", account_id=account_id), _("Pay all that is left")
    for change, (to, words) in LINKS.items():
        if change in found and (change is not Change.SHORTENED or allowed.pay.allowed):
            yield url_for(f"debtor{to}", account_id=account_id), _(named(words, agreed.terms.kind))
    if not moving and not agreed.waiting:
        yield url_for("debtor.end", account_id=account_id), _("End this agreement")


def _until(view: Balance, plan: Running) -> str:
    due_on = plan.open[0][0]
    at = cut_off(plan, due_on, view.zone, locale())
    return _("You can change your payment of %(day)s until %(at)s.", day=due_on, at=at)
