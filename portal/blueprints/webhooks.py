"""What others tell us by themselves: Stripe its events, carriers what debtors answer to texts."""

import hmac
from html import escape

from flask import Blueprint, abort, current_app, request
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.config import Settings
from portal.db import commit
from portal.domain.wording import clean_text
from portal.gateways.payments import WebhookRefused
from portal.gateways.sms import signed_by_twilio
from portal.rules.phones import parse_phone
from portal.runtime import Runtime
from portal.security import audience
from portal.services import inbox
from portal.services.answered_texts import Answer, clients_of, take_text
from portal.services.kept_texts import keep_text
from portal.services.text_answers import keep_answer
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


@bp.post("/texts/twilio")
@audience("anyone", forms=False)
def twilio_text() -> ResponseReturnValue:
    """A text that a debtor sent to our number at Twilio; the answer goes back in its markup."""
    settings = _settings()
    form = request.form.to_dict()
    url = f"{settings.base_url}{request.full_path.rstrip('?')}"
    signature = request.headers.get("X-Twilio-Signature")
    token = settings.twilio_auth_token
    if token is None or not signed_by_twilio(url, form, signature, token):
        abort(403)
    answer = _answered(form.get("From", ""), form.get("Body", ""))
    said = f"<Message>{escape(answer, quote=False)}</Message>" if answer else ""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Response>{said}</Response>'
    return body, 200, {"Content-Type": "text/xml; charset=utf-8"}


@bp.post("/texts/inbound")
@audience("anyone", forms=False)
def inbound_text() -> ResponseReturnValue:
    """The same from another carrier: ``{"from", "text"}``, answered by ``{"reply"}``."""
    token = _settings().sms_inbound_token
    given = request.headers.get("Authorization", "")
    if token is None or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        abort(403)
    told = request.get_json()
    if not isinstance(told, dict) or not all(
        isinstance(told.get(name), str) for name in ("from", "text")
    ):
        abort(422)
    return {"reply": _answered(told["from"], told["text"])}


def _answered(sender: str, body: str) -> str | None:
    """Take the text for every client it may be for; what goes back, in the debtor's language.

    A number that nobody knows gets no answer, and none has one too often.
    """
    phone = parse_phone(clean_text(sender[:40]))
    if phone is None:
        return None
    words, known, answers = clean_text(body), clients_of(session, phone.e164), []
    for client_id in known:
        answers.append(take_text(session, client_id, phone.e164, words, now=now()))
        commit(session, "texts.taken")
    kept = keep_text(session, known, phone.e164, words, now=now())
    commit(session, "texts.kept")
    answer = next((one for one in answers if one is not None), None)
    return _said(answer, phone.e164, kept=kept) if answer else None


def _said(answer: Answer, sender: str, *, kept: bool) -> str | None:
    locale = i18n.locale_for(answer.language, answer.country)
    said = i18n.translate(locale, answer.message_where(kept=kept), answer.params)
    goes = keep_answer(session, answer, sender, said, now=now())
    commit(session, "texts.answered")
    return said if goes else None


def _settings() -> Settings:
    runtime: Runtime = current_app.extensions["portal"]
    return runtime.settings
