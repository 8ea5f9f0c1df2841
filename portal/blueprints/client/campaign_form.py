"""The form of a campaign: whom it is for, how, how fast; and when it begins."""

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from wtforms import BooleanField, SelectChoice, SelectField, StringField  # type: ignore[attr-defined]

from portal.blueprints.client.limit_fields import RegionsField
from portal.blueprints.fields import MoneyField
from portal.domain import N_, DomainError
from portal.domain.audience import Audience
from portal.domain.help import kept_words
from portal.domain.policy import Segment
from portal.i18n import LANGUAGES
from portal.models import Client
from portal.services.campaign_control import LONGEST_NAME, Plan
from portal.web import Form

FASTEST = 10_000
_ANY = ""


class PaceUnclear(DomainError):
    """The pace is no whole number that can be kept."""

    message = N_("Write a whole number from 1 to %(most)s, or leave it empty.")


class DayUnclear(DomainError):
    """A day was not written as the field asks."""

    message = N_("Choose a day, or leave it empty.")


class BeginUnclear(DomainError):
    """The day or the time when a campaign begins is missing or wrong."""

    message = N_("Choose a day and a time.")


class CampaignForm(Form):
    """What a campaign is to be."""

    name = StringField(N_("Name"), description=N_("Only you see it."))
    segment = SelectField(N_("Segment of your limits"))
    from_balance = MoneyField(N_("They owe at least"), optional=True)
    to_balance = MoneyField(N_("They owe at most"), optional=True)
    regions = RegionsField(
        N_("States or provinces"), description=N_("Separated by commas. Empty means all.")
    )
    language = SelectField(N_("Language"))
    placed_since = StringField(N_("Placed on this day or later"))
    unagreed = BooleanField(N_("Only where nothing was ever agreed"))
    unopened = BooleanField(N_("Only people who never opened a link"))
    email_only = BooleanField(N_("No text messages"))
    letters = BooleanField(
        N_("Also by letter, to people whom no email or text may reach"),
        description=N_(
            "Letters go to the street address on file. Somebody prints and posts them, which costs"
            " money."
        ),
    )
    per_minute = StringField(
        N_("Most messages per minute"), description=N_("Empty means all at once.")
    )

    def offer(self, client: Client, segments: tuple[Segment, ...]) -> None:
        """Put the client's segments, languages and currency on the page."""
        self.segment.choices = [
            SelectChoice(_ANY, N_("Everybody")),
            *(SelectChoice(one.name, one.name) for one in segments),
        ]
        self.language.choices = [
            SelectChoice(_ANY, N_("All languages")),
            *(SelectChoice(code, LANGUAGES[code]) for code in client.languages),
        ]

    def plan(self, segments: tuple[Segment, ...]) -> Plan:
        """The campaign as typed. Raises DomainError where something is unclear."""
        chosen = {one.name: one for one in segments}.get(self.segment.data)
        spoken = self.language.data
        audience = Audience(
            segment=chosen,
            from_balance_cents=self.from_balance.data,
            to_balance_cents=self.to_balance.data,
            regions=tuple(self.regions.data or ()),
            languages=(spoken,) if spoken != _ANY else (),
            placed_since=_day(self.placed_since.data),
            unagreed=self.unagreed.data,
            unopened=self.unopened.data,
        )
        return Plan(
            name=kept_words(self.name.data, most=LONGEST_NAME),
            audience=audience,
            email_only=self.email_only.data,
            letters=self.letters.data,
            per_minute=_pace(self.per_minute.data),
        )


class BeginForm(Form):
    """When a campaign begins, on the client's own clock."""

    day = StringField(N_("Day"))
    time = StringField(N_("Time"))

    def at(self, client: Client) -> datetime:
        """The instant as typed. Raises BeginUnclear."""
        try:
            typed = datetime.fromisoformat(f"{self.day.data}T{self.time.data}")
        except ValueError:
            raise BeginUnclear from None
        if typed.tzinfo is not None:
            raise BeginUnclear
        return typed.replace(tzinfo=ZoneInfo(client.time_zone))


def _day(typed: Any) -> date | None:
    if not (text := (typed or "").strip()):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DayUnclear from None


def _pace(typed: Any) -> int | None:
    if not (text := (typed or "").strip()):
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= FASTEST:
        raise PaceUnclear(most=FASTEST)
    return int(text)
