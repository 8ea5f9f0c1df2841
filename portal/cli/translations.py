"""``portal translations``: collect the words, check what was translated, compile it."""

import re
import tempfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import click
from babel.messages.frontend import CommandLineInterface

from portal import i18n, templating

if TYPE_CHECKING:
    import polib

PROJECT = i18n.TRANSLATIONS.parent
TEMPLATE = i18n.TRANSLATIONS / "messages.pot"
SHIPPED = [language for language in i18n.LANGUAGES if language != "en"]

HEADER = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|%[sd]|<[^>]+>")
PLURAL_FORMS = {
    "es": "nplurals=2; plural=(n != 1);",
    "fr": "nplurals=2; plural=(n > 1);",
}
PLURALS = re.compile(r"nplurals=(\d)")
LETTERS = re.compile(r"[A-Za-z]{2}")
SPOKEN_ATTRIBUTES = {"alt", "title", "aria-label", "placeholder", "content"}
SILENT_TAGS = {"style", "script"}
Key = tuple[str | None, str, str]


@click.group()
def translations() -> None:
    """Collect, check and compile the words of the interface."""


@translations.command()
def extract() -> None:
    """Collect the messages and bring every catalogue up to date; nothing is guessed."""
    collect(TEMPLATE)
    for language in SHIPPED:
        _update(language)
    click.echo(f"{len(_keys(TEMPLATE))} messages in {TEMPLATE.relative_to(PROJECT)}")


@translations.command("compile")
def compile_() -> None:
    """Compile the catalogues that changed; an error says which entry is wrong."""
    try:
        written = i18n.compile_catalogues()
    except (i18n.CatalogueBroken, i18n.CatalogueMissing) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(written)} catalogues compiled")


