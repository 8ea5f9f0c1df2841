"""The rules on contact of each place, as data, and what several of them want together (SC-03).

The rows are those of compliance.md, Appendix A; a pack only ever adds protection. Whoever changes
one gives it a new version: what left says under which versions it did.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from hashlib import sha256

from portal.domain.caps import ELECTRONIC, PRODUCT_CAPS, ContactCap, Per
from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole, Country, is_debt_collector
from portal.domain.windows import ContactWindow, Hours, Week

_EIGHT_TO_NINE = (Hours(time(8), time(21)),)
_SEVEN_TO_NINE = (Hours(time(7), time(21)),)
_SEVEN_TO_TEN = (Hours(time(7), time(22)),)
_EIGHT_TO_EIGHT = (Hours(time(8), time(20)),)
_SUNDAY = (Hours(time(13), time(17)),)

DAILY: Week = (_EIGHT_TO_NINE,) * 7


@dataclass(frozen=True, slots=True)
class FirstNotice:
    """A notice that comes before anything else is written, and how many days it is waited for.

    ``paper``: only a mailed one counts.
    """

    days: int
    paper: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPack:
    """What one place wants of contact with its people.

    ``holidays``: nothing is written on public holidays. ``consent``: the channels that need a
    person's own recorded consent, from everybody, or from collectors alone where ``collectors``.
    ``notice`` binds collectors. ``draft``: no counsel has read it; it binds like any other.
    """

    id: str
    rule: str
    week: Week
    version: int = 1
    holidays: bool = False
    caps: tuple[ContactCap, ...] = ()
    consent: frozenset[Channel] = frozenset()
    collectors: bool = False
    notice: FirstNotice | None = None
    draft: bool = False

    @property
    def mark(self) -> str:
        """How the record names it."""
        return f"{self.id}@{self.version}"

    @property
    def sha256(self) -> str:
        """The hash of what it says, so that no version is changed in silence."""
        said = (self.id, self.rule, self.week, self.holidays, self.notice, self.collectors)
        caps = [(cap.most, cap.span, cap.per, sorted(cap.channels)) for cap in self.caps]
        return sha256(repr((*said, caps, sorted(self.consent))).encode()).hexdigest()


def _us(name: str, rule: str = "CT-01", **given: object) -> ContactPack:
    return ContactPack(id=name, rule=rule, week=DAILY, **given)  # type: ignore[arg-type]


def _canada(name: str, rule: str, days: tuple[Hours, ...], **given: object) -> ContactPack:
    sunday = given.pop("sunday", _SUNDAY)
    week = (*(days,) * 6, sunday)
    return ContactPack(id=name, rule=rule, week=week, holidays=True, **given)  # type: ignore[arg-type]


def _draft(name: str) -> ContactPack:
    return _canada(name, "CA-05", _SEVEN_TO_NINE, caps=(ContactCap(3),), draft=True)


_WRITTEN = frozenset({Channel.EMAIL, Channel.SMS})
_TEXTS = frozenset({Channel.SMS})

PACKS: Mapping[str, ContactPack] = {
    pack.id: pack
    for pack in (
        _us("US"),
        _us("US-NYC", caps=(ContactCap(3, per=Per.DEBT),), consent=_WRITTEN),
        _us("US-NY", consent=frozenset({Channel.EMAIL}), collectors=True),
        _us("US-CA"),
        _us("US-DC", caps=(ContactCap(5, channels=ELECTRONIC),), consent=_WRITTEN),
        _us("US-WA", caps=(ContactCap(3, per=Per.DEBT),)),
        _us("US-MA", caps=(ContactCap(2, per=Per.DEBT, channels=_TEXTS),)),
        _canada(
            "CA-ON",
            "CA-01",
            _SEVEN_TO_NINE,
            caps=(ContactCap(3, channels=ELECTRONIC),),
            notice=FirstNotice(6),
        ),
        _canada("CA-BC", "CA-02", _SEVEN_TO_NINE, notice=FirstNotice(5)),
        _canada("CA-AB", "CA-05", _SEVEN_TO_TEN, caps=(ContactCap(3),)),
        _canada(
            "CA-QC",
            "CA-03",
            _EIGHT_TO_EIGHT,
            sunday=(),
            notice=FirstNotice(5, paper=True),
        ),
        *map(_draft, ("CA-MB", "CA-SK", "CA-NS", "CA-NB", "CA-NL", "CA-PE")),
        *map(_draft, ("CA-YT", "CA-NT", "CA-NU")),
    )
}

_NYC_PREFIXES = ("100", "101", "102", "103", "104", "111", "112", "113", "114", "116")
_NYC_CODES = ("11004", "11005")


def packs_of(country: Country, region: str | None, postal_code: str | None) -> list[ContactPack]:
    """The packs of the place where a person lives; ``region`` is its postal abbreviation.

    A place that is not known is every place that it may be: no province, all of them; no ZIP code
    in New York, its city too (SC-03).
    """
    if country is Country.CA:
        own = PACKS.get(f"CA-{region}")
        return [own] if own else [pack for name, pack in PACKS.items() if name.startswith("CA-")]
    names = ["US", f"US-{region}"]
    if region == "NY" and _may_be_in_the_city(postal_code):
        names.append("US-NYC")
    return [PACKS[name] for name in names if name in PACKS]


def _may_be_in_the_city(postal_code: str | None) -> bool:
    code = (postal_code or "").strip()[:5]
    return len(code) < 5 or code[:3] in _NYC_PREFIXES or code in _NYC_CODES


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRules:
    """What several packs want together; the stricter wins in everything (SC-03)."""

    marks: tuple[str, ...]
    windows: tuple[ContactWindow, ...]
    caps: tuple[ContactCap, ...]
    consent: frozenset[Channel]
    notices: tuple[tuple[FirstNotice, str], ...]

    @property
    def own_caps(self) -> tuple[ContactCap, ...]:
        """The caps of the places themselves, which bind calls too; the product's bind writing."""
        return self.caps[len(PRODUCT_CAPS) :]

    def notice_bar(self, written: date | None, mailed: date | None, today: date) -> str | None:
        """The rule of a first notice that was not given, or is still waited for; None if none is.

        ``written`` is when a notice went by whatever way, ``mailed`` when one went on paper.
        """
        for notice, rule in self.notices:
            given = mailed if notice.paper else _latest(written, mailed)
            if given is None or today < given + timedelta(days=notice.days):
                return rule
        return None


def _latest(*days: date | None) -> date | None:
    return max((day for day in days if day), default=None)


def together(
    packs: Iterable[ContactPack], role: CollectorRole, holidays: Container[date] = frozenset()
) -> ContactRules:
    """The rules that these packs make for who writes in this role (SC-03).

    ``holidays`` are those of the place.
    """
    found = list(packs)
    collector = is_debt_collector(role)
    binding = [pack for pack in found if collector or not pack.collectors]
    return ContactRules(
        marks=tuple(pack.mark for pack in found),
        windows=tuple(_window(pack, holidays) for pack in found),
        caps=(*PRODUCT_CAPS, *(cap for pack in found for cap in pack.caps)),
        consent=frozenset(channel for pack in binding for channel in pack.consent),
        notices=tuple((pack.notice, pack.rule) for pack in found if pack.notice and collector),
    )


def _window(pack: ContactPack, holidays: Container[date]) -> ContactWindow:
    closed = holidays if pack.holidays else frozenset[date]()
    return ContactWindow(week=pack.week, holidays=closed, rule=pack.rule)


FEDERAL_RULES = together([PACKS["US"]], CollectorRole.FIRST_PARTY_CREDITOR)
