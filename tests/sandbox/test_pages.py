"""The hosted page and the control board, as a browser without JavaScript sees them."""

import re

import html5lib
import pytest
from werkzeug.test import Client, TestResponse

from portal.gateways.payments import CheckoutMode, GatewayCheckout, IntentStatus
from portal.sandbox.instruments import BANKS, CARDS, by_number
from portal.sandbox.words import LANGUAGES, language, money
from tests.sandbox.asks import charge, open_checkout, paid, pay
from tests.sandbox.checked import BASE_URL, CheckedStripe

JSON = {"Accept": "application/json"}


@pytest.fixture
def browser(stripe: CheckedStripe) -> Client:
    return Client(stripe.sandbox)


def path(checkout: GatewayCheckout) -> str:
    assert checkout.url
    return checkout.url.removeprefix(BASE_URL)


def parsed(response: TestResponse) -> str:
    """The page's text, once it has been parsed strictly."""
    html5lib.HTMLParser(strict=True).parse(response.text)
    assert "script" not in response.text
    assert "style=" not in response.text
    return response.text


def test_the_page_says_what_it_is_and_what_it_asks(
    stripe: CheckedStripe, customer: str, browser: Client
) -> None:
    checkout = open_checkout(stripe, customer, display_name="Cleo <Collections>")
    response = browser.get(path(checkout))
    page = parsed(response)
    assert "No money moves" in page
    assert "Never type a real card number" in page
    assert "Pay USD 120.00" in page
    assert "Cleo &lt;Collections&gt;" in page
    assert 'href="https://pay.example/plan"' in page
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' https://pay.example" in policy
    assert browser.get("/sandbox/sandbox.css").mimetype == "text/css"


@pytest.mark.parametrize(
    ("locale", "lang", "text"),
    [
        ("en", "en", "Pay USD 120.00"),
        ("es-419", "es", "Pagar USD 120.00"),
        ("fr-CA", "fr", "Payer 120,00\N{NO-BREAK SPACE}USD"),
        ("auto", "es", "Pagar"),
    ],
)
def test_the_page_speaks_the_sessions_language(
    stripe: CheckedStripe, customer: str, browser: Client, locale: str, lang: str, text: str
) -> None:
    checkout = open_checkout(stripe, customer, locale=locale)
    page = parsed(browser.get(path(checkout), headers={"Accept-Language": "es-MX,en;q=0.5"}))
    assert f'<html lang="{lang}">' in page
    assert text in page


def test_every_language_has_every_word() -> None:
    assert {frozenset(words) for words in LANGUAGES.values()} == {frozenset(LANGUAGES["en"])}
    assert language(None, "de,fr;q=0.8") == "fr"
    assert language("de", "") == "en"
    assert money(1_234_567_89, "cad", "fr").startswith("1\N{NO-BREAK SPACE}234")


def test_a_button_pays_and_leads_back(
    stripe: CheckedStripe, customer: str, browser: Client
) -> None:
    checkout = open_checkout(stripe, customer)
    response = browser.post(path(checkout), data={"name": "visa"})
    assert response.status_code == 303
    assert response.location == f"https://pay.example/done?checkout={checkout.id}"
    assert stripe.gateway.retrieve_checkout(checkout.id).paid


def test_a_typed_number_pays(stripe: CheckedStripe, customer: str, browser: Client) -> None:
    checkout = open_checkout(stripe, customer)
    response = browser.post(path(checkout), data={"number": "5555 5555-5555 4444"})
    assert response.status_code == 303


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("4000 0000 0000 0002", "Your card was declined."),
        ("4000 0000 0000 9995", "insufficient funds"),
        ("4242 4242 4242 4241", "number is incorrect"),
        ("", "number is incorrect"),
        ("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", "number is incorrect"),
        ("4539 5787 6362 1486", "not a test card"),
    ],
)
def test_a_card_that_does_not_pay_says_why(
    stripe: CheckedStripe, customer: str, browser: Client, number: str, says: str
) -> None:
    checkout = open_checkout(stripe, customer)
    response = browser.post(path(checkout), data={"number": number})
    page = parsed(response)
    assert response.status_code == 422
    assert says in page
    assert 'role="alert"' in page
    assert not number or number not in page, "a number is never shown again"
    everything = str(stripe.sandbox.history) + str(stripe.world.store.newest("payment_method"))
    assert not number or number.replace(" ", "") not in everything, "nor kept"
    assert stripe.gateway.retrieve_checkout(checkout.id).status == "open"