@translations.command()
def check() -> None:
    """Fail on a message that is missing, guessed, malformed or not marked for translation."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "messages.pot"
        collect(fresh)
        keys = _keys(fresh)
    problems = [
        f"messages.pot is stale: {key[1]!r}" for key in sorted(keys ^ _keys(TEMPLATE), key=str)
    ]
    for language in SHIPPED:
        problems += check_catalogue(_catalogue(language), keys, language)
    problems += [f"not marked for translation: {found}" for found in hard_coded()]
    for problem in problems:
        click.echo(problem)
    if problems:
        raise click.ClickException(
            f"{len(problems)} problems; `portal translations extract` helps."
        )
    click.echo(f"{len(keys)} messages in {len(SHIPPED) + 1} languages, complete")


@translations.command()
def pseudo() -> None:
    """Write the test languages: eo, longer and in brackets, and yi, from right to left."""
    collect(TEMPLATE)
    for language, disguise in DISGUISES.items():
        write_pseudo(TEMPLATE, i18n.TRANSLATIONS / language, language, disguise)
    click.echo("eo and yi are written; they are never offered to a person.")


def check_catalogue(entries: "polib.POFile", keys: set[Key], language: str) -> Iterator[str]:
    """What is wrong with a catalogue that should hold exactly these messages."""
    have = {_key(entry): entry for entry in entries if not entry.obsolete}
    forms = PLURALS.search(entries.metadata.get("Plural-Forms", ""))
    plurals = int(forms[1]) if forms else 0
    for key in sorted(keys, key=str):
        entry = have.get(key)
        problem = "absent" if entry is None else _wrong(entry, plurals)
        if problem:
            yield f"{language}: {problem}: {key[1]!r}"


def _wrong(entry: "polib.POEntry", plurals: int) -> str | None:
    texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    if not all(texts):
        return "missing"
    if entry.fuzzy:
        return "fuzzy"
    if entry.msgid_plural and len(texts) != plurals:
        return f"{len(texts)} plural forms instead of {plurals}"
    allowed = {_placeholders(source) for source in (entry.msgid, entry.msgid_plural) if source}
    if any(_placeholders(text) not in allowed for text in texts):
        return "placeholders differ"
    return None


def _placeholders(text: str) -> tuple[str, ...]:
    return tuple(sorted(PLACEHOLDER.findall(text)))


def hard_coded(templates: Path = templating.TEMPLATES) -> Iterator[str]:
    """Words in the templates that were never marked: `path: the words`."""
    env = templating.environment("en_US")
    for path in sorted(templates.rglob("*.html")):
        reader = WordsOfPage()
        reader.feed("".join(_markup(env.lex(path.read_text(encoding="utf-8")))))
        for words in reader.words:
            yield f"{path.relative_to(templates)}: {words}"


def _markup(tokens: Iterator[tuple[int, str, str]]) -> Iterator[str]:
    """The markup of a template; what it says through expressions is left out."""
    marked, opened = False, False
    for _line, kind, value in tokens:
        if kind == "block_begin":
            opened = True
        elif opened and kind == "name":
            opened, marked = False, value == "trans" or (marked and value != "endtrans")
        elif kind == "data" and not marked:
            yield value


class WordsOfPage(HTMLParser):
    """Reads markup and keeps what a person would see or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the attributes that are read out."""
        self._silent += tag in SILENT_TAGS
        if tag != "meta":
            self._keep(*(value for name, value in attrs if value and name in SPOKEN_ATTRIBUTES))

    def handle_endtag(self, tag: str) -> None:
        """Style and script end."""
        self._silent -= tag in SILENT_TAGS

    def handle_data(self, data: str) -> None:
        """Keep text."""
        if not self._silent:
            self._keep(data)

    def _keep(self, *texts: str) -> None:
        self.words += [" ".join(text.split()) for text in texts if _is_said(text)]


def _is_said(text: str) -> bool:
    return bool(LETTERS.search(text)) and '="' not in text  # attributes that a macro writes


def _longer(text: str) -> str:
    accents = str.maketrans("aeiouycnsAEIOUCN", "áéíóúýçñšÁÉÍÓÚÇÑ")
    filler = "~" * max(2, len(text) * 2 // 5)
    return f"[{_apart_from_placeholders(text, lambda part: part.translate(accents))} {filler}]"


def _mirrored(text: str) -> str:
    def turn(part: str) -> str:
        return re.sub(r"\S+", lambda word: f"\u200f\u202e{word[0]}\u202c\u200f", part)

    return _apart_from_placeholders(text, turn)


DISGUISES: dict[str, Callable[[str], str]] = {"eo": _longer, "yi": _mirrored}


def _apart_from_placeholders(text: str, change: Callable[[str], str]) -> str:
    parts = re.split(f"({PLACEHOLDER.pattern})", text)
    return "".join(part if at % 2 else change(part) for at, part in enumerate(parts))


def write_pseudo(
    template: Path, folder: Path, language: str, disguise: Callable[[str], str]
) -> None:
    """A catalogue in which every message is its own English, disguised."""
    import polib

    entries = polib.pofile(str(template))
    entries.metadata |= {"Language": language, "Plural-Forms": "nplurals=2; plural=(n != 1);"}
    entries.metadata_is_fuzzy = False
    for entry in entries:
        if entry.msgid_plural:
            forms = (entry.msgid, entry.msgid_plural)
            entry.msgstr_plural = {at: disguise(text) for at, text in enumerate(forms)}
        else:
            entry.msgstr = disguise(entry.msgid)
    target = folder / "LC_MESSAGES"
    target.mkdir(parents=True, exist_ok=True)
    entries.save(str(target / "messages.po"))
    entries.save_as_mofile(str(target / "messages.mo"))


def collect(target: Path) -> None:
    """Write every marked message of the project into a new .pot file."""
    options = ["-F", str(PROJECT / "babel.cfg"), "-k", "N_", "--no-location", "--sort-output"]
    words = [*options, "--omit-header", "-o", str(target), str(PROJECT)]
    CommandLineInterface().run(["pybabel", "-q", "extract", *words])  # type: ignore[no-untyped-call]
    target.write_text(HEADER + target.read_text(encoding="utf-8").lstrip(), encoding="utf-8")


def _update(language: str) -> None:
    import polib

    path = _path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {_key(entry): entry for entry in polib.pofile(str(path))} if path.exists() else {}
    fresh = polib.pofile(str(TEMPLATE))
    fresh.metadata = {"Language": language, "Plural-Forms": PLURAL_FORMS[language]} | fresh.metadata
    for entry in fresh:
        before = known.get(_key(entry))
        if before is not None:
            entry.msgstr, entry.msgstr_plural = before.msgstr, before.msgstr_plural
    fresh.metadata_is_fuzzy = False
    fresh.save(str(path))


def _path(language: str) -> Path:
    return i18n.TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


def _catalogue(language: str) -> "polib.POFile":
    import polib

    return polib.pofile(str(_path(language)))


def _keys(path: Path) -> set[Key]:
    import polib

    return {_key(entry) for entry in polib.pofile(str(path))} if path.exists() else set()


def _key(entry: "polib.POEntry") -> Key:
    return (entry.msgctxt, entry.msgid, entry.msgid_plural)
