"""E-mail is handed to a real server: whole, safe in its headers, and told apart when it fails."""

import email.policy
import socket
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

import pytest

from portal.gateways.delivery import Refused, Unreachable
from portal.gateways.mail import Mail, NoMailer, OutboxMailer, SmtpMailer, message_bytes
from tests.factories import NOW
from tests.gateways.servers import MailServer, certificate, mail_server

MAIL = Mail(
    key="01939f7e-0000-7000-8000-000000000001",
    to="dana@example.com",
    sender_name="Harbor Services",
    reply_to="help@harbor.example",
    subject="A private message for you",
    text="Open your page.\n.\nÀ bientôt\n",
    html="<p>Open your page. À bientôt</p>",
    at=NOW,
    unsubscribe_url="https://pay.example.com/unsubscribe/abc",
)
SENDER = "no-reply@pay.example.com"


def mailer(server: MailServer, **given: object) -> SmtpMailer:
    url = f"smtp://127.0.0.1:{server.port}"
    return SmtpMailer(**{"url": url, "sender": SENDER, "timeout_s": 5} | given)  # type: ignore[arg-type]


def send(with_: SmtpMailer, mail: Mail = MAIL) -> str:
    return with_.send(mail, with_.message_bytes(mail))


def read(body: bytes) -> EmailMessage:
    message = message_from_bytes(body, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_an_e_mail_arrives_byte_for_byte_as_text_and_html():
    with mail_server(MailServer()) as server:
        given = mailer(server)
        assert send(given) == f"{MAIL.key}@pay.example.com"
        ((sender, to, body),) = server.taken
    assert (sender, to) == (SENDER, [MAIL.to])
    assert body == given.message_bytes(MAIL)
    message = read(body)
    parts = {part.get_content_type(): part.get_content() for part in message.iter_parts()}
    assert parts["text/plain"].replace("\r\n", "\n") == MAIL.text
    assert max(map(len, body.splitlines())) <= 78
    assert parts["text/html"].strip() == MAIL.html
    assert message["From"] == f"Harbor Services <{SENDER}>"
    assert message["Reply-To"] == "help@harbor.example"
    assert message["Message-ID"] == f"<{MAIL.key}@pay.example.com>"
    assert message["Date"].datetime == NOW


def test_every_e_mail_carries_the_one_click_opt_out():
    """EC-04, EC-05: RFC 8058"""
    message = read(message_bytes(MAIL, SENDER))
    assert message["List-Unsubscribe"] == "<https://pay.example.com/unsubscribe/abc>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"


SIGNED = (
    *("from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type"),
    *("list-unsubscribe", "list-unsubscribe-post"),
)
"""What an MTA signs (docs/operating.md): RFC 8058 wants both unsubscribe headers among them."""


def test_an_e_mail_is_ready_to_be_signed_by_the_server_that_sends_it_on():
    """DKIM, DMARC: each header once, in stable bytes, and one domain in all that names us."""
    with mail_server(MailServer()) as server:
        send(mailer(server))
        ((envelope_sender, _, body),) = server.taken
    head = body.partition(b"\r\n\r\n")[0].decode("ascii")
    lines = head.replace("\r\n ", " ").split("\r\n")
    names = [line.partition(":")[0].casefold() for line in lines]
    assert [names.count(name) for name in SIGNED] == [1] * len(SIGNED)
    assert not [line for line in lines if line != line.strip()]
    message = read(body)
    ours = message["From"].addresses[0].domain
    assert ours == SENDER.rpartition("@")[2] == envelope_sender.rpartition("@")[2]
    assert message["Message-ID"].strip("<>").rpartition("@")[2] == ours
    assert body == message_bytes(MAIL, SENDER)
    assert b"\n" not in body.replace(b"\r\n", b"")


def test_nothing_typed_becomes_a_header_of_its_own():
    nasty = replace(
        MAIL,
        sender_name='Harbor\r\nBcc: all@example.com "x" <a@b>',
        subject="Hello\r\n\r\nBcc: all@example.com\u2028Bcc: you",
    )
    message = read(message_bytes(nasty, SENDER))
    assert message["Bcc"] is None
    assert message["Subject"] == "Hello Bcc: all@example.com Bcc: you"
    assert message["From"].addresses[0].addr_spec == SENDER
    for address in ("dana@example.com\r\nBcc: x@example.com", "a@b.example, c@d.example", ""):
        with pytest.raises(Refused):
            message_bytes(replace(MAIL, to=address), SENDER)


def test_the_same_attempt_has_the_same_bytes():
    assert message_bytes(MAIL, SENDER) == message_bytes(MAIL, SENDER)


@pytest.mark.parametrize("at_once", [False, True])
def test_tls_is_used_where_it_is_offered_and_checked(tmp_path: Path, at_once: bool):
    ours, trust = certificate(tmp_path)
    with mail_server(MailServer(tls=ours), tls_from_the_start=at_once) as server:
        url = f"smtp{'s' if at_once else ''}://dana:p%40ss@127.0.0.1:{server.port}"
        send(mailer(server, url=url, trust=trust))
        assert server.was_secret == [True]
        assert [line for line in server.heard if line.startswith("AUTH PLAIN")]
        with pytest.raises(Unreachable, match="certificate"):
            send(mailer(server, url=url))
    assert len(server.taken) == 1


def test_another_machine_is_never_spoken_to_in_the_clear(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("portal.gateways.mail.LOOPBACK", ())
    with mail_server(MailServer()) as server, pytest.raises(Unreachable, match="STARTTLS"):
        send(mailer(server, url=f"smtp://u:secret@127.0.0.1:{server.port}"))
    assert not [line for line in server.heard if line.startswith("AUTH")]


@pytest.mark.parametrize(
    ("answers", "failure"),
    [
        ({"RCPT": "550 5.1.1 no such user"}, Refused),
        ({"RCPT": "450 try later"}, Unreachable),
        ({"<data>": "554 spam"}, Refused),
        ({"<data>": "451 try later"}, Unreachable),
        ({"MAIL": "550 who are you"}, Unreachable),
        ({"AUTH": "535 wrong password"}, Unreachable),
        ({"EHLO": "421 too many connections", "HELO": "421 too many connections"}, Unreachable),
    ],
)
def test_what_is_final_is_told_apart_from_what_is_not(answers: dict[str, str], failure: type):
    with mail_server(MailServer(answers=answers)) as server:
        with pytest.raises(failure) as raised:
            send(mailer(server, url=f"smtp://u:p@127.0.0.1:{server.port}"))
        assert "\n" not in str(raised.value)
    assert server.taken == []


def test_an_e_mail_that_was_taken_stays_taken_when_the_server_then_hangs_up():
    with mail_server(MailServer(hangs_up_after="<data>")) as server, pytest.raises(Unreachable):
        send(mailer(server))
    with mail_server(MailServer(answers={"QUIT": "421 nothing more"})) as server:
        send(mailer(server))
    assert len(server.taken) == 1


def test_a_server_that_says_nothing_is_left_after_a_while():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable):
            send(SmtpMailer(url=url, sender=SENDER, timeout_s=0.2))
    with pytest.raises(Unreachable):
        send(SmtpMailer(url=url, sender=SENDER, timeout_s=0.2))


def test_an_address_outside_ascii_needs_a_server_that_knows_them():
    dana = replace(MAIL, to="daña@español.example")
    with mail_server(MailServer()) as server, pytest.raises(Refused, match="ASCII"):
        send(mailer(server), dana)
    with mail_server(MailServer()) as server:
        send(mailer(server), replace(MAIL, to="dana@español.example"))
    assert server.taken[0][1] == ["dana@xn--espaol-zwa.example"]


def test_the_outbox_carries_nothing_and_no_server_says_so():
    outbox = OutboxMailer()
    assert outbox.send(MAIL, outbox.message_bytes(MAIL)).startswith(MAIL.key)
    with pytest.raises(Unreachable, match="SMTP_URL"):
        NoMailer().send(MAIL, b"")


def test_no_secret_is_in_the_repr():
    assert "secret" not in repr(SmtpMailer(url="smtp://u:secret@mail.example", sender=SENDER))
