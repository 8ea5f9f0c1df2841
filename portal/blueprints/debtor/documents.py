"""The exact texts of a review: made from the terms, the same each time, hashed and kept."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from portal import __version__, i18n, templating
from portal.blueprints.debtor.common import collector
from portal.blueprints.debtor.words import moves, pace, schedule_lines
from portal.domain.debts import Country
from portal.domain.disclosures import AGREEMENT_HEADING, CARD_DISCLOSURE, review_documents
from portal.domain.terms import Kind, Terms
from portal.rules.disclosures import Block, BlockKind, LegalText, Value, legal_text
from portal.services.balance import Balance
from portal.services.choices import Draft
from portal.services.reviews import ShownDocument
from portal.web import url_for

AUTHORIZATION = "authorization"


def texts(view: Balance, drafted: Draft, locale: str) -> tuple[LegalText, ...]:
    """The texts of law of a review, in reading order (PY-03, PY-04, PY-05, TX-01, TX-02)."""
    ids = review_documents(
        str(drafted.terms.kind),
        country=Country(view.debtor.country),
        automatic=drafted.automatic,
        expiring=drafted.terms.valid_until is not None,
    )
    values = text_values(view) | terms_values(drafted.terms, locale)
    return tuple(legal_text(doc_id, locale, version=None, **values) for doc_id in ids)


def card_text(view: Balance, locale: str) -> LegalText:
    """What stands before every card (PY-04)."""
    return legal_text(CARD_DISCLOSURE, locale, version=None, **text_values(view))


def shown_documents(
    view: Balance, drafted: Draft, c: str, *, locale: str, tick: str
) -> tuple[ShownDocument, ...]:
    """Everything that the review page says, as bytes: the page's own part, then each text."""
    laws = texts(view, drafted, locale)
    page = fragment(view, drafted, c, locale=locale).encode()
    return (
        ShownDocument("review", __version__, locale, "text/html", page),
        *(_shown(text, tick if text.doc_id == AUTHORIZATION else None) for text in laws),
        *(_shown(line, None) for line in [collector(view, locale)] if line is not None),
    )


def fragment(view: Balance, drafted: Draft, c: str, *, locale: str) -> str:
    """The page's own part of a review: every date and amount, and the ways to change them."""
    return templating.render(
        locale,
        "documents/review.html",
        account=view.account,
        terms=drafted.terms,
        moves=moves(drafted.published.policy) if drafted.terms.moved else None,
        rows=[*_rows(view, drafted, _change_url(view, drafted, c), locale)],
    )


def agreement(
    view: Balance, drafted: Draft, *, reference: str, locale: str, now: datetime
) -> ShownDocument:
    """The agreement as the debtor keeps it: a whole page, which needs nothing else to be read."""
    said = i18n.voice(locale)
    values = text_values(view) | {
        "agreement_reference": reference,
        "agreed_at": said.datetime(now, view.zone),
    }
    heading = legal_text(AGREEMENT_HEADING, locale, version=None, **values)
    page = templating.render(
        locale,
        "documents/agreement.html",
        account=view.account,
        client=view.client,
        terms=drafted.terms,
        pace=pace(drafted.terms, locale),
        lines=schedule_lines(drafted.terms, locale),
        heading=heading,
        texts=texts(view, drafted, locale),
        collector=collector(view, locale),
    )
    return ShownDocument("agreement", __version__, locale, "text/html", page.encode())


def _shown(text: LegalText, label: str | None) -> ShownDocument:
    body = text.text.encode()
    return ShownDocument(text.doc_id, text.version, text.locale, "text/plain", body, label)


def text_values(view: Balance) -> dict[str, Value]:
    """What texts of law say of an account, its client and its debtor."""
    account, client, debtor = view.account, view.client, view.debtor
    return {
        "company": client.trade_name,
        "creditor": account.current_creditor,
        "original_creditor": account.original_creditor,
        "reference": account.reference,
        "payer_name": f"{debtor.first_name} {debtor.last_name}",
        "phone": client.phone,
        "address": client.street_address,
        "currency": account.currency,
    }


def terms_values(terms: Terms, locale: str) -> dict[str, Value]:
    """What texts of law say of terms."""
    said = i18n.voice(locale)
    values: dict[str, Value] = {
        "total": said.money(terms.total_cents, terms.currency),
        "balance": said.money(terms.balance_cents, terms.currency),
        "saved": said.money(terms.saved_cents, terms.currency),
        "schedule": schedule_lines(terms, locale),
        "first_on": said.date(terms.first_on),
        "last_on": said.date(terms.last_on),
    }
    if terms.valid_until is not None:
        values["expires_on"] = said.date(terms.valid_until)
    return values


def _rows(
    view: Balance, drafted: Draft, change: str, locale: str
) -> Iterator[tuple[str, str, str]]:
    """(what, how much, where to change it) of a review."""
    terms, said = drafted.terms, i18n.voice(locale)
    yield said.gettext("You pay"), pace(terms, locale), change
    first = said.gettext("Today") if terms.first_on <= drafted.today else said.date(terms.first_on)
    if len(terms.schedule) > 1:
        yield said.gettext("First payment"), first, change
        yield said.gettext("Last payment"), said.date(terms.last_on), ""
    else:
        yield said.gettext("When"), first, change
    yield said.gettext("Total you pay"), said.money(terms.total_cents, terms.currency), ""
    if terms.saved_cents:
        yield said.gettext("You save"), said.money(terms.saved_cents, terms.currency), ""
    yield said.gettext("To"), view.client.trade_name, ""
    yield said.gettext("For"), f"{view.account.current_creditor}, {view.account.reference}", ""
    if drafted.automatic:
        yield said.gettext("How"), said.gettext("We take each payment automatically"), change
    elif len(terms.schedule) > 1:
        yield said.gettext("How"), said.gettext("You make each payment yourself"), change


def _change_url(view: Balance, drafted: Draft, c: str) -> str:
    here: dict[str, Any] = {"account_id": view.account.id}
    if drafted.proposal is not None:
        return ""
    if drafted.terms.kind is Kind.PLAN:
        return url_for("debtor.plan", **here, c=c)
    if drafted.terms.kind is Kind.SETTLEMENT:
        return url_for("debtor.settle", **here, c=c)
    return url_for("debtor.account", **here)


def stored_blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a stored text of law, as it was shown."""
    return tuple(_stored(line) for line in text.splitlines() if line)


def _stored(line: str) -> Block:
    if line.startswith("# "):
        return Block(BlockKind.HEADING, line[2:])
    if line.startswith("- "):
        return Block(BlockKind.ITEM, line[2:])
    return Block(BlockKind.PARAGRAPH, line)
