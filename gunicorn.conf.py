"""What gunicorn does wherever it is started from this folder: its log opens no link."""

logger_class = "portal.security.access_log.AccessLog"
