"""A mail server and a web server on this machine, which write down what they are told."""

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass
class MailServer:
    """What it offers, what it answers to a command instead of "yes", and what it was given."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    answers: dict[str, str] = field(default_factory=dict)
    hangs_up_after: str = ""
    heard: list[str] = field(default_factory=list)
    taken: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    was_secret: list[bool] = field(default_factory=list)


class _Speaker(socketserver.StreamRequestHandler):
    @property
    def told(self) -> MailServer:
        return self.server.told  # type: ignore[attr-defined,no-any-return]

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline():
            word = line.decode().strip()
            verb = word.split(maxsplit=1)[0].upper()
            self.told.heard.append(word)
            if not self.answer(verb, word) or verb == self.told.hangs_up_after:
                return

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def answer(self, verb: str, word: str) -> bool:
        if verb in self.told.answers:
            self.say(self.told.answers[verb])
        elif verb == "EHLO":
            self.greet()
        elif verb == "STARTTLS":
            self.encrypt()
        elif verb == "DATA":
            return self.take()
        else:
            self.note(verb, word)
            self.say("235 welcome" if verb == "AUTH" else "250 yes")
        return verb != "QUIT"

    def greet(self) -> None:
        offers = ["AUTH PLAIN", "8BITMIME"]
        if self.told.tls and not isinstance(self.connection, ssl.SSLSocket):
            offers.append("STARTTLS")
        for line in ("here", *offers):
            self.say(f"250-{line}")
        self.say("250 SIZE 1000000")

    def encrypt(self) -> None:
        assert self.told.tls
        self.say("220 go")
        self.connection = self.told.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

    def note(self, verb: str, word: str) -> None:
        address = word.partition("<")[2].partition(">")[0]
        if verb == "MAIL":
            self.sender, self.to = address, list[str]()
        if verb == "RCPT":
            self.to.append(address)

    def take(self) -> bool:
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.told.heard.append("<data>")
        if self.told.hangs_up_after == "<data>":
            return False
        if "<data>" in self.told.answers:
            self.say(self.told.answers["<data>"])
            return True
        self.told.taken.append((self.sender, self.to, b"".join(lines)))
        self.told.was_secret.append(isinstance(self.connection, ssl.SSLSocket))
        self.say("250 taken")
        return True


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def mail_server(told: MailServer, *, tls_from_the_start: bool = False) -> Iterator[MailServer]:
    """An SMTP server that behaves as told."""
    with _Server(("127.0.0.1", 0), _Speaker) as server:
        if tls_from_the_start:
            assert told.tls
            server.socket = told.tls.wrap_socket(server.socket, server_side=True)
        server.told = told  # type: ignore[attr-defined]
        told.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield told
        finally:
            server.shutdown()


@dataclass
class Asked:
    """One request that a web server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def basic(self) -> str:
        """The log-in of the request."""
        return base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()


@dataclass
class WebServer:
    """Its address, what it answers next, and what it was asked."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""


@contextmanager
def web_server(told: WebServer) -> Iterator[WebServer]:
    """An HTTP server that gives its answers in order."""

    class Answering(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            status, text = told.answers.pop(0)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = _answer

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield told
        finally:
            server.shutdown()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS with a certificate for this machine, and the trust of who knows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail test")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "certificate.pem"
    path.write_bytes(pem + secret)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(path)
    return ours, ssl.create_default_context(cadata=pem.decode())
