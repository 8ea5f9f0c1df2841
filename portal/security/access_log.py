"""The web server's access log without what opens a link."""

from typing import Any

from gunicorn.glogging import Logger

from portal.security.redaction import redact

QUERIES = ("q", "{query_string}e")


class AccessLog(Logger):  # type: ignore[misc]
    """Gunicorn's log; the request line, the path, the query and the referrer are redacted."""

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        """What a line of the access log is made of."""
        found: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        for name, value in found.items():
            if isinstance(value, str):
                found[name] = redact(f"?{value}")[1:] if name in QUERIES else redact(value)
        return found
