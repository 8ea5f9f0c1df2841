"""The sandbox as the demo runs it: real HTTP, a file, webhooks by themselves."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import requests

from portal.domain.money import Cents
from portal.gateways.payments import (
    CheckoutMode,
    CheckoutOrder,
    GatewayUnavailable,
    IntentStatus,
    OffSessionCharge,
)
from portal.gateways.stripe import StripeGateway
from portal.sandbox.faults import Fault
from portal.sandbox.server import Server, start
from portal.sandbox.world import Delays
from tests.sandbox.contract import the_contract

SECRET = "whsec_demo"


class Hook(BaseHTTPRequestHandler):
    """Takes webhooks, the first one not before its second try."""

    received: ClassVar[list[tuple[bytes, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((body, self.headers["Stripe-Signature"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def hook() -> Iterator[str]:
    Hook.received.clear()
    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhooks/stripe"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with hook() as url:
        running = start(
            path=str(tmp_path / "stripe.sqlite"),
            webhook_url=url,
            secrets=[SECRET],
            delays=Delays(debit_s=0),
        )
        yield running
        running.stop()


def gateway(url: str) -> StripeGateway:
    return StripeGateway("sk_test_demo", api_base=url, checkout_origins=[url], timeout_s=(2, 5))


def order(customer: str) -> CheckoutOrder:
    return CheckoutOrder(
        mode=CheckoutMode.PAY_AND_SAVE,
        customer_id=customer,
        currency="USD",
        product_name="Payment",
        success_url="http://127.0.0.1/done?checkout={CHECKOUT_SESSION_ID}",
        cancel_url="http://127.0.0.1/plan",
        locale="en",
        expires_at=datetime.now(UTC) + timedelta(hours=1),
        metadata={"payment": "p1"},
        amount_cents=Cents(75_00),
    )


def until(condition: object, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def test_a_payment_goes_through_over_http(server: Server) -> None:
    stripe = gateway(server.url)
    customer = stripe.create_customer(metadata={}, idempotency_key="c")
    checkout = stripe.create_checkout(order(customer), idempotency_key="k")
    assert checkout.url
    assert "No money moves" in requests.get(checkout.url, timeout=5).text
    done = requests.post(
        checkout.url, data={"name": "bank_success"}, timeout=5, allow_redirects=False
    )
    assert (done.status_code, done.headers["Location"].count(checkout.id)) == (303, 1)
    until(lambda: stripe.retrieve_checkout(checkout.id).paid)
    until(lambda: b"async_payment_succeeded" in b"".join(body for body, _ in Hook.received))
    for body, signature in Hook.received:
        the_contract().event(json.loads(body))
        stripe.verify_webhook(
            body, signature=signature, secrets=["whsec_new", SECRET], now=datetime.now(UTC)
        )


def test_a_cut_connection_is_asked_again_over_http(server: Server) -> None:
    stripe = gateway(server.url)
    customer = stripe.create_customer(metadata={}, idempotency_key="c")
    server.sandbox.fail_next(Fault.DROP_AFTER, method="POST")
    charge = OffSessionCharge(customer, "pm_card_visa", Cents(10_00), "USD", {})
    payment = stripe.charge_off_session(charge, idempotency_key="k")
    assert payment.status is IntentStatus.SUCCEEDED
    assert len(server.sandbox.things("charge")) == 1


def test_one_key_in_eight_hands_charges_once(server: Server) -> None:
    customer = gateway(server.url).create_customer(metadata={}, idempotency_key="c")
    charge = OffSessionCharge(customer, "pm_card_visa", Cents(10_00), "USD", {})
    gate = threading.Barrier(8)

    def ask(_: int) -> str:
        gate.wait()
        return gateway(server.url).charge_off_session(charge, idempotency_key="k").id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(ask, range(8)))
    assert len(ids) == len(server.sandbox.things("charge")) == 1


def test_nobody_at_the_address_is_unknown() -> None:
    stripe = StripeGateway(
        "sk_test_demo", api_base="http://127.0.0.1:9", timeout_s=(1, 1), max_network_retries=0
    )
    with pytest.raises(GatewayUnavailable):
        stripe.retrieve_payment("pi_1")


def test_the_program_keeps_its_state_in_a_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "portal.sandbox", "--port", "0"]
    command += ["--db", str(tmp_path / "stripe.sqlite")]
    customers = []
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            stripe = gateway(process.stdout.readline().strip())
            customers.append(stripe.create_customer(metadata={}, idempotency_key="c"))
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
    assert customers[0] == customers[1], "the key and its answer outlived the program"
