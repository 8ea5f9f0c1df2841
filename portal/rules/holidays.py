"""Public holidays of states and provinces, from the `holidays` library, loaded when first asked."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import date
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class RegionHolidays:
    """The public holidays of a state or province, each year worked out when a day of it is asked.

    With the days on which they are observed. A region that is not known has its country's.
    """

    country: str
    region: str

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day in _of_year(self.country, self.region, day.year)


def region_holidays(country: str, region: str) -> Container[date]:
    """The days on which a region does not work, beside its weekends; nothing is loaded yet."""
    return RegionHolidays(country, region)


@lru_cache(4096)
def _of_year(country: str, region: str, year: int) -> frozenset[date]:
    # Imported here, because most pages ask for no date, and it takes 50 ms.
    from holidays import country_holidays  # noqa: PLC0415

    try:
        found = country_holidays(country, subdiv=region or None, years=year, expand=False)
    except NotImplementedError:
        found = country_holidays(country, years=year, expand=False)
    return frozenset(day for day in found if day.year == year)
