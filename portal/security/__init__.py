"""Who may open which page, and what proves that a form or a choice came from us."""

from flask import Flask

from portal.security.audiences import (
    Audience,
    audience,
    current_visit,
    danger,
    guard,
    read_beside,
    staff_guard,
)
from portal.security.choices import ChoiceUnreadable, load_choice, sign_choice
from portal.security.first_step import first_step, forget_first_step, keep_first_step
from portal.security.forms import bind, csrf_token
from portal.security.members import (
    ROLE_NAMES,
    by_itself,
    current_log_in,
    current_staff,
    init_members,
    let_staff_in,
    let_staff_out,
    may,
    note_missing,
    note_opened,
    require,
    show_out,
)
from portal.security.redaction import hide_tokens_in_logs
from portal.security.sealing import seal_text, unseal_text
from portal.security.visitors import (
    browser,
    give_cookie,
    is_inside,
    keys,
    let_in,
    let_out,
    recognize,
    visit_cookie_name,
    wear_neutral,
)

__all__ = [
    "ROLE_NAMES",
    "Audience",
    "ChoiceUnreadable",
    "audience",
    "bind",
    "browser",
    "csrf_token",
    "by_itself",
    "current_log_in",
    "current_staff",
    "current_visit",
    "danger",
    "first_step",
    "forget_first_step",
    "give_cookie",
    "init_app",
    "is_inside",
    "keep_first_step",
    "keys",
    "let_in",
    "let_out",
    "let_staff_in",
    "let_staff_out",
    "load_choice",
    "may",
    "note_missing",
    "note_opened",
    "read_beside",
    "recognize",
    "require",
    "seal_text",
    "show_out",
    "sign_choice",
    "staff_guard",
    "unseal_text",
    "visit_cookie_name",
    "wear_neutral",
]


def init_app(app: Flask) -> None:
    """Guard every route of the app, and keep tokens out of its logs."""
    app.before_request(guard)
    app.after_request(give_cookie)
    init_members(app, secure=app.config["PREFERRED_URL_SCHEME"] == "https")
    hide_tokens_in_logs(app)
