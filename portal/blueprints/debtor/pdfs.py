"""Receipts, agreements and letters as PDFs to keep, with the words of their pages."""

import logging
from uuid import UUID

from flask import Response, abort
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.arrangement import kept_agreement, permission_page
from portal.blueprints.debtor.paying import receipt_page
from portal.blueprints.debtor.satisfied import satisfied_page
from portal.gateways.typesetting import NotTypeset
from portal.security import audience
from portal.web import locale, now, session

log = logging.getLogger(__name__)


@bp.get("/payment/<uuid:payment_id>/receipt.pdf")
@audience("debtor")
def receipt_pdf(payment_id: UUID) -> ResponseReturnValue:
    """The receipt of a payment that arrived (PY-12)."""
    return _saved(receipt_page(payment_id, paper=True), locale(), "receipt.pdf")


@bp.get("/account/<uuid:account_id>/agreement.pdf")
@audience("debtor")
def agreement_pdf(account_id: UUID) -> ResponseReturnValue:
    """The agreement in the language in which it was made, from the text that was kept (PY-12)."""
    _view, agreed, text = kept_agreement(account_id)
    return _saved(text, agreed.locale, f"{agreed.reference}.pdf")


@bp.get("/account/<uuid:account_id>/authorization.pdf")
@audience("debtor")
def authorization_pdf(account_id: UUID) -> ResponseReturnValue:
    """The permission to charge later (PY-05)."""
    return _saved(permission_page(account_id, paper=True), locale(), "authorization.pdf")


@bp.get("/account/<uuid:account_id>/letter.pdf")
@audience("debtor")
def satisfied_pdf(account_id: UUID) -> ResponseReturnValue:
    """The letter that nothing is owed any more (PY-12)."""
    return _saved(satisfied_page(account_id, paper=True), locale(), "letter.pdf")


def _saved(page: str, language: str, name: str) -> Response:
    """A page as a file to keep; nothing is read any more while it is set."""
    from portal.lettering import set_page  # noqa: PLC0415 - only who saves one pays for it

    session.rollback()
    try:
        body = set_page(page, language, made_at=now())
    except NotTypeset:
        log.exception("no PDF of a page")
        abort(503)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, mimetype="application/pdf", headers=headers)
