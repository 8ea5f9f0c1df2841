"""How hard sentences are to read: the usual formula of each language, over counted syllables."""

import re
from collections.abc import Iterable

WORD = re.compile(r"[^\W_]+(?:[’'-][^\W_]+)*")
SENTENCE = re.compile(r"[.?!:…]+(?=\s|$)")
VOWELS = {
    "en": re.compile(r"[aeiouy]+"),
    "es": re.compile(r"[iuü]?[aeoáéó][iuy]?|[íú]|[iuü]+"),
    "fr": re.compile(r"é|[aeiouyàâäèêëîïôöùûüœ]+"),
}
SILENT = {
    "en": re.compile(r"(?<=[^aeiouyl])e(?:s|d)?\b|(?<=[aeiouy]l)es?\b"),
    "es": re.compile(r"(?<=[gq])u(?=[eiéí])|h"),
    "fr": re.compile(r"(?<=[^aeiouy])es?\b"),
}


def syllables(word: str, language: str) -> int:
    """How many are heard in a word; at least one."""
    heard = SILENT[language].sub("", word.lower())
    return max(1, len(VOWELS[language].findall(heard)))


def sentences(text: str) -> list[list[str]]:
    """The words of each sentence of a text."""
    found = (WORD.findall(part) for part in SENTENCE.split(text))
    return [words for words in found if words]


def score(texts: Iterable[str], language: str) -> float:
    """Of all texts together: en Flesch-Kincaid, es Fernández-Huerta, fr Kandel-Moles.

    The first is a school grade, low is easy; the others run to 100 and more, high is easy.
    """
    spoken = [words for text in texts for words in sentences(text)]
    words = [word for sentence in spoken for word in sentence]
    length = len(words) / len(spoken)
    heard = sum(syllables(word, language) for word in words) / len(words)
    if language == "en":
        return 0.39 * length + 11.8 * heard - 15.59
    if language == "es":
        return 206.84 - 60 * heard - 1.02 * length
    return 207 - 73.6 * heard - 1.015 * length
