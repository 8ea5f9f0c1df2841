"""What gunicorn does wherever it is started from this folder: its log opens no link."""

import gc

logger_class = "portal.security.access_log.AccessLog"


def post_fork(_server: object, _worker: object) -> None:
    """Leave what was loaded before the fork out of every later collection."""
    gc.freeze()
