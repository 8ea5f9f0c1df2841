"""Logging in: a password, then a code; only both together say whether either was right (PR-03)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import set_staff
from portal.domain import N_, DomainError
from portal.domain.keys import Keys
from portal.models import Noted, Staff, StaffSession, fresh_id
from portal.services import attempts
from portal.services.attempts import Locked, Mark, Scope
from portal.services.passwords import PasswordWrong, is_right, person_at, refresh_hash
from portal.services.second_steps import enroll, is_enrolled, take_app_code, take_code
from portal.services.staff import LoggedIn, start_session
from portal.services.staff_events import note
from portal.services.visits import Browser

STEP_FOR = timedelta(minutes=10)
"""How long the first step waits for the second."""
PROVED_FOR = timedelta(minutes=5)
"""How long a proof of who one is opens what is dangerous."""


class LogInRefused(DomainError):
    """The address, the password or the code is wrong, or there were too many tries.

    One sentence for all of them: it tells nobody which addresses exist, nor which part was right.
    """

    message = N_(
        "We could not log you in. Check your e-mail address, password and code. After 5 tries,"
        " wait 30 minutes, or ask whoever invited you."
    )


class StepOver(DomainError):
    """The password was typed too long ago, or changed since."""

    message = N_("That took too long. Begin again with your password.")


class ProofRefused(DomainError):
    message = N_(
        "This is neither your password nor your code of now. After 5 tries, wait 30 minutes."
    )


@dataclass(frozen=True, slots=True)
class FirstStep:
    """What the first step found, for the second: the page in between must not show it.

    ``staff_id`` is None where nobody has the address, ``right`` whether the password was.
    """

    address: str
    staff_id: UUID | None
    right: bool
    enrolled: bool
    at: datetime


def check_password(
    session: Session, email: str, password: str, *, keys: Keys, browser: Browser, now: datetime
) -> FirstStep:
    """The first step. It takes as long, and goes on to the second, whatever was typed.

    The attempt is counted first, per address and per network, and commits by itself.
    """
    address = email.strip().casefold()[:320]
    marks = (Mark(Scope.LOG_IN, address), attempts.network(browser.ip))
    taken = attempts.take(session, keys, marks, now=now)
    staff = person_at(session, address)
    right = is_right(staff, password)
    if staff is None or staff.disabled_at is not None or isinstance(taken, Locked):
        right = False
    if staff is not None:
        refresh_hash(staff, password, right=right)
    enrolled = is_enrolled(session, staff.id if staff else fresh_id()) or staff is None
    return FirstStep(address, staff.id if staff else None, right, enrolled, now)


def check_code(
    session: Session,
    first: FirstStep,
    code: str,
    *,
    keys: Keys,
    browser: Browser,
    now: datetime,
) -> tuple[LoggedIn, str]:
    """The second step: the log-in, and the token of its cookie; the caller commits either way.

    The attempt is counted first, as the first step's is. It takes as long whatever the first step
    found: a code is looked at even where it lets nobody in, and then not spent. Raises
    LogInRefused, after noting it, and StepOver.
    """
    staff = _of(session, first)
    taken = attempts.take(session, keys, _marks(first, browser), now=now)
    may = staff is not None and first.right and not isinstance(taken, Locked)
    with session.begin_nested() as looking:
        who = first.staff_id or fresh_id()
        good = take_code(session, who, code, keys=keys, now=now) and may
        if not good:
            looking.rollback()
    if staff is None or not good:
        last_try = not isinstance(taken, Locked) and taken.left == 0
        kind = Noted.LOG_IN_LOCKED if last_try else Noted.LOG_IN_REFUSED
        note(session, kind, staff=first.staff_id, now=now, ip=browser.ip)
        raise LogInRefused
    return _enter(session, staff, first, keys=keys, browser=browser, now=now)


def check_new_second_step(
    session: Session,
    first: FirstStep,
    new: tuple[bytes, str],
    *,
    keys: Keys,
    browser: Browser,
    now: datetime,
) -> tuple[LoggedIn, str, list[str]]:
    """Log in whoever had no second step, with the one just set up (a secret and its code).

    Also the recovery codes. The caller commits. Raises StepOver, WrongCode.
    """
    staff = _of(session, first)
    if staff is None or not first.right or is_enrolled(session, staff.id):
        raise StepOver
    codes = enroll(session, staff.id, *new, keys=keys, now=now)
    found, token = _enter(session, staff, first, keys=keys, browser=browser, now=now)
    return found, token, codes


def _of(session: Session, first: FirstStep) -> Staff | None:
    """Whose first step it was, if they may still come in."""
    who = first.staff_id or fresh_id()
    set_staff(session, who)
    staff = session.scalar(select(Staff).where(Staff.id == who))
    if staff is not None and first.right and staff.password_set_at > first.at:
        raise StepOver  # said to nobody who did not have the password
    return staff if staff is not None and staff.disabled_at is None else None


def _marks(first: FirstStep, browser: Browser) -> tuple[Mark, Mark]:
    return Mark(Scope.SECOND_STEP, first.address), attempts.network(browser.ip)


def marks_at(address: str) -> tuple[Mark, Mark]:
    """Under which the log-ins at an address are counted: the first step and the second."""
    return Mark(Scope.LOG_IN, address), Mark(Scope.SECOND_STEP, address)


def _enter(
    session: Session,
    staff: Staff,
    first: FirstStep,
    *,
    keys: Keys,
    browser: Browser,
    now: datetime,
) -> tuple[LoggedIn, str]:
    attempts.forgive(session, keys, marks_at(first.address))
    note(session, Noted.LOG_IN, staff=staff.id, now=now, ip=browser.ip)
    return start_session(session, staff, browser=browser, now=now)


def is_proved(log_in: LoggedIn, *, now: datetime) -> bool:
    """Whether somebody proved just now who they are."""
    return now < log_in.proved_at + PROVED_FOR


def prove(
    session: Session,
    log_in: LoggedIn,
    typed: str,
    *,
    keys: Keys,
    browser: Browser,
    now: datetime,
) -> None:
    """Prove again who one is, by password or by the app's code; the caller commits either way.

    Counted apart from second steps, which anybody who knows the address can try. Raises
    ProofRefused, after noting it.
    """
    staff = log_in.staff

    def right() -> bool:
        return take_app_code(session, staff.id, typed, now=now) or is_right(staff, typed)

    _prove(session, log_in, right, keys=keys, browser=browser, now=now)


def prove_password(
    session: Session,
    log_in: LoggedIn,
    typed: str,
    *,
    keys: Keys,
    browser: Browser,
    now: datetime,
) -> None:
    """The same by the password alone, which is about to be changed. Raises PasswordWrong."""
    try:
        _prove(
            session,
            log_in,
            lambda: is_right(log_in.staff, typed),
            keys=keys,
            browser=browser,
            now=now,
        )
    except ProofRefused:
        raise PasswordWrong from None


def proof_mark(staff_id: UUID) -> Mark:
    """Under which the proofs of somebody who is logged in are counted."""
    return Mark(Scope.SECOND_STEP, f"proof:{staff_id}")


def _prove(
    session: Session,
    log_in: LoggedIn,
    right: Callable[[], bool],
    *,
    keys: Keys,
    browser: Browser,
    now: datetime,
) -> None:
    staff, own = log_in.staff, proof_mark(log_in.staff.id)
    taken = attempts.take(session, keys, (own, attempts.network(browser.ip)), now=now)
    if isinstance(taken, Locked) or not right():
        note(session, Noted.PROOF_REFUSED, staff=staff.id, now=now, ip=browser.ip)
        raise ProofRefused
    attempts.forgive(session, keys, (own,))
    session.get_one(StaffSession, log_in.session_id).proved_at = now
    note(session, Noted.PROVED, staff=staff.id, now=now, ip=browser.ip)
