"""What the browser carries from the first step of a log-in to the second, unreadable to it.

It has the same length whether the password was right, wrong, or nobody's.
"""

import json
from datetime import UTC, datetime
from uuid import UUID

from flask import session as cookie

from portal.models import fresh_id
from portal.security.members import begin_anew
from portal.security.sealing import seal_text, unseal_text
from portal.services.sign_in import STEP_FOR, FirstStep, StepOver
from portal.web import now

FIRST = "first"
MICROSECONDS = 1_000_000


def keep_first_step(first: FirstStep) -> None:
    """Give the browser the first step, in place of whatever it had; ends its log-in."""
    begin_anew()
    who = (first.staff_id or fresh_id()).hex
    said = [first.staff_id is not None, first.right, first.enrolled]
    flags = "".join(str(int(one)) for one in said)
    body = [first.address, who, flags, round(first.at.timestamp() * MICROSECONDS)]
    cookie[FIRST] = seal_text("first-step", json.dumps(body).encode())


def first_step() -> FirstStep:
    """The first step that this browser made a moment ago. Raises StepOver."""
    body = unseal_text("first-step", str(cookie.get(FIRST, "")))
    if body is None:
        raise StepOver
    address, who, flags, at = json.loads(body)
    known, right, enrolled = (flag == "1" for flag in flags)
    staff_id, made_at = UUID(who) if known else None, datetime.fromtimestamp(at / MICROSECONDS, UTC)
    if now() >= made_at + STEP_FOR:
        raise StepOver
    return FirstStep(address, staff_id, right, enrolled, made_at)


def forget_first_step() -> None:
    """The browser begins again."""
    cookie.pop(FIRST, None)
