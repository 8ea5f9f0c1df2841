"""Text messages: over Twilio, or over any provider that takes one small HTTP request."""

import base64
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import requests

from portal.domain.debts import CollectorRole, Country
from portal.gateways.delivery import RecipientStopped, Refused, Unreachable

TWILIO = "https://api.twilio.com"
TIMEOUT_S = (5, 20)
OUR_FAULT = (401, 403, 404, 408, 425, 429)
"""Our key, our address or our haste: the text itself may be right."""
STOPPED = 21610
"""Twilio's code for a number that answered STOP."""
FAILED = "failed"
TWILIO_ROLES = frozenset({CollectorRole.FIRST_PARTY_CREDITOR})
"""Twilio carries no collection for others, in neither country (its errors 30863 and 30460)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text message to one number (E.164). ``key`` is the same for every attempt.

    ``tried_at`` is when it was handed over before, if nobody knows what became of that.
    """

    key: str
    to: str
    body: str
    tried_at: datetime | None = None


class Texter(Protocol):
    """Whoever carries text messages."""

    def takes(self, country: Country, role: CollectorRole) -> bool:
        """Whether it carries texts of such a sender in such a country at all (EC-07)."""
        ...

    def send(self, text: Text) -> str:
        """Hand a text over; the provider's id. Raises Unreachable, Refused, RecipientStopped."""
        ...


@dataclass(frozen=True, kw_only=True)
class TwilioTexter:
    """Texts over Twilio's API. ``sender`` is a number, or the id of a messaging service.

    ``status_url`` followed by a text's key is where Twilio says what became of it, if it is set.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    sender: str
    base_url: str = TWILIO
    status_url: str | None = None

    def takes(self, country: Country, role: CollectorRole) -> bool:
        """Creditors writing for themselves only."""
        return role in TWILIO_ROLES

    def send(self, text: Text) -> str:
        """Hand a text over; Twilio's id. What an earlier attempt left there is not sent twice."""
        if text.tried_at is not None and (found := self._find(text, text.tried_at)):
            return found
        by = "MessagingServiceSid" if self.sender.startswith("MG") else "From"
        said = {"To": text.to, by: self.sender, "Body": text.body}
        if self.status_url:
            said["StatusCallback"] = f"{self.status_url}/{text.key}"
        response = self._ask("POST", data=said)
        answer = _answer(response)
        if answer.get("code") == STOPPED:
            raise RecipientStopped(_line(response, answer))
        return _taken(response, answer, "sid")

    def _find(self, text: Text, tried_at: datetime) -> str | None:
        """The id of the same text to the same number since that day, which Twilio has already."""
        since = {"To": text.to, "DateSent>": tried_at.date().isoformat(), "PageSize": "50"}
        response = self._ask("GET", params=since)
        if not _fine(response):
            raise Unreachable(_line(response, _answer(response)))
        held = _answer(response).get("messages", [])
        same = (one["sid"] for one in held if one["body"] == text.body and one["status"] != FAILED)
        return next(same, None)

    def _ask(self, method: str, **request: Any) -> requests.Response:
        url = f"{self.base_url}/2010-04-01/Accounts/{self.account_sid}/Messages.json"
        return _ask(method, url, auth=(self.account_sid, self.auth_token), **request)


@dataclass(frozen=True, kw_only=True)
class HttpTexter:
    """Texts over any provider: a POST of ``{"id", "to", "text"}``, answered 2xx with an id.

    The id is also the Idempotency-Key, so that a text handed over twice can be sent once.
    ``roles`` are the senders that the contract with the provider allows.
    """

    url: str = field(repr=False)
    token: str = field(repr=False)
    roles: Collection[CollectorRole] = TWILIO_ROLES

    def takes(self, country: Country, role: CollectorRole) -> bool:
        """What the settings say of the provider."""
        return role in self.roles

    def send(self, text: Text) -> str:
        """Hand a text over; the provider's id, or ours where it gives none."""
        response = _ask(
            "POST",
            self.url,
            headers={"Authorization": f"Bearer {self.token}", "Idempotency-Key": text.key},
            json={"id": text.key, "to": text.to, "text": text.body},
        )
        answer = _answer(response)
        return _taken(response, {"id": text.key, **answer}, "id")


def signed_by_twilio(
    url: str, form: Mapping[str, str], signature: str | None, auth_token: str
) -> bool:
    """Whether Twilio sent this form to this address: HMAC-SHA1 over both, as it documents."""
    said = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    mark = hmac.digest(auth_token.encode(), said.encode(), "sha1")
    return hmac.compare_digest(base64.b64encode(mark), (signature or "").encode())


class OutboxTexter:
    """Carries nothing: a text stays in its row. It takes whom Twilio would take."""

    def takes(self, country: Country, role: CollectorRole) -> bool:
        """Creditors writing for themselves only."""
        return role in TWILIO_ROLES

    def send(self, text: Text) -> str:
        """The key of the text."""
        return text.key


class NoTexter:
    """There is no provider: the channel is closed."""

    def takes(self, country: Country, role: CollectorRole) -> bool:
        """Nobody."""
        return False

    def send(self, text: Text) -> str:
        """Raises Unreachable."""
        raise Unreachable("No provider of text messages is set.")


def _ask(method: str, url: str, **request: Any) -> requests.Response:
    try:
        return requests.request(method, url, timeout=TIMEOUT_S, allow_redirects=False, **request)
    except requests.RequestException as error:
        raise Unreachable(f"{type(error).__name__}: no answer") from error


def _fine(response: requests.Response) -> bool:
    return 200 <= response.status_code < 300


def _answer(response: requests.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except requests.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _taken(response: requests.Response, answer: dict[str, Any], name: str) -> str:
    if _fine(response) and answer.get(name):
        return str(answer[name])
    final = 400 <= response.status_code < 500 and response.status_code not in OUR_FAULT
    raise (Refused if final else Unreachable)(_line(response, answer))


def _line(response: requests.Response, answer: dict[str, Any]) -> str:
    said = answer.get("message") or response.reason or ""
    return " ".join(f"{response.status_code} {answer.get('code', '')} {said}".split())[:300]
