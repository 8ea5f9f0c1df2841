"""Keep the tokens of links and what staff search for out of logs."""

import logging
import re

from flask import Flask

_IN_PATH = re.compile(r"(/(?:l|p|call-me|unsubscribe|join|new-password)/)[^/?#\s\"']+")
_IN_QUERY = re.compile(r"([?&](?:c|shown|token|code|q|next)=)[^&#\s\"']+")


def redact(line: str) -> str:
    """The line with what opens or reveals something replaced by dots."""
    return _IN_QUERY.sub(r"\1...", _IN_PATH.sub(r"\1...", line))


class Redaction(logging.Filter):
    """Redacts every record that passes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the redacted line in place of message and arguments."""
        line = record.getMessage()
        if (clean := redact(line)) != line:
            record.msg, record.args = clean, None
        return True


def hide_tokens_in_logs(app: Flask) -> None:
    """Redact what Flask and the development server log."""
    for logger in (app.logger, logging.getLogger("werkzeug")):
        if not any(isinstance(one, Redaction) for one in logger.filters):
            logger.addFilter(Redaction())
