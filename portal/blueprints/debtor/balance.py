"""What is owed and why, and everything that can be done about it: the balance is the menu."""

from collections.abc import Iterator
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import request
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.common import help_path, pick, set_clock, show, shown_account
from portal.blueprints.debtor.words import LINES, money
from portal.domain.debts import ITEMIZED_ON
from portal.domain.money import Cents
from portal.domain.offers import Offer
from portal.domain.statuses import AccountStatus, PaymentStatus, ProposalStatus
from portal.domain.terms import Choice, Kind
from portal.security import audience, current_visit
from portal.services.balance import BESIDE, Balance
from portal.services.debtor_accounts import list_accounts
from portal.web import gettext as _
from portal.web import now, render, say, see_other, session, url_for

MOVING = (PaymentStatus.ATTEMPTING, PaymentStatus.PROCESSING)
RESTED = "rested"
"""In the address: what has just happened is that a rest was ended."""
DONE = (AccountStatus.PAID, AccountStatus.SETTLED)

Link = tuple[str, str, str]


@bp.get("/accounts")
@audience("debtor")
def accounts() -> ResponseReturnValue:
    """The debtor's accounts, handled one at a time."""
    listed = list_accounts(session, current_visit(), now=now())
    if len(listed) == 1:
        return see_other(url_for(".account", account_id=listed[0].id))
    set_clock()
    return render("debtor/accounts.html", accounts=listed)


@bp.get("/account/<uuid:account_id>")
@audience("debtor", beside=BESIDE)
def account(account_id: UUID) -> ResponseReturnValue:
    """One account: what is owed, how it was worked out, and what can be done."""
    view, note = shown_account(account_id), None
    if request.args.get("done") == RESTED:
        note = _("Everything rests.") if view.rests else _("Done. The rest has ended.")
    return balance_page(view, note=note)


def balance_page(view: Balance, *, note: str | None = None) -> str:
    """The balance; ``note`` says above it why the person is here again."""
    settled = view.account.status in DONE or view.account.balance_cents <= 0
    template = "debtor/nothing_owed.html" if settled else "debtor/balance.html"
    return show(
        template,
        view,
        note=note,
        placed=placed_lines(view),
        since=since_lines(view),
        menu=[*_menu(view)] if not settled else [],
        moving=view.attempt if view.attempt and view.attempt.status in MOVING else None,
        answered=_answered(view),
        held=not view.offers.capabilities.accept.allowed,
        reasons=[reason for reason in _reasons(view) if say(reason) != note],
    )


def _reasons(view: Balance) -> list[str]:
    """Why something is not open now, each reason once."""
    allowed = view.offers.capabilities
    verdicts = (allowed.accept, allowed.pay, allowed.charge, allowed.send)
    found = (reason.message for verdict in verdicts for reason in verdict.reasons)
    return list(dict.fromkeys(found))


def placed_lines(view: Balance) -> list[tuple[str, Cents]]:
    """The itemization as it was placed, which sums (VN-01, VN-02); zero is printed as zero."""
    account = view.account
    day = view.account.itemization_on
    first = _(ITEMIZED_ON[account.itemization_kind], day=day)
    return [
        (first, account.itemization_cents),
        (_("Interest since"), account.interest_cents),
        (_("Fees since"), account.fees_cents),
        (_("Paid since"), Cents(-account.payments_cents)),
        (_("Credits since"), Cents(-account.credits_cents)),
    ]


def since_lines(view: Balance) -> list[tuple[str, Cents]]:
    """What came after the account was placed with us, line by line."""
    creditor, zone = view.account.current_creditor, ZoneInfo(view.zone)
    return [
        (
            _(
                "%(what)s, %(day)s",
                what=_(LINES[line.kind], creditor=creditor),
                day=line.at.astimezone(zone).date(),
            ),
            line.amount_cents,
        )
        for line in view.lines
    ]


def _menu(view: Balance) -> Iterator[Link]:
    here = {"account_id": str(view.account.id)}
    if view.live is not None:
        title = _("My plan") if view.live.kind == Kind.PLAN else _("My agreement")
        yield (url_for("debtor.arrangement", **here), title, _("Dates, payments and changes"))
    elif view.offers.capabilities.accept.allowed:
        best = cheapest(view)
        for offer in view.offers.offers:
            yield from _offer(view, offer, here, best)
        if best is not None:
            yield (
                url_for("debtor.settle", **here),
                _("Close the account in parts, or for another amount"),
                _("You choose. We tell you what we can agree to."),
            )
    if view.offers.capabilities.pay.allowed and view.live is None:
        yield (url_for("debtor.part", **here), _("Pay part of it today"), _("Any amount helps."))
    if view.offers.capabilities.pay.allowed:
        yield (
            url_for("debtor.someone_else", **here),
            _("Someone else will pay"),
            _("They see an amount and a reference, nothing else."),
        )
    yield (
        help_path(view),
        _("I need help or this is not right"),
        _("Money worries, health, a mistake, or a debt that is not yours"),
    )


def _offer(view: Balance, offer: Offer, here: dict[str, str], best: Offer | None) -> Iterator[Link]:
    if offer.kind is Kind.PLAN:
        detail = _("From %(amount)s at a time.", amount=(offer.from_cents, offer.currency))
        yield (url_for("debtor.plan", **here), _("Pay a bit each month"), detail)
    elif offer.kind is Kind.FULL:
        to = _review(view, offer, here)
        yield (to, _("Pay it all today"), money(offer.total_cents, offer.currency))
    elif offer is best:
        total = (offer.total_cents, offer.currency)
        title = _("Pay %(total)s to close the account", total=total)
        yield (_review(view, offer, here), title, _saved(offer))


def cheapest(view: Balance) -> Offer | None:
    """The settlement with the lowest total, which can be paid at once."""
    offered = [offer for offer in view.offers.offers if offer.kind is Kind.SETTLEMENT]
    return min(offered, key=lambda offer: (offer.total_cents, offer.key), default=None)


def _saved(offer: Offer) -> str:
    saved = (offer.saved_cents, offer.currency)
    if offer.valid_until is None:
        return _("You save %(saved)s.", saved=saved)
    return _(
        "You save %(saved)s. You can choose this until %(day)s.", saved=saved, day=offer.valid_until
    )


def _review(view: Balance, offer: Offer, here: dict[str, str]) -> str:
    choice = Choice(key=offer.key, first_on=view.today, valid_until=offer.valid_until)
    return url_for("debtor.review", **here, c=pick(view, choice, offer.policy_version))


def _answered(view: Balance) -> bool:
    waiting = (ProposalStatus.ACCEPTED, ProposalStatus.COUNTERED)
    return view.proposal is not None and view.proposal.status in waiting
