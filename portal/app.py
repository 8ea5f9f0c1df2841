"""The web application: settings in, Flask out."""

import gzip

from flask import Flask, Request, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from portal import blueprints, i18n, security, web
from portal.config import Settings
from portal.runtime import Runtime, build_runtime

LARGEST_UPLOAD = 12 * 1024 * 1024
LARGEST_FORM = 512 * 1024

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'{form_action}; frame-ancestors 'none'; base-uri 'none'"
)

EVERY_HEADER = [("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")]

PAGE_HEADERS = [
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
]

COMPRESSED = {"text/html", "text/csv", "text/calendar", "application/json"}
WORTH_COMPRESSING = 500


def create_app(settings: Settings, runtime: Runtime | None = None) -> Flask:
    """The portal for these settings; `runtime` replaces what would be built from them."""
    i18n.compile_catalogues()
    app = Flask("portal", static_folder=None, template_folder=None)
    secure = settings.base_url.startswith("https://")
    app.config.from_mapping(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_keys[1:]),
        TRUSTED_HOSTS=list(settings.trusted_hosts),
        PREFERRED_URL_SCHEME="https" if secure else "http",
        MAX_CONTENT_LENGTH=LARGEST_UPLOAD,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        MAX_FORM_PARTS=200,
    )
    app.extensions["portal"] = runtime or build_runtime(settings)
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.session_interface = StaffSessions()
    web.init_app(app)
    security.init_app(app)
    blueprints.register(app)
    app.after_request(compress)
    app.after_request(protect)
    if secure:
        app.after_request(insist_on_https)
    return app


def protect(response: Response) -> Response:
    """Tell browsers to load nothing from elsewhere, to keep no page and to frame none."""
    headers, given = response.headers, EVERY_HEADER
    if response.mimetype == "text/html":
        origins = "".join(f" {origin}" for origin in g.get("form_action", ()))
        policy = POLICY.format(form_action=origins)
        given = [*EVERY_HEADER, ("Content-Security-Policy", policy), *PAGE_HEADERS]
    present = {name.lower() for name, _ in headers}
    headers.extend([header for header in given if header[0].lower() not in present])
    return response


def insist_on_https(response: Response) -> Response:
    """Two years of HTTPS only."""
    response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return response


def compress(response: Response) -> Response:
    """Send a page in few bytes; a stream goes as it is.

    Brotli at the same cost makes pages no smaller, and at twice the cost by a twentieth.
    """
    if (
        response.mimetype not in COMPRESSED
        or response.is_streamed
        or "Content-Encoding" in response.headers
    ):
        return response
    body = response.get_data()
    accepted = request.environ.get("HTTP_ACCEPT_ENCODING", "")
    if len(body) < WORTH_COMPRESSING:
        return response
    if "gzip" in accepted:
        response.set_data(gzip.compress(body, 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


class StaffSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, which only consoles use: without one there is nothing to verify."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session in the cookie, or an empty one."""
        if self.get_cookie_name(app) in request.cookies:
            return super().open_session(app, request)
        return self.session_class()
