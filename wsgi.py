"""The portal for gunicorn: `gunicorn wsgi:app`."""

from portal.app import create_app
from portal.config import load

app = create_app(load())
