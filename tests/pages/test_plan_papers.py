"""PY-07, PY-12: receipts, what was not taken, and the letter that nothing is owed."""

import re
from datetime import timedelta
from io import BytesIO

import pypdfium2
import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select

from portal.db import PortalSession
from portal.domain.statuses import MessageStatus
from portal.models import Arrangement, Authorization, Installment, Message, Payment
from portal.services import charging
from tests.factories import TODAY
from tests.pages.agreeing import accept, choose_plan, newest, path, pay_at_stripe, review
from tests.pages.debtors import Dana
from tests.pages.reading import heard
from tests.sandbox.checked import CheckedStripe


def test_py_12_who_paid_all_reads_and_prints_the_letter(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    """TX-04: settled is not called paid in full."""
    assert http.get(f"{path(dana)}/letter").status_code == 404
    accept(http, dana, review(http, dana, "Pay $868.00"))
    http.get(pay_at_stripe(session, stripe))
    for page in (path(dana), f"{path(dana)}/arrangement"):
        assert f'href="{path(dana)}/letter"' in http.get(page).get_data(as_text=True)
    letter = heard(http.get(f"{path(dana)}/letter"))
    for needed in (
        *("Dana Reyes", "Northgate Energy LLC", dana.account.reference, "4 Elm Street"),
        "You paid $868.00 in all, as we agreed.",
        "This account is settled for less than the full amount.",
        "You do not have to pay the other $372.00.",
        "You owe nothing more on it, and nothing more is taken.",
        newest(session, Arrangement).reference,
    ):
        assert needed in letter
    assert "paid in full" not in letter


def test_py_12_the_receipt_shows_what_comes_next(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    accept(http, dana, choose_plan(http, dana, method="manual"))
    http.get(pay_at_stripe(session, stripe))
    receipt = heard(http.get(f"/payment/{newest(session, Payment).id}/receipt"))
    for needed in ("Creditor", "Northgate Energy", "ending 4242", "What comes next"):
        assert needed in receipt
    agreed = newest(session, Arrangement)
    assert receipt.count("$104.00") == 11  # the payment, and ten of the eleven parts that are left
    assert agreed.reference in receipt


def test_py_07_the_plan_says_calmly_what_was_not_taken(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    accept(http, dana, choose_plan(http, dana), permission="y")
    http.get(pay_at_stripe(session, stripe))
    agreed, permission = newest(session, Arrangement), newest(session, Authorization)
    copy = session.get_one(Message, (dana.client.id, permission.copy_message_id))
    copy.status, copy.sent_at = MessageStatus.SENT, stripe.clock.now
    second = session.scalars(
        select(Installment).where(Installment.arrangement_id == agreed.id, Installment.n == 2)
    ).one()
    second.due_on = TODAY - timedelta(days=1)
    agreed.accepted_at -= timedelta(days=40)
    permission.granted_at -= timedelta(days=40)
    session.flush()
    now = stripe.clock.now
    assert charging.charge_installment(session, stripe.gateway, second.id, now=now) is None
    words = heard(http.get(f"{path(dana)}/arrangement"))
    assert "We did not take it, because our note about it did not reach you in time." in words
    assert "We take it then" not in words
    assert "Pay $104.00 now" in words


AMOUNT = re.compile(r"\$\s?[\d,.\u202f]*\d|\d[\d\s\u202f]*(?:,\d\d)?\s\$")


def pdf_words(body: bytes) -> str:
    """The words of a PDF that can be selected, in their order."""
    pages = pypdfium2.PdfDocument(body)
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in pages).split())


def amounts(words: str) -> list[str]:
    return [" ".join(found.split()) for found in AMOUNT.findall(words)]


def agreed_and_paid(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    accept(http, dana, choose_plan(http, dana), permission="y")
    http.get(pay_at_stripe(session, stripe))


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_py_12_what_a_debtor_keeps_as_a_pdf_says_what_its_page_says(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, language: str
) -> None:
    """AX-01: the words of each can be selected, and it names its language."""
    agreed_and_paid(http, session, dana, stripe)
    receipt = f"/payment/{newest(session, Payment).id}/receipt"
    for page in (receipt, f"{path(dana)}/authorization", f"{path(dana)}/agreement"):
        shown = heard(http.get(f"{page}?lang={language}"))
        saved = http.get(f"{page}.pdf?lang={language}")
        assert saved.mimetype == "application/pdf"
        spoken = "en" if page.endswith("agreement") else language
        assert PdfReader(BytesIO(saved.data)).trailer["/Root"]["/Lang"][:2] == spoken, page
        words = pdf_words(saved.data)
        assert amounts(words) == amounts(shown)[-len(amounts(words)) :] != [], page
        assert "Save as a PDF" not in words
    assert f'href="{receipt}.pdf"' in http.get(receipt).get_data(as_text=True)


def test_py_12_the_letter_that_nothing_is_owed_is_a_pdf_too(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    accept(http, dana, review(http, dana, "Pay $868.00"))
    assert http.get(f"{path(dana)}/letter.pdf").status_code == 404
    http.get(pay_at_stripe(session, stripe))
    words = pdf_words(http.get(f"{path(dana)}/letter.pdf").data)
    assert (
        amounts(words) == amounts(heard(http.get(f"{path(dana)}/letter"))) == ["$868.00", "$372.00"]
    )


def test_nobody_saves_the_papers_of_somebody_else(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    agreed_and_paid(http, session, dana, stripe)
    other = f"/account/{newest(session, Payment).id}"
    for page in (f"{other}/agreement.pdf", f"{other}/authorization.pdf", f"{other}/letter.pdf"):
        assert http.get(page).status_code == 404, page
    assert http.get(f"/payment/{dana.account.id}/receipt.pdf").status_code == 404
