"""Caps on contact (CT-05), what a text means (EC-06) and who may be texted (EC-07)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.caps import ContactCap, MadeContact, Per, next_contact
from portal.domain.channels import WHY_CLOSED, Channel, SmsClosed, sms_closed
from portal.domain.debts import CollectorRole
from portal.domain.packs import PACKS
from portal.domain.replies import Meaning, read_reply

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
EMAIL, SMS, LETTER = Channel.EMAIL, Channel.SMS, Channel.LETTER
ONE, OTHER = UUID(int=1), UUID(int=2)


def emails(*hours: int) -> list[MadeContact]:
    return [MadeContact(NOON + hour * HOUR, EMAIL) for hour in hours]


def test_ct_05_the_fourth_contact_in_a_week_waits() -> None:
    earlier = emails(0, 30, 60)
    assert next_contact(earlier, NOON + 100 * HOUR, channel=EMAIL) == NOON + 168 * HOUR
    after = NOON + 168 * HOUR + SECOND
    assert next_contact(earlier, after, channel=EMAIL) == after


def test_ct_05_one_electronic_message_a_day_whatever_the_channel() -> None:
    assert next_contact(emails(0), NOON + HOUR, channel=SMS) == NOON + 24 * HOUR
    assert next_contact(emails(0), NOON + HOUR, channel=LETTER) == NOON + HOUR
    assert next_contact([MadeContact(NOON, LETTER)], NOON, channel=EMAIL) == NOON
    assert next_contact([], NOON, channel=EMAIL) == NOON


def test_ct_05_a_cap_per_debt_counts_what_was_written_about_it_or_about_all() -> None:
    """The cap of New York City: three in seven days for each account."""
    cap = [ContactCap(3, per=Per.DEBT)]
    made = [MadeContact(NOON + n * HOUR, LETTER, one) for n, one in enumerate((ONE, ONE, OTHER))]

    def free(*about: UUID) -> datetime:
        return next_contact(made, NOON + 9 * HOUR, channel=EMAIL, accounts=about, caps=cap)

    assert free(ONE) == free(OTHER) == NOON + 9 * HOUR
    made.append(MadeContact(NOON + 5 * HOUR, EMAIL))  # about all of them
    assert free(ONE) == NOON + 168 * HOUR
    assert free(OTHER) == NOON + 9 * HOUR
    assert free(OTHER, ONE) == NOON + 168 * HOUR


def test_ct_05_massachusetts_counts_texts_alone() -> None:
    caps = PACKS["US-MA"].caps
    made = [MadeContact(NOON, SMS), MadeContact(NOON, SMS), *emails(0, 0, 0)]
    given = {"accounts": [ONE], "caps": caps}
    assert next_contact(made, NOON, channel=SMS, **given) == NOON + 168 * HOUR
    assert next_contact(made, NOON, channel=EMAIL, **given) == NOON


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=30), st.integers(1, 4))
def test_ct_05_contacts_made_when_allowed_never_exceed_the_cap(gaps: list[int], week: int) -> None:
    caps = [ContactCap(week), ContactCap(1, 24 * HOUR)]
    made: list[MadeContact] = []
    now = NOON
    for gap in gaps:
        now = next_contact(made, now + gap * timedelta(minutes=10), channel=EMAIL, caps=caps)
        made.append(MadeContact(now, EMAIL))
    times = [one.at for one in made]
    for at in times:
        assert sum(at - 168 * HOUR < one <= at for one in times) <= week
        assert sum(at - 24 * HOUR < one <= at for one in times) <= 1


@pytest.mark.parametrize(
    "text",
    ["STOP", "stop", "Stop.", " STOP! ", "quit", "END", "Revoke", "OPT OUT", "opt-out", "optout"]
    + ["CANCEL", "unsubscribe", "ARRÊT", "arret", "Alto", "stop all", "STOP\n", "«Stop»"],
)
def test_ec_06_the_words_of_the_rule_stop_at_once(text: str) -> None:
    assert read_reply(text) is Meaning.STOP


@pytest.mark.parametrize(
    "text",
    [
        "please stop texting me",
        "Don't text me again",
        "do not contact me at this number",
        "wrong number",
        "This is the wrong person",
        "Remove me from your list",
        "leave me alone!!",
        "I have a lawyer",
        "no me escriban más",
        "ne m’écrivez plus",
        "Número equivocado",
        "cease and desist",
    ],
)
def test_ec_06_what_may_mean_stop_is_one(text: str) -> None:
    assert read_reply(text) in (Meaning.REVOKED, Meaning.WRONG_PERSON)


@pytest.mark.parametrize(
    ("text", "reply"),
    [("HELP", Meaning.HELP), ("aide?", Meaning.HELP), ("start", Meaning.OTHER), ("", Meaning.OTHER)]
    + [("I paid this last week, thanks", Meaning.OTHER), ("the bus stops here", Meaning.OTHER)],
)
def test_other_texts_are_read_too(text: str, reply: Meaning) -> None:
    assert read_reply(text) is reply


@pytest.mark.parametrize("role", CollectorRole)
def test_ec_07_texts_are_off_for_agencies_unless_switched_on(role: CollectorRole) -> None:
    off = role in (CollectorRole.THIRD_PARTY_AGENCY, CollectorRole.DEBT_BUYER)
    known = {"provider_takes": True, "registered": True}
    assert (sms_closed(role, **known, switched_on=None) is SmsClosed.ROLE) is off
    assert sms_closed(role, **known, switched_on=True) is None
    why = SmsClosed.ROLE if off else SmsClosed.SWITCHED_OFF
    assert sms_closed(role, **known, switched_on=False) is why
    untaken = known | {"provider_takes": False}
    assert sms_closed(role, **untaken, switched_on=True) is SmsClosed.PROVIDER
    unknown = known | {"registered": False}
    assert sms_closed(role, **unknown, switched_on=True) is SmsClosed.UNREGISTERED
    assert WHY_CLOSED.keys() == set(SmsClosed)