@pytest.mark.parametrize("mode", CheckoutMode)
def test_the_banks_question_is_a_page(
    stripe: CheckedStripe, customer: str, browser: Client, mode: CheckoutMode
) -> None:
    checkout = open_checkout(stripe, customer, mode=mode)
    asked = browser.post(path(checkout), data={"name": "authenticationRequired"})
    assert asked.location == f"{path(checkout)}/authenticate"
    assert "is this you?" in parsed(browser.get(asked.location))
    refused = browser.post(asked.location, data={"passed": "no"})
    assert refused.status_code == 422
    assert "did not confirm" in parsed(refused)
    stale = browser.post(asked.location, data={"passed": "yes"})
    assert stale.location == path(checkout)
    browser.post(path(checkout), data={"name": "authenticationRequired"})
    passed = browser.post(asked.location, data={"passed": "yes"})
    assert passed.location.startswith("https://pay.example/done")


def test_a_page_is_completed_once(stripe: CheckedStripe, customer: str, browser: Client) -> None:
    checkout = open_checkout(stripe, customer)
    for _ in range(2):
        response = browser.post(path(checkout), data={"name": "visa"})
    assert "already been completed" in parsed(response)
    assert f"https://pay.example/done?checkout={checkout.id}" in response.text
    assert len(stripe.sandbox.things("charge")) == 1


def test_an_expired_page_leads_back(stripe: CheckedStripe, customer: str, browser: Client) -> None:
    checkout = open_checkout(stripe, customer)
    stripe.clock.advance(hours=2)
    response = browser.post(path(checkout), data={"name": "visa"})
    assert "has expired" in parsed(response)
    assert 'href="https://pay.example/plan"' in response.text
    assert not stripe.sandbox.things("charge")


def test_an_unknown_page_is_not_found(browser: Client) -> None:
    assert browser.get("/c/pay/cs_test_nothing").status_code == 404
    assert browser.get("/c/pay/cs_test_nothing/authenticate").status_code == 404
    assert browser.get("/elsewhere").status_code == 404
    assert browser.put("/sandbox").status_code == 405


def test_saving_offers_no_amount(stripe: CheckedStripe, customer: str, browser: Client) -> None:
    checkout = open_checkout(stripe, customer, mode=CheckoutMode.SAVE)
    page = parsed(browser.get(path(checkout)))
    assert "Save a payment method" in page
    assert "USD" not in page


def test_a_first_payment_says_that_the_method_is_saved(
    stripe: CheckedStripe, customer: str, browser: Client
) -> None:
    checkout = open_checkout(stripe, customer, mode=CheckoutMode.PAY_AND_SAVE)
    assert "saved for later" in parsed(browser.get(path(checkout)))


def test_every_test_card_is_a_possible_number() -> None:
    for card in CARDS:
        assert by_number(card.number) == card
    assert len({bank.name for bank in BANKS}) == len(BANKS)


def test_the_board_lists_payments_and_acts_on_them(
    stripe: CheckedStripe, customer: str, browser: Client
) -> None:
    assert "Nobody has tried" in parsed(browser.get("/sandbox"))
    done = charge(stripe, customer, "pm_card_visa")
    debit = paid(stripe, customer, "bank_success")
    page = parsed(browser.get("/sandbox"))
    assert done.id in page
    assert "Debit arrives" in page
    response = browser.post("/sandbox/refund", data={"payment": done.id, "amount": "1000"})
    assert (response.status_code, response.location) == (303, "/sandbox")
    browser.post("/sandbox/debit", data={"payment": debit.id, "failure": "account_closed"})
    browser.post("/sandbox/dispute", data={"payment": done.id, "inquiry": "true"})
    assert stripe.gateway.retrieve_payment(done.id).refunded_cents == 1000
    failed = stripe.gateway.retrieve_payment(debit.id)
    assert failed.status is IntentStatus.REQUIRES_PAYMENT_METHOD
    assert "warning_needs_response" in parsed(browser.get("/sandbox"))


