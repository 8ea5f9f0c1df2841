"""The debtor's pages: from the link to the balance, and on to what was agreed."""

from flask import Blueprint

bp = Blueprint("debtor", __name__)

from portal.blueprints.debtor import access, doors, paying  # noqa: E402, F401
