"""When somebody answers the phone, in a client's own words for each language."""

import json
from collections.abc import Mapping


def as_kept(given: str | Mapping[str, str]) -> str:
    """The hours as they are kept: the words themselves, or one object of words by language."""
    return given if isinstance(given, str) else json.dumps(dict(given), ensure_ascii=False)


def in_language(kept: str, language: str) -> str:
    """The hours in a language; where it has none, in English, else in the first that has some."""
    words = _by_language(kept)
    return words.get(language) or words.get("en") or next(iter(words.values()), kept)


def by_language(kept: str) -> dict[str, str]:
    """The hours as they were given, language by language; words for everybody count as English."""
    return _by_language(kept) or {"en": kept}


def _by_language(kept: str) -> dict[str, str]:
    if not kept.startswith("{"):
        return {}
    try:
        words = json.loads(kept)
    except ValueError:
        return {}
    return {str(name): str(said) for name, said in words.items()}