def test_the_board_answers_programs_in_json(
    stripe: CheckedStripe, customer: str, browser: Client
) -> None:
    checkout = open_checkout(stripe, customer)

    def act(action: str, **data: str) -> dict[str, object]:
        response = browser.post(f"/sandbox/{action}", data=data, headers=JSON)
        assert response.status_code == 200, response.text
        return dict(response.json)  # type: ignore[arg-type]

    assert act("pay", checkout=checkout.id, name="pendingRefund") == {"step": "done", "error": None}
    (payment,) = browser.get("/sandbox/payments.json").json  # type: ignore[misc]
    refund = act("refund", payment=payment["id"])
    assert act("refund/finish", refund=str(refund["id"]))["status"] == "succeeded"
    assert act("refund/finish", refund=str(refund["id"]), failed="true")["status"] == "failed"
    dispute = act("dispute", payment=payment["id"], inquiry="true", amount="500")
    assert act("dispute/escalate", dispute=str(dispute["id"]))["status"] == "needs_response"
    assert act("dispute/close", dispute=str(dispute["id"]), won="true")["status"] == "won"
    switches = act("switches", drop="0.5", reorder="true", late_s="60")
    assert (switches["drop"], switches["reorder"], switches["late_s"]) == (0.5, True, 60)
    assert browser.get("/sandbox/deliveries.json").json
    assert browser.get("/sandbox/history.json").json
    assert browser.get("/sandbox/events.json").json


def test_a_planned_fault_is_shown_and_strikes(
    stripe: CheckedStripe, customer: str, browser: Client
) -> None:
    browser.post("/sandbox/faults", data={"fault": "rate_limited", "times": "2", "path": "/v1/"})
    assert "2 × rate_limited" in parsed(browser.get("/sandbox"))


@pytest.mark.parametrize(
    ("action", "data", "status"),
    [
        ("refund", {"payment": "pi_nothing"}, 404),
        ("refund", {}, 400),
        ("dream", {}, 400),
        ("faults", {"fault": "boredom"}, 400),
        ("switches", {"drop": "often"}, 400),
        ("switches", {"drop": "nan"}, 400),
        ("switches", {"late": "1.5"}, 400),
        ("switches", {"late_s": "-1"}, 400),
        ("faults", {"fault": "rate_limited", "times": "many"}, 400),
        ("refund", {"payment": "PAID", "amount": "5.00"}, 400),
        ("debit", {"payment": "PAID"}, 400),
        ("debit", {"payment": "PAID", "failure": "mood"}, 400),
        ("pay", {"checkout": "cs_test_nothing", "name": "visa"}, 404),
    ],
)
def test_the_board_says_what_it_cannot_do(
    stripe: CheckedStripe,
    customer: str,
    browser: Client,
    action: str,
    data: dict[str, str],
    status: int,
) -> None:
    done = charge(stripe, customer, "pm_card_visa")
    given = {name: done.id if value == "PAID" else value for name, value in data.items()}
    response = browser.post(f"/sandbox/{action}", data=given, headers=JSON)
    assert response.status_code == status
    assert response.json
    assert response.json["error"]["message"]
    person = browser.post(f"/sandbox/{action}", data=given)
    assert person.status_code == status


def test_the_board_listens_to_its_own_page_only(
    stripe: CheckedStripe, customer: str, browser: Client
) -> None:
    done = charge(stripe, customer, "pm_card_visa")
    evil = {"Origin": "https://evil.example"}
    response = browser.post("/sandbox/refund", data={"payment": done.id}, headers=evil)
    assert response.status_code == 403
    assert stripe.gateway.retrieve_payment(done.id).refunded_cents == 0


def test_a_too_large_form_is_refused(stripe: CheckedStripe, browser: Client) -> None:
    response = browser.post("/c/pay/cs_test_x", data={"number": "4" * 2_000_000})
    assert response.status_code in (404, 413)


def test_no_page_of_a_bank_is_offered_where_it_cannot_be_used(
    stripe: CheckedStripe, customer: str, browser: Client
) -> None:
    usd = browser.get(path(open_checkout(stripe, customer))).text
    cad = browser.get(path(open_checkout(stripe, customer, currency="CAD"))).text
    assert "Bank account" in usd
    assert "Bank account" not in cad


def test_offered_buttons_are_known_names(
    stripe: CheckedStripe, customer: str, browser: Client
) -> None:
    page = browser.get(path(open_checkout(stripe, customer))).text
    names = re.findall(r'<button name="name" value="(\w+)">', page)
    assert len(names) == 10
    for name in names:
        assert pay(stripe, customer, name).intent_id
