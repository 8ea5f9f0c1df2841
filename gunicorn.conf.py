"""What gunicorn does wherever it is started from this folder: its log opens no link."""

import gc

logger_class = "portal.security.access_log.AccessLog"
limit_request_line = 8190  # a longer address gets the server's bare page instead of ours


def post_fork(_server: object, _worker: object) -> None:
    """Leave what was loaded before the fork out of every later collection."""
    gc.freeze()
