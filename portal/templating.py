"""Templates that speak a person's language; no Flask."""

import re
from collections.abc import MutableMapping
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, nodes
from jinja2.bccache import Bucket
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from portal.domain import N_
from portal.domain.brands import brand_name
from portal.domain.counter import paid_with
from portal.i18n import LANGUAGES, Voice, voice

TEMPLATES = Path(__file__).parent / "templates"

SPOKEN = (
    *("gettext", "ngettext", "pgettext", "npgettext"),
    *("money", "number", "percent", "date", "day_of", "time", "datetime"),
)
"""What a template can say without importing anything."""

ALSO_SPOKEN = ("_", "money_text")

LABEL = N_("%(label)s:")
"""A word before what it names; French has a space before the colon."""


def render(locale: str, template: str, /, **context: object) -> str:
    """A template in the language of `locale`: HTML when its name says so, else plain text."""
    env = environment(locale, html=template.endswith(".html"))
    return env.get_template(template).render(context)


def render_block(locale: str, template: str, block: str, /, **context: object) -> str:
    """One block of a template on its own, such as the subject in an e-mail's text."""
    env = environment(locale, html=template.endswith(".html"))
    source = env.get_template(template)
    return "".join(source.blocks[block](source.new_context(dict(context)))).strip()


@cache
def environment(locale: str, *, html: bool = True) -> Environment:
    """The Jinja environment of a locale: its words and formats are globals, so they cost a call."""
    speaker = voice(locale)
    env = Speaking(
        loader=Templates(TEMPLATES),
        autoescape=html,  # noqa: S701 - the others are plain text
        auto_reload=False,
        bytecode_cache=_compiled(speaker.language, html=html),
        cache_size=-1,
        extensions=["jinja2.ext.i18n"],
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    env.newstyle_gettext = True  # type: ignore[attr-defined]
    env.policies["ext.i18n.trimmed"] = True
    words = HtmlVoice(speaker) if html else speaker
    said = {name: getattr(words, name) for name in SPOKEN}
    said |= dict(zip(ALSO_SPOKEN, (words.gettext, speaker.money), strict=True))
    env.globals |= said
    env.filters |= said | {"colon": lambda label: words.gettext(LABEL, label=label)}
    env.globals |= {"language": speaker.language, "languages": LANGUAGES}
    env.globals |= {"locale": locale, "direction": speaker.direction, "brand_name": brand_name}
    env.globals |= {"came_as": paid_with}
    return env


class HtmlVoice:
    """A voice inside HTML: messages are markup, their parameters are escaped."""

    def __init__(self, speaker: Voice) -> None:
        self._speaker = speaker
        self._isolate = "<bdi>{}</bdi>" if speaker.direction == "rtl" else "{}"
        self._plain: dict[str, Markup] = {}
        for name in ("date", "day_of", "time", "datetime", "number", "percent"):
            setattr(self, name, getattr(speaker, name))

    def gettext(self, message: str, /, **params: object) -> Markup:
        if params:
            return Markup(self._speaker.gettext(message, **_escaped(params)))  # noqa: S704
        if message not in self._plain:
            self._plain[message] = Markup(self._speaker.gettext(message))  # noqa: S704
        return self._plain[message]

    def ngettext(self, singular: str, plural: str, num: int, /, **params: object) -> Markup:
        return Markup(self._speaker.ngettext(singular, plural, num, **_escaped(params)))  # noqa: S704

    def pgettext(self, context: str, message: str, /, **params: object) -> Markup:
        return Markup(self._speaker.pgettext(context, message, **_escaped(params)))  # noqa: S704

    def npgettext(
        self, context: str, singular: str, plural: str, num: int, /, **params: object
    ) -> Markup:
        text = self._speaker.npgettext(context, singular, plural, num, **_escaped(params))
        return Markup(text)  # noqa: S704

    def money(self, cents: int, currency: str = "USD") -> Markup:
        return Markup(self._isolate.format(self._speaker.money(cents, currency)))  # noqa: S704


def _escaped(params: dict[str, object]) -> dict[str, object]:
    """What goes into a message, fit for HTML; a number stays one."""
    return {
        name: value if isinstance(value, int) else escape(value) for name, value in params.items()
    }


class Speaking(Environment):
    """An environment that settles at compile time what a language settles.

    Sentences without parameters are translated when a template is compiled, and globals are one
    plain dict, which imported macros look up quickly.
    """

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        settled: nodes.Template = Settle(self, own_names(tree)).visit(tree)
        return settled

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The environment's own globals, and a template's if it brings some."""
        return {**self.globals, **d} if d else self.globals


def own_names(tree: nodes.Template) -> set[str]:
    """What a template itself gives a name to: there the name no longer means a locale's word."""
    imported = (one for found in tree.find_all(nodes.FromImport) for one in found.names)
    names = {one if isinstance(one, str) else one[1] for one in imported}
    names |= {macro.name for macro in tree.find_all(nodes.Macro)}
    return names | {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}


class Settle(NodeTransformer):
    """Puts the translation in the place of each call that can have only one answer.

    Other calls of what a locale says become filters, which Jinja calls without a detour.
    """

    def __init__(self, env: Environment, taken: set[str]) -> None:
        self._env = env
        self._words = {*SPOKEN, *ALSO_SPOKEN} - taken

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        """Look at the arguments first: a call may stand among them."""
        self.generic_visit(node)
        name = node.node.name if isinstance(node.node, nodes.Name) else None
        if name not in self._words or not node.args or node.dyn_args or node.dyn_kwargs:
            return node
        given = [*node.args, *(one.value for one in node.kwargs)]
        if all(isinstance(one, nodes.Const) for one in given):
            return self._settled(name, node)
        first, *rest = node.args
        return nodes.Filter(
            first, name, rest, node.kwargs, None, None, lineno=node.lineno, environment=self._env
        )

    def _settled(self, name: str, node: nodes.Call) -> nodes.Node:
        if name not in ("_", "gettext") or node.kwargs or len(node.args) != 1:
            return node
        (message,) = node.args
        translated = self._env.globals["_"](message.as_const())  # type: ignore[operator]
        return nodes.Const(translated, lineno=node.lineno, environment=self._env)


class Templates(FileSystemLoader):
    """Templates from their folder, without the indentation that only their readers need."""

    def get_source(self, environment: Environment, template: str):  # type: ignore[no-untyped-def]
        source, filename, uptodate = super().get_source(environment, template)
        if template.endswith(".html"):
            source = re.sub(r"^[ \t]+", "", source, flags=re.MULTILINE)
        return source, filename, uptodate


class CompiledTemplates(BytecodeCache):
    """Compiled templates, shared by the environments of one language."""

    def __init__(self) -> None:
        self._code: dict[str, CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get(bucket.key + bucket.checksum)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._code[bucket.key + bucket.checksum] = bucket.code


@cache
def _compiled(language: str, *, html: bool) -> CompiledTemplates:
    return CompiledTemplates()
