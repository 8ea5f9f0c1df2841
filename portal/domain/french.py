"""Where an agreement binds in another language only after its French version (CA-04)."""

from portal.domain.debts import Country

FRENCH = "fr"
QUEBEC = "QC"


def in_quebec(country: str, region: str | None) -> bool:
    """Whether the Charter of the French language is the law of the place where a person lives."""
    return country == Country.CA and region == QUEBEC


def french_first(country: str, region: str | None, locale: str) -> bool:
    """Whether what is agreed to in a locale needs its French version first, and then a wish.

    A contract that one side has drawn up, and the papers that belong to it, bind in another
    language only where the French version was given first and the other side then said that it
    wants that language (Charter of the French language, s. 55; CA-04).
    """
    return in_quebec(country, region) and not locale.startswith(FRENCH)
