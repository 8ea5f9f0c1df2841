"""The one decision about a message: places, permissions, wishes, first notices, hours and caps."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.capabilities import AccountStanding, capabilities
from portal.domain.caps import MadeContact
from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole, Country, DebtPurpose
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.outgoing import (
    REASONS,
    SEND,
    TEMPLATES,
    Action,
    Debt,
    Decision,
    Rule,
    Situation,
    decide,
    reason_of,
)
from portal.domain.packs import PACKS, ContactPack, packs_of, together
from portal.domain.permissions import Address, Basis, Proof
from portal.domain.statuses import AccountStatus
from portal.domain.windows import CANADIAN_ZONES, US_ZONES, CandidateZones
from portal.domain.wishes import (
    DAYS,
    DayPart,
    NothingLeft,
    Slot,
    Wishes,
    WishKind,
    read_slot,
    require_some_time,
    wishes_of,
)

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)  # a Monday, noon in New York
TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)
AGENCY, CREDITOR = CollectorRole.THIRD_PARTY_AGENCY, CollectorRole.FIRST_PARTY_CREDITOR
EMAIL, SMS = Channel.EMAIL, Channel.SMS
CONSENT = Proof(basis=Basis.DIRECT_CONSENT, at=NOW - 90 * DAY)


def standing(**given: Any) -> AccountStanding:
    values: dict[str, Any] = {
        "role": CREDITOR,
        "purpose": DebtPurpose.CONSUMER,
        "status": AccountStatus.OPEN,
        "balance_cents": Cents(100_00),
        "currency": "USD",
        "validation_notice_sent_on": None,
        "sol_expires_on": None,
    }
    return AccountStanding(**(values | given))


def debt(*holds: HoldKind, **given: Any) -> Debt:
    return Debt(id=UUID(int=1), allowed=capabilities(standing(), holds, TODAY), **given)


def packs(*names: str, role: CollectorRole = CREDITOR, holidays: Iterable[date] = ()) -> Any:
    return together([PACKS[name] for name in names], role, frozenset(holidays))


def situation(zones: Iterable[str] = ("America/New_York",), **given: Any) -> Situation:
    values: dict[str, Any] = {
        "template": TEMPLATES["link"],
        "address": Address(channel=EMAIL, proofs=[CONSENT]),
        "zones": CandidateZones(tuple(zones), "region"),
        "debts": [debt()],
        "today": TODAY,
    }
    return Situation(**(values | given))


def local(zone: str, day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone)).astimezone(UTC)


def rule_at(at: datetime, **given: Any) -> str:
    return decide(situation(**given), at).rule


# Windows of each place


SUNDAY, CHRISTMAS = date(2026, 11, 22), date(2026, 12, 25)


@pytest.mark.parametrize(
    ("pack", "zone", "day", "hour", "minute", "rule"),
    [
        ("CA-ON", "America/Toronto", SUNDAY, 12, 59, "CA-01"),
        ("CA-ON", "America/Toronto", SUNDAY, 13, 0, ""),
        ("CA-ON", "America/Toronto", SUNDAY, 16, 45, "CA-01"),
        ("CA-ON", "America/Toronto", TODAY, 7, 0, ""),
        ("CA-ON", "America/Toronto", CHRISTMAS, 12, 0, "CA-01"),
        ("CA-BC", "America/Vancouver", SUNDAY, 12, 59, "CA-02"),
        ("CA-BC", "America/Vancouver", SUNDAY, 13, 0, ""),
        ("CA-BC", "America/Vancouver", CHRISTMAS, 12, 0, "CA-02"),
        ("CA-QC", "America/Montreal", SUNDAY, 14, 0, "CA-03"),
        ("CA-QC", "America/Montreal", TODAY, 7, 59, "CA-03"),
        ("CA-QC", "America/Montreal", TODAY, 8, 0, ""),
        ("CA-QC", "America/Montreal", TODAY, 19, 45, "CA-03"),
        ("CA-AB", "America/Edmonton", TODAY, 21, 44, ""),
        ("CA-AB", "America/Edmonton", SUNDAY, 12, 0, "CA-05"),
        ("CA-NS", "America/Halifax", SUNDAY, 17, 0, "CA-05"),
        ("US", "America/New_York", SUNDAY, 8, 0, ""),
        ("US", "America/New_York", TODAY, 7, 59, "CT-01"),
    ],
)
def test_each_place_has_its_hours(
    pack: str, zone: str, day: date, hour: int, minute: int, rule: str
) -> None:
    """CT-01, CA-01, CA-02, CA-03, CA-05"""
    rules = packs(pack, holidays=[CHRISTMAS])
    assert rule_at(local(zone, day, hour, minute), zones=[zone], rules=rules) == rule


@pytest.mark.parametrize(
    ("country", "region", "code", "names"),
    [
        ("US", "NJ", "07030", ["US"]),
        ("US", "CA", "90001", ["US", "US-CA"]),
        ("US", "NY", "12207", ["US", "US-NY"]),
        ("US", "NY", "10001-2345", ["US", "US-NY", "US-NYC"]),
        ("US", "NY", "11201", ["US", "US-NY", "US-NYC"]),
        ("US", "NY", "11005", ["US", "US-NY", "US-NYC"]),
        ("US", "NY", "11050", ["US", "US-NY"]),
        ("US", "NY", None, ["US", "US-NY", "US-NYC"]),
        ("US", None, None, ["US"]),
        ("CA", "ON", "M5V 2T6", ["CA-ON"]),
    ],
)
def test_sc_03_a_place_has_the_packs_of_all_it_lies_in(
    country: str, region: str | None, code: str | None, names: list[str]
) -> None:
    assert [pack.id for pack in packs_of(Country(country), region, code)] == names


def test_sc_03_an_unknown_province_is_every_province() -> None:
    found = packs_of(Country.CA, None, None)
    assert len(found) == 13
    assert {pack.id for pack in found if pack.draft} >= {"CA-MB", "CA-SK", "CA-NL", "CA-PE"}


def test_sc_02_no_published_pack_is_changed_without_a_new_version() -> None:
    """Whoever changes what a pack says gives it a new version, and puts its hash here."""
    said = {pack.mark: pack.sha256[:12] for pack in PACKS.values()}
    assert said == PUBLISHED


PUBLISHED = {
    "US@1": "8f87881f9e1a",
    "US-NYC@1": "235bfac65b14",
    "US-NY@1": "a15a1ce10072",
    "US-CA@1": "2f98bbcba99f",
    "US-DC@1": "3f7b17da838a",
    "US-WA@1": "681a0f9fc7a1",
    "US-MA@1": "00be7b41bcc9",
    "CA-ON@1": "27f91517915e",
    "CA-BC@1": "898de4a5e9b4",
    "CA-AB@1": "2070047de274",
    "CA-QC@1": "22920c431191",
    "CA-MB@1": "f29b60f7a905",
    "CA-SK@1": "923a48649116",
    "CA-NS@1": "8dc70d465c46",
    "CA-NB@1": "38ad52e2b938",
    "CA-NL@1": "d92b33d2f4ce",
    "CA-PE@1": "7dfdf1fe8cad",
    "CA-YT@1": "cce33c37327f",
    "CA-NT@1": "f8c6ee7162b6",
    "CA-NU@1": "1a74e3a3ba85",
}


# Permissions


def notice(**given: Any) -> Proof:
    values: dict[str, Any] = {
        "basis": Basis.CREDITOR_NOTICE,
        "at": NOW,
        "notice_sent_on": TODAY,
        "deadline_on": TODAY + 35 * DAY,
        "kept": True,
    }
    return Proof(**(values | given))


def barred(proofs: list[Proof], day: int = 36, **given: Any) -> str:
    address = Address(channel=EMAIL, proofs=proofs, **given)
    at = NOW + day * DAY
    return decide(situation(address=address, today=at.date()), at).rule


@pytest.mark.parametrize(("day", "rule"), [(34, "EC-01"), (35, "EC-01"), (36, "")])
def test_ec_01_a_creditors_notice_permits_after_its_35_days(day: int, rule: str) -> None:
    assert barred([notice()], day) == rule


@pytest.mark.parametrize(
    ("proof", "public"),
    [
        (notice(kept=False), True),
        (notice(notice_sent_on=None), True),
        (notice(deadline_on=TODAY + 34 * DAY), True),
        (notice(), False),
        (Proof(basis=Basis.PRIOR_COLLECTOR, at=NOW), True),
        (Proof(basis=Basis.RND, at=NOW), True),
    ],
)
def test_ec_01_without_the_copy_the_days_or_a_public_domain_it_permits_nothing(
    proof: Proof, public: bool
) -> None:
    assert barred([proof], 60, public=public) == "EC-01"


@pytest.mark.parametrize("basis", [Basis.DIRECT_CONSENT, Basis.USED, Basis.PRIOR_COLLECTOR])
def test_ec_01_what_the_person_did_permits_and_what_a_collector_before_us_proves(
    basis: Basis,
) -> None:
    assert barred([Proof(basis=basis, at=NOW, kept=True)]) == ""
    assert barred([]) == "EC-01"


def test_ct_07_an_address_at_work_needs_the_persons_own_word() -> None:
    assert barred([notice()], at_work=True) == "CT-07"
    assert barred([notice(), CONSENT], at_work=True) == ""


def text_at(day: int, *proofs: Proof) -> str:
    address = Address(channel=SMS, proofs=proofs)
    return decide(situation(address=address), NOW + day * DAY).rule


def test_ec_02_a_number_is_confirmed_every_60_days() -> None:
    """EC-02: day 61 without refresh is blocked, until the database or the person confirms it."""
    consent = Proof(basis=Basis.DIRECT_CONSENT, at=NOW)
    assert text_at(60, consent) == ""
    assert text_at(61, consent) == "EC-02"
    for basis in (Basis.RND, Basis.USED, Basis.DIRECT_CONSENT):
        assert text_at(61, consent, Proof(basis=basis, at=NOW + 50 * DAY)) == ""
    assert text_at(1, Proof(basis=Basis.RND, at=NOW)) == "EC-02"
    assert text_at(1, notice()) == "EC-02"


def test_ct_04_what_somebody_asks_for_there_needs_no_permission() -> None:
    asked = situation(address=Address(channel=EMAIL), asked_for=True, wishes=Wishes(only=SMS))
    assert decide(asked, NOW - 10 * timedelta(hours=1)) == SEND


@pytest.mark.parametrize(
    ("names", "role", "rule"),
    [
        (("US", "US-NYC"), CREDITOR, "EC-01"),
        (("US", "US-DC"), CREDITOR, "EC-01"),
        (("US", "US-NY"), AGENCY, "EC-01"),
        (("US", "US-NY"), CREDITOR, ""),
        (("US",), AGENCY, ""),
    ],
)
def test_st_01_some_places_want_the_persons_recorded_consent(
    names: tuple[str, ...], role: CollectorRole, rule: str
) -> None:
    used = Address(channel=EMAIL, proofs=[Proof(basis=Basis.USED, at=NOW)])
    assert rule_at(NOW, rules=packs(*names, role=role), address=used) == rule
    assert rule_at(NOW, rules=packs(*names, role=role)) == ""


# Wishes


def test_ct_03_never_on_tuesday_mornings() -> None:
    """CT-03: the send of Tuesday at ten waits."""
    wishes = Wishes(never=(Slot("tue", "morning"),))
    tuesday = local("America/New_York", date(2026, 11, 24), 10)
    decision = decide(situation(wishes=wishes), tuesday)
    noon = local("America/New_York", date(2026, 11, 24), 12)
    assert decision == Decision(Action.WAIT, Rule.WISH, noon)
    assert decide(situation(wishes=wishes), noon) == SEND
    assert decide(situation(wishes=wishes), tuesday + DAY) == SEND


def test_ct_03_only_by_email_and_not_at_that_place() -> None:
    texted = Address(channel=SMS, proofs=[Proof(basis=Basis.USED, at=NOW)])
    assert rule_at(NOW, address=texted) == ""
    assert rule_at(NOW, address=texted, wishes=Wishes(only=EMAIL)) == "CT-03"
    assert rule_at(NOW, wishes=Wishes(only=EMAIL)) == ""
    at_work = Address(channel=EMAIL, id=UUID(int=7), proofs=[CONSENT])
    closed = Wishes(places=frozenset({UUID(int=7)}))
    assert rule_at(NOW, address=at_work, wishes=closed) == "CT-03"


def test_ct_03_wishes_are_read_as_they_were_written() -> None:
    rows = [
        (WishKind.NOT_AT, "sun any"),
        (WishKind.ONLY, "email"),
        (WishKind.NOT_TO, str(UUID(int=7))),
        (WishKind.LANGUAGE, "es"),
    ]
    assert wishes_of(rows) == Wishes(
        never=(Slot("sun"),), only=EMAIL, places=frozenset({UUID(int=7)})
    )
    for wrong in ("", "any any", "monday any", "mon noon"):
        with pytest.raises(ValueError, match="no time of a week"):
            read_slot(wrong)


def test_ct_03_a_week_without_an_hour_is_not_a_wish() -> None:
    every = [Slot(day) for day in DAYS]
    require_some_time(every[1:])
    with pytest.raises(NothingLeft):
        require_some_time(every)
    assert rule_at(NOW, wishes=Wishes(never=tuple(every))) == "CT-03"


# First notices


@pytest.mark.parametrize(
    ("pack", "days", "rule"),
    [("CA-ON", 6, "CA-01"), ("CA-BC", 5, "CA-02"), ("CA-QC", 5, "CA-03")],
)
def test_a_first_notice_is_waited_for(pack: str, days: int, rule: str) -> None:
    """CA-01, CA-02, CA-03"""
    rules = packs(pack, role=AGENCY)

    def after(passed: int, **given: Any) -> str:
        sent_on = TODAY - passed * DAY
        return rule_at(NOW, rules=rules, debts=[debt(mailed_on=sent_on, **given)])

    assert after(days - 1) == rule
    assert after(days) == ""
    assert rule_at(NOW, rules=rules) == rule
    reply = situation(rules=rules, template=TEMPLATES["thread_reply"])
    assert decide(reply, NOW) == SEND
    assert rule_at(NOW, rules=packs(pack)) == ""


def test_ca_03_only_a_notice_on_paper_counts_in_quebec() -> None:
    given = {"debts": [debt(written_on=TODAY - 30 * DAY)]}
    assert rule_at(NOW, rules=packs("CA-QC", role=AGENCY), **given) == "CA-03"
    assert rule_at(NOW, rules=packs("CA-ON", role=AGENCY), **given) == ""


def test_ca_01_one_account_that_had_its_notice_is_enough() -> None:
    rules = packs("CA-ON", role=AGENCY)
    debts = [debt(), debt(written_on=TODAY - 9 * DAY)]
    assert rule_at(NOW, rules=rules, debts=debts) == ""
    held = [debt(), debt(HoldKind.DISPUTE, written_on=TODAY - 9 * DAY)]
    assert rule_at(NOW, rules=rules, debts=held) == "CA-01"


# What holds for every situation


STRICTER = sorted(PACKS)
MOMENTS = st.integers(0, 400 * 24 * 60).map(lambda n: NOW + n * timedelta(minutes=1))
SLOTS = st.tuples(st.sampled_from(DAYS), st.sampled_from(DayPart)).map(lambda one: Slot(*one))
WISHED = st.builds(
    Wishes,
    never=st.lists(SLOTS, max_size=6).map(tuple),
    only=st.sampled_from([None, EMAIL]),
)
ZONES = st.sets(st.sampled_from(US_ZONES[:5] + CANADIAN_ZONES), min_size=1, max_size=3)
CONTACTS = st.lists(
    st.builds(
        MadeContact,
        at=st.integers(0, 200).map(lambda hours: NOW + hours * timedelta(hours=1)),
        channel=st.sampled_from(Channel),
        account=st.sampled_from([None, UUID(int=1), UUID(int=2)]),
    ),
    max_size=4,
)
NAMES = st.lists(st.sampled_from(STRICTER), min_size=1, max_size=3, unique=True)
HOLIDAYS = frozenset(NOW.date() + n * DAY for n in (1, 2, 40, 300))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Situation, list[ContactPack], CollectorRole]:
    chosen = [PACKS[name] for name in draw(NAMES)]
    role = draw(st.sampled_from([CREDITOR, AGENCY]))
    made = draw(CONTACTS)
    built = situation(
        zones=sorted(draw(ZONES)),
        template=TEMPLATES[draw(st.sampled_from(["link", "receipt", "thread_reply"]))],
        wishes=draw(WISHED),
        earlier=made,
        debts=[debt(written_on=TODAY - draw(st.integers(0, 9)) * DAY)],
        rules=together(chosen, role, HOLIDAYS),
    )
    return built, chosen, role


@given(situations(), MOMENTS)
def test_ct_02_nothing_is_sent_outside_a_window_of_any_zone(
    drawn: tuple[Situation, list[ContactPack], CollectorRole], now: datetime
) -> None:
    built, chosen, _ = drawn
    if decide(built, now) != SEND:
        return
    for zone in built.zones.names:
        there = now.astimezone(ZoneInfo(zone))
        part = next(
            part for part, last in zip(DayPart, (12, 17, 24), strict=True) if there.hour < last
        )
        assert not any(one.covers(DAYS[there.weekday()], part) for one in built.wishes.never)
        for pack in chosen:
            assert not (pack.holidays and there.date() in HOLIDAYS)
            hours = pack.week[there.weekday()]
            assert any(one.opens <= there.time() < one.closes for one in hours)


@given(situations(), MOMENTS)
def test_what_waits_is_sent_when_its_time_comes(
    drawn: tuple[Situation, list[ContactPack], CollectorRole], now: datetime
) -> None:
    built, _, _ = drawn
    decision = decide(built, now)
    assert decision == decide(built, now)
    if decision.action is Action.WAIT:
        assert decision.until is not None
        assert decision.until > now
        assert decide(built, decision.until) == SEND
    assert decision.rule in ("", *REASONS)


@given(situations(), st.sampled_from(STRICTER), MOMENTS)
def test_sc_03_another_pack_never_lets_more_through(
    drawn: tuple[Situation, list[ContactPack], CollectorRole], another: str, now: datetime
) -> None:
    built, chosen, role = drawn
    stricter = replace(built, rules=together([*chosen, PACKS[another]], role, HOLIDAYS))
    if decide(stricter, now) == SEND:
        assert decide(built, now) == SEND


def test_rt_02_every_rule_has_words_of_its_own_for_staff() -> None:
    ours = {*Rule, *(pack.rule for pack in PACKS.values()), "VN-04", "TB-02", "DH-09", "too_little"}
    assert ours - {"EV-08"} <= set(REASONS)
    assert all(sentence.endswith(".") for sentence in REASONS.values())


def test_ct_05_what_is_late_is_told_however_long_the_cap_lasts() -> None:
    """The plan could end without it; a reminder would be out of date by then."""
    now = local("America/New_York", TODAY, 9)
    made = [MadeContact(now - days * timedelta(days=1), EMAIL) for days in (1, 2, 3)]

    def found(name: str) -> Decision:
        return decide(situation(template=TEMPLATES[name], earlier=made), now)

    assert found("payment_reminder").action is Action.DROP
    missed = found("payment_missed")
    assert (missed.action, missed.rule) == (Action.WAIT, "CT-05")
    assert missed.until == now + timedelta(days=4)


def test_ca_03_what_waits_for_its_hour_in_quebec_is_said_to_wait_for_hours():
    """CA-03: a creditor needs no notice on paper there, and a Sunday is no reason to want one."""
    assert "hours" in reason_of(Rule.QUEBEC, waits=True)
    assert "paper" not in reason_of(Rule.QUEBEC, waits=True)
    assert "paper" in reason_of(Rule.QUEBEC)
    assert reason_of(Rule.CAP, waits=True) == reason_of(Rule.CAP)
