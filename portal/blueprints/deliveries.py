"""What carriers tell us about messages they took (EC-09): kept before it is answered."""

import hmac
from uuid import UUID

from flask import Blueprint, abort, current_app, request
from flask.typing import ResponseReturnValue

from portal.config import Settings
from portal.db import commit
from portal.domain.deliveries import Report
from portal.gateways.receipts import NotReadable, read_events, twilio_status
from portal.gateways.sms import signed_by_twilio
from portal.models import Channel
from portal.runtime import Runtime
from portal.security import audience
from portal.services.deliveries import take_report
from portal.web import now, session

bp = Blueprint("deliveries", __name__)

LARGEST_BODY = 256 * 1024


@bp.post("/deliveries/email")
@audience("anyone", forms=False)
def emails() -> ResponseReturnValue:
    """What became of e-mails, by whoever carries them: our JSON, Postmark's, or Amazon SES's."""
    return _told(_settings().mail_events_token, Channel.EMAIL)


@bp.post("/deliveries/sms")
@audience("anyone", forms=False)
def texts() -> ResponseReturnValue:
    """What became of texts, by a carrier other than Twilio."""
    return _told(_settings().sms_inbound_token, Channel.SMS)


@bp.post("/texts/twilio/status/<uuid:message_id>")
@audience("anyone", forms=False)
def twilio(message_id: UUID) -> ResponseReturnValue:
    """What became of one text, by Twilio; its address went there with the text."""
    request.max_content_length = LARGEST_BODY
    form, token = request.form.to_dict(), _settings().twilio_auth_token
    url = f"{_settings().base_url}{request.full_path.rstrip('?')}"
    signature = request.headers.get("X-Twilio-Signature")
    if token is None or not signed_by_twilio(url, form, signature, token):
        abort(403)
    try:
        _take(twilio_status(form, message_id), Channel.SMS, by_address=False)
    except NotReadable:
        abort(422)
    return "", 204


def _told(token: str | None, channel: Channel) -> ResponseReturnValue:
    request.max_content_length = LARGEST_BODY
    if token is None or not _shown(token):
        abort(403)
    try:
        reports = read_events(request.get_data(), str(channel))
    except NotReadable:
        abort(422)
    for report in reports:
        _take(report, channel, by_address=True)
    return "", 204


def _take(report: Report, channel: Channel, *, by_address: bool) -> None:
    take_report(session, report, channel, by_address=by_address, now=now())
    commit(session, "delivery.taken")


def _shown(token: str) -> bool:
    """Whether a carrier shows the secret, as a bearer or as the password of Basic."""
    given = request.headers.get("Authorization", "")
    basic = request.authorization.password if request.authorization else None
    shown = f"Bearer {basic}" if basic is not None else given
    return hmac.compare_digest(shown.encode(), f"Bearer {token}".encode())


def _settings() -> Settings:
    runtime: Runtime = current_app.extensions["portal"]
    return runtime.settings
