"""E-mail over SMTP: what one is made of, its exact bytes, and how it is handed over."""

import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import unquote, urlsplit

from portal.gateways.delivery import Refused, Unreachable

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT_S = 20
FINAL_FROM = 500

_ADDRESS = re.compile(r"[^\s@<>,;:\"\\()\[\]]{1,64}@[^\s@<>,;:\"\\()\[\]]{1,190}")
_BREAKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along with an e-mail; ``media`` is its type, as text/html."""

    name: str
    media: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One e-mail to one address, in plain text and HTML. ``key`` is the same for every attempt.

    ``unsubscribe_url`` takes the one-click POST of RFC 8058. ``attached`` are files.
    """

    key: str
    to: str
    sender_name: str
    reply_to: str | None
    subject: str
    text: str
    html: str
    at: datetime
    unsubscribe_url: str | None = None
    attached: tuple[Attachment, ...] = ()

    @property
    def headers(self) -> Mapping[str, str]:
        """What mail programs read: an automatic message, and how to stop those like it."""
        found = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
        if self.unsubscribe_url:
            found["List-Unsubscribe"] = f"<{self.unsubscribe_url}>"
            found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return found


class Mailer(Protocol):
    """Whoever carries e-mail."""

    def message_bytes(self, mail: Mail) -> bytes:
        """The exact bytes that are handed over."""
        ...

    def send(self, mail: Mail, body: bytes) -> str:
        """Hand an e-mail over and return its id. Raises Unreachable, Refused."""
        ...


def message_bytes(mail: Mail, sender: str) -> bytes:
    """An e-mail as RFC 5322 bytes. No name or subject can add a header of its own.

    Raises Refused where ``to`` is no single address.
    """
    # The web hands no e-mail over: only jobs pay for these.
    from email.headerregistry import Address  # noqa: PLC0415
    from email.message import EmailMessage  # noqa: PLC0415
    from email.policy import SMTP as SMTP_POLICY  # noqa: PLC0415

    local, _, domain = envelope(mail.to).rpartition("@")
    message = EmailMessage(policy=SMTP_POLICY.clone(utf8=not local.isascii()))
    message["From"] = Address(one_line(mail.sender_name), addr_spec=sender)
    message["To"] = Address(username=local, domain=domain)
    if mail.reply_to:
        message["Reply-To"] = Address(addr_spec=mail.reply_to)
    message["Subject"] = one_line(mail.subject)
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = f"<{message_id(mail.key, sender)}>"
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    message.set_boundary(f"=_{mail.key}")
    for file in mail.attached:
        kind, _, subtype = file.media.partition(";")[0].partition("/")
        message.add_attachment(file.body, maintype=kind, subtype=subtype, filename=file.name)
    if mail.attached:
        message.set_boundary(f"=_{mail.key}_files")
    return message.as_bytes()


def message_id(key: str, sender: str) -> str:
    """The id of an e-mail, the same at every attempt, so that a mailbox can know a copy."""
    return f"{key}@{sender.rpartition('@')[2]}"


def envelope(address: str) -> str:
    """An address as servers take it: its domain in ASCII. Raises Refused where it is none."""
    if not _ADDRESS.fullmatch(address):
        raise Refused("This is not one e-mail address.")
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}"


def one_line(text: str) -> str:
    """A name or a subject without line ends or other control characters."""
    return _BREAKS.sub(" ", text).strip()


@dataclass(frozen=True, kw_only=True)
class SmtpMailer:
    """Hands e-mail to the server of ``url``: smtp:// (STARTTLS) or smtps:// (TLS from the start).

    Only a server on this machine may be spoken to in the clear. ``sender`` is the address that
    e-mails come from; ``trust`` replaces the machine's certificates.
    """

    url: str = field(repr=False)
    sender: str
    timeout_s: float = TIMEOUT_S
    trust: ssl.SSLContext | None = field(default=None, repr=False)

    def message_bytes(self, mail: Mail) -> bytes:
        """The exact bytes that are handed over."""
        return message_bytes(mail, self.sender)

    def send(self, mail: Mail, body: bytes) -> str:
        """Hand an e-mail over; its id. Raises Unreachable, also where no answer came, Refused."""
        try:
            with self._connection() as server:
                server.sendmail(self.sender, [envelope(mail.to)], body, _options(server, mail))
        except smtplib.SMTPRecipientsRefused as error:
            ((code, said),) = error.recipients.values()
            raise _failure(code, said) from error
        except smtplib.SMTPDataError as error:
            raise _failure(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:  # our log-in, our address, the network
            raise Unreachable(one_line(f"{type(error).__name__}: {error}")[:300]) from error
        return message_id(mail.key, self.sender)

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        server = self._open()
        try:
            self._log_in(server)
            yield server
            with suppress(smtplib.SMTPException, OSError):  # it was taken: no word undoes that
                server.quit()
        finally:
            server.close()

    def _open(self) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        host = parts.hostname or "localhost"
        trust = self.trust or ssl.create_default_context()
        if parts.scheme == "smtps":
            return smtplib.SMTP_SSL(host, parts.port or 465, timeout=self.timeout_s, context=trust)
        server = smtplib.SMTP(host, parts.port or 587, timeout=self.timeout_s)
        try:
            _secure(server, trust, required=host not in LOOPBACK)
        except BaseException:
            server.close()
            raise
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        parts = urlsplit(self.url)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))


def _secure(server: smtplib.SMTP, trust: ssl.SSLContext, *, required: bool) -> None:
    server.ehlo_or_helo_if_needed()
    if server.has_extn("starttls"):
        server.starttls(context=trust)
        server.ehlo()
    elif required:
        raise smtplib.SMTPException("The mail server offers no STARTTLS, and we insist on it.")


def _options(server: smtplib.SMTP, mail: Mail) -> list[str]:
    if mail.to.rpartition("@")[0].isascii():
        return []
    server.ehlo_or_helo_if_needed()
    if not server.has_extn("smtputf8"):
        raise Refused("The mail server takes no address outside ASCII.")
    return ["SMTPUTF8"]


def _failure(code: int, said: bytes | str) -> Unreachable | Refused:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    line = one_line(f"{code} {text}")[:300]
    return Refused(line) if code >= FINAL_FROM else Unreachable(line)


class OutboxMailer:
    """Carries nothing: an e-mail stays in its row, for the outbox page."""

    sender = "no-reply@outbox.example"

    def message_bytes(self, mail: Mail) -> bytes:
        """The bytes as a server would get them."""
        return message_bytes(mail, self.sender)

    def send(self, mail: Mail, body: bytes) -> str:
        """The id that the e-mail has."""
        return message_id(mail.key, self.sender)


class NoMailer:
    """There is no mail server: every e-mail waits, and says why."""

    def message_bytes(self, mail: Mail) -> bytes:
        """Raises Unreachable."""
        raise Unreachable("SMTP_URL is not set.")

    def send(self, mail: Mail, body: bytes) -> str:
        """Raises Unreachable."""
        raise Unreachable("SMTP_URL is not set.")
