"""The sandbox as one WSGI application, and as one object for tests and simulations."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from portal.sandbox import api, board, delivery, pages, timers
from portal.sandbox.faults import Fault
from portal.sandbox.store import Thing, shown
from portal.sandbox.world import World

PAGES = Map(
    [
        Rule("/c/pay/<session_id>", endpoint=pages.checkout_page, methods=["GET", "POST"]),
        Rule(
            "/c/pay/<session_id>/authenticate",
            endpoint=pages.authentication_page,
            methods=["GET", "POST"],
        ),
        Rule("/sandbox", endpoint=board.board, methods=["GET"]),
        Rule("/sandbox/<path:action>", endpoint=board.act, methods=["POST"]),
    ],
    strict_slashes=False,
)


@dataclass
class Sandbox:
    """Stripe's stand-in: a WSGI application with a handle on what is inside it.

    ``post`` sends webhooks when ``deliver`` is called; ``wait`` is called by slow requests.
    What a bank or the dashboard does to it is in ``control``.
    """

    world: World
    post: delivery.Post = delivery.post_over_http
    wait: Callable[[], None] = lambda: None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        """The response to a request; raises ``api.CutOff`` where a fault cuts it off."""
        request.max_form_memory_size = request.max_content_length = api.LARGEST_BODY
        if request.path.startswith("/v1/"):
            return api.answer(self.world, request, self.wait)
        if request.method == "GET" and request.path == "/sandbox/sandbox.css":
            return _stylesheet()
        if request.method == "GET" and request.path.endswith(".json"):
            return board.read(self.world, request.path.removeprefix("/sandbox/")[: -len(".json")])
        try:
            page, values = PAGES.bind_to_environ(request.environ).match()
            answered: Response = page(self.world, request, **values)
        except HTTPException as error:
            return Response(f"{error.name}\n", error.code, mimetype="text/plain")
        return answered

    def run_timers(self) -> int:
        """Do what is due on the sandbox's clock; returns how much."""
        return timers.run(self.world)

    def deliver(self) -> int:
        """Do what is due, then send the webhooks that are due; returns how many were taken."""
        self.run_timers()
        return delivery.deliver(self.world, self.post)

    def fail_next(self, fault: Fault, *, times: int = 1, method: str = "", path: str = "") -> None:
        """Let the next API requests go wrong."""
        self.world.faults.plan(fault, times=times, method=method, path=path)

    @property
    def history(self) -> list[Thing]:
        """Requests, events and deliveries, in order: the truth that a checker trusts."""
        return self.world.store.history()

    def things(self, kind: str) -> list[Thing]:
        """Every object of a kind, of every account, newest first."""
        return [shown(one) for one in self.world.store.newest(kind)]


def _stylesheet() -> Response:
    css = files("portal.sandbox").joinpath("templates/sandbox.css").read_bytes()
    response = Response(css, mimetype="text/css")
    response.headers["Cache-Control"] = "max-age=300"
    return response
