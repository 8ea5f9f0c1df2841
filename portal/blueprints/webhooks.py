"""What Stripe tells us by itself: verify the raw bytes, keep them, answer."""

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from portal.db import commit
from portal.gateways.payments import WebhookRefused
from portal.runtime import Runtime
from portal.security import audience
from portal.services import inbox
from portal.web import now, session

bp = Blueprint("webhooks", __name__)


@bp.post("/stripe/webhook")
@audience("anyone", forms=False)
def stripe() -> ResponseReturnValue:
    """Keep one signed event; 200 only once it is stored, else Stripe sends it again."""
    runtime: Runtime = current_app.extensions["portal"]
    body = request.get_data()
    try:
        event = runtime.stripe.verify_webhook(
            body,
            signature=request.headers.get("Stripe-Signature"),
            secrets=runtime.settings.stripe_webhook_secrets,
            now=now(),
        )
    except WebhookRefused as refused:
        return f"{refused}\n", 400, {"Content-Type": "text/plain; charset=utf-8"}
    inbox.receive(session, event, body, now=now())
    commit(session, "event.received")
    return "", 200
