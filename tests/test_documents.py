"""The documents say what is there: links, settings and commands."""

import ast
import re
from pathlib import Path

import click
import pytest

from portal.cli import COMMANDS, main
from portal.embedded import PROJECT

PAGES = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    *sorted((PROJECT / "docs").rglob("*.md")),
]
README = (PROJECT / "README.md").read_text()
READERS = ("portal/config.py", "portal/embedded.py")
SETTING = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
OTHERS = {"PORTAL_REQUIRE_BROWSER", "PORTAL_PICTURES", "TEST_DATABASE_URL"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_of_a_document_leads_somewhere(page: Path):
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    relative = [one for one in targets if not re.match(r"[a-z]+:|#", one)]
    missing = [one for one in relative if not (page.parent / one.partition("#")[0]).exists()]
    assert missing == []


def section(title: str) -> str:
    """The text below a heading of the README, up to the next one."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_cells(table: str) -> list[str]:
    return [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]


def settings_read() -> set[str]:
    """Every name that is asked of the environment, whichever way the code says it."""
    found: set[str] = set()
    for name in READERS:
        for node in ast.walk(ast.parse((PROJECT / name).read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(str(key)), *_]):
                    found.add(key)
                case ast.Call(func=ast.Name("_list"), args=[_, ast.Constant(str(key))]):
                    found.add(key)
                case ast.Tuple(elts=parts) if name.endswith("config.py"):
                    words = [part.value for part in parts if isinstance(part, ast.Constant)]
                    found.update(str(word).upper() for word in words if "_" in str(word))
                case _:
                    pass
    return {name for name in found if SETTING.fullmatch(name)} - {"SK_LIVE_", "RK_LIVE_"}


def test_the_readme_names_exactly_the_settings_that_are_read():
    cells = first_cells(section("Configuration"))
    named = {name for cell in cells for name in re.findall(r"`([A-Z_]+)`", cell)}
    assert named == settings_read()


def test_the_readme_names_every_command_and_no_other():
    cells = first_cells(section("Working with it"))
    named = {found[1] for cell in cells if (found := re.match(r" `portal ([a-z-]+)", cell))}
    assert named == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_stands_beside_its_command(name: str):
    command = main.get_command(click.Context(main), name)
    rows = [cell for cell in first_cells(section("Working with it")) if f"`portal {name}" in cell]
    for part in getattr(command, "commands", {}):
        assert any(part in row for row in rows), part


def test_the_manual_of_tests_names_every_folder_and_setting_of_theirs():
    page = (PROJECT / "docs" / "testing.md").read_text()
    folders = {path.parent.name for path in (PROJECT / "tests").glob("*/test_*.py")}
    assert {one for one in folders if f"`tests/{one}`" not in page} == set()
    assert {one for one in OTHERS if one not in page} == set()
    benchmarks = {path.name for path in (PROJECT / "benchmarks").glob("*.py")} - {"bare.py"}
    assert {one for one in benchmarks if f"benchmarks/{one}" not in page} == set()
