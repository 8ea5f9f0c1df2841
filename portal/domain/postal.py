"""A postal address as one name for one place, however a file writes it."""

from portal.domain.wording import search_key

_WHOLE = {
    **{"st": "street", "str": "street", "ave": "avenue", "av": "avenue", "rd": "road"},
    **{"dr": "drive", "ln": "lane", "ct": "court", "pl": "place", "sq": "square", "ter": "terrace"},
    **{"cir": "circle", "hwy": "highway", "pkwy": "parkway", "trl": "trail", "cres": "crescent"},
    **{"blvd": "boulevard", "boul": "boulevard", "bd": "boulevard", "ch": "chemin"},
    **{"n": "north", "s": "south", "e": "east", "w": "west"},
    **{"ne": "northeast", "nw": "northwest", "se": "southeast", "sw": "southwest"},
}
_UNITS = frozenset(["apartment", "apt", "unit", "suite", "ste", "no", "app", "appartement"])
ZIP = 5
"""The digits of an American postal code that every file has."""


def place_key(
    *, line: str | None, city: str | None, region: str, postal_code: str | None, country: str
) -> str:
    """The same for two spellings of one address, another for another address; empty for none.

    Capitals, accents, punctuation, usual short forms and the last four digits of a ZIP make no
    difference, nor does the city beside a postal code. Another number, street or flat does.
    """
    code = search_key(postal_code or "").replace(" ", "")
    street = " ".join(
        _WHOLE.get(word, word) for word in search_key(line or "").split() if word not in _UNITS
    )
    if not (street or code):
        return ""
    where = code[:ZIP] if code and country == "US" else code or f"{search_key(city or '')} {region}"
    return f"{street}|{where}|{country}".casefold()
