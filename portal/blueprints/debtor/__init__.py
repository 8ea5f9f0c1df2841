"""The debtor's pages: from the link to the balance, and on to what was agreed."""

from flask import Blueprint

bp = Blueprint("debtor", __name__)

from portal.blueprints.debtor import (  # noqa: E402
    access,
    arrangement,
    balance,
    change_review,
    changes,
    curing,
    doors,
    help,
    history,
    messages,
    online,
    paying,
    pdfs,
    plans,
    preferences,
    proof,
    proposal,
    rest,
    review,
    satisfied,
    settle,
    someone_else,
    times,
)

__all__ = [
    "access",
    "arrangement",
    "balance",
    "bp",
    "change_review",
    "changes",
    "curing",
    "doors",
    "help",
    "history",
    "messages",
    "online",
    "paying",
    "pdfs",
    "plans",
    "preferences",
    "proof",
    "proposal",
    "rest",
    "review",
    "satisfied",
    "settle",
    "someone_else",
    "times",
]
