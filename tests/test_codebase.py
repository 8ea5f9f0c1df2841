"""Promises the code makes about itself. A failure says which one, and where."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PORTAL = ROOT / "portal"
MODULES = sorted(PORTAL.rglob("*.py"))
SERVICES = sorted((PORTAL / "services").rglob("*.py"))
DOMAIN = sorted((PORTAL / "domain").rglob("*.py"))
BLUEPRINTS = sorted((PORTAL / "blueprints").rglob("*.py"))
FOLDERS = ("benchmarks", "docs", "migrations", "portal", "tests", "translations")
TEXTS = (".py", ".html", ".md", ".css", ".js", ".sql", ".toml", ".txt", ".xml", ".ics")

# Services that may commit, each with its reason; all others leave it to their caller.
COMMITTING_SERVICES = {
    "attempts": "counts an attempt before the secret is looked at",
    "campaigns": "sends links in batches",
    "charging": "no transaction is open while Stripe is asked",
    "dispatch": "no transaction is open while a message is sent",
    "inbox": "no transaction is open while Stripe is asked",
    "payments": "no transaction is open while Stripe is asked",
    "placements": "streams a file in batches",
    "reconcile": "no transaction is open while Stripe is asked",
    "refunds": "no transaction is open while Stripe is asked",
    "exports": "what is exported is signed first",
    "succession": "what was signed is set aside before anything else is signed",
    "tree": "a place is final before it is signed, and the next sequencer goes on",
    "watch": "the record is read in one snapshot, and alarms are raised after it",
    "stripe_lists": "no transaction is open while Stripe is asked",
}
# Where fractions are colors.
NO_MONEY = {"portal/domain/theme.py"}


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a module, with the last name of what is called."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            function = node.func
            name = getattr(function, "attr", None) or getattr(function, "id", "")
            yield name, node


def imported(path: Path) -> set[str]:
    """The top-level packages a module imports."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def routes(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """The paths a view answers."""
    for mark in node.decorator_list:
        named = isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute)
        if named and mark.func.attr in ("route", "get", "post") and mark.args:
            path = mark.args[0]
            if isinstance(path, ast.Constant) and str(path.value).startswith("/"):
                yield str(path.value)


@pytest.mark.parametrize("path", MODULES, ids=where)
def test_modules_and_functions_stay_short(path: Path):
    long = [f"{node.name}: {length(node)}" for node in functions(path) if length(node) > 40]
    assert long == [], "A function has at most 40 lines: give a part of it a name."
    assert len(path.read_text().splitlines()) <= 400, "A module has at most 400 lines: split it."


@pytest.mark.parametrize("path", BLUEPRINTS, ids=where)
def test_views_stay_short(path: Path):
    views = [node for node in functions(path) if list(routes(node))]
    long = [f"{node.name}: {length(node)}" for node in views if length(node) > 25]
    assert long == [], "A view has at most 25 lines: parse, call a service, commit, render."


@pytest.mark.parametrize("path", BLUEPRINTS, ids=where)
def test_paths_are_kebab_case_and_ids_are_uuids(path: Path):
    word = r"[a-z0-9]+([-.][a-z0-9]+)*"
    bad = []
    for route in (route for node in functions(path) for route in routes(node)):
        literal = re.sub(r"<[^>]*>", "x", route).removeprefix("/.well-known")  # RFC 8615
        if not re.fullmatch(rf"/|(/{word})+/?", literal):
            bad.append(route)
        if re.search(r"<(?!uuid:)([a-z]+:)?(\w+_)?id>", route):
            bad.append(route)
    assert bad == [], "Paths are kebab-case, and ids in them are <uuid:…>."


def test_every_route_names_its_audience(settings):
    pytest.importorskip("portal.security")
    from portal.app import create_app

    app = create_app(settings)
    silent = [
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if not getattr(app.view_functions[rule.endpoint], "audience", None)
    ]
    assert silent == [], "Say who may see it: @audience(...) under the route."


@pytest.mark.parametrize("path", BLUEPRINTS, ids=where)
def test_no_view_takes_whatever_is_not_a_get_for_a_post(path: Path):
    """HEAD is sent by scanners of mail, and must change as little as GET does."""
    compared = [
        node.lineno
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Compare)
        and any(isinstance(one, ast.Constant) and one.value == "GET" for one in node.comparators)
    ]
    assert compared == [], "Ask for POST, not for GET."


def test_conftest_stays_short():
    assert len((ROOT / "tests" / "conftest.py").read_text().splitlines()) <= 150


@pytest.mark.parametrize("path", SERVICES, ids=where)
def test_services_leave_the_commit_to_their_caller(path: Path):
    committed = [node for name, node in calls(path) if name == "commit"]
    bare = [node.lineno for node in committed if len(node.args) != 2]
    assert bare == [], "Commit by db.commit(session, 'name'), so that tests can stop there."
    module = path.relative_to(PORTAL / "services").parts[0].removesuffix(".py")
    assert not committed or module in COMMITTING_SERVICES, "Let the caller commit."


def test_every_service_that_may_commit_exists_and_does():
    """The list must not promise more than there is."""
    for name in COMMITTING_SERVICES:
        paths = [path for path in SERVICES if where(path).startswith(f"portal/services/{name}")]
        if paths:
            assert any(called == "commit" for path in paths for called, _ in calls(path)), name


@pytest.mark.parametrize("path", [*DOMAIN, *SERVICES], ids=where)
def test_the_time_is_an_argument(path: Path):
    clocks = {"today", "utcnow", "time_ns", "monotonic"}
    asked = [
        node.lineno
        for name, node in calls(path)
        if name in clocks or (name == "now" and not _is_sql(node))
    ]
    assert asked == [], "Take `now` (or `today`) as an argument."


def _is_sql(node: ast.Call) -> bool:
    owner = getattr(node.func, "value", None)
    return isinstance(owner, ast.Name) and owner.id == "func"


@pytest.mark.parametrize("path", [*DOMAIN, *SERVICES], ids=where)
def test_money_is_never_a_fraction(path: Path):
    """Cents are integers: no float, no true division, no Decimal beyond the parser of amounts."""
    if where(path) in NO_MONEY:
        return
    tree = parsed(path)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    floats = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    assert "float" not in names
    assert floats == []
    assert "Decimal" not in names or "placements" in path.parts, "Only the parser of files."
    if path in DOMAIN:
        divisions = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        ]
        assert divisions == [], "Divide cents by // and say where the remainder goes."


@pytest.mark.parametrize("path", MODULES, ids=where)
def test_public_things_say_what_they_are(path: Path):
    tree = parsed(path)
    assert ast.get_docstring(tree) or not tree.body, "A module begins with what it is for."
    silent = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not (isinstance(node, ast.ClassDef) and _is_an_error(node))
        and "blueprints" not in path.parts
    ]
    assert silent == [], "A public function or class has a docstring of one sentence or more."


def _is_an_error(node: ast.ClassDef) -> bool:
    """Errors are named after the fact; their message is the sentence."""
    return any(
        isinstance(line, ast.Assign)
        and isinstance(line.targets[0], ast.Name)
        and line.targets[0].id == "message"
        for line in node.body
    )


def test_only_the_gateway_knows_stripe():
    importers = {where(path) for path in MODULES if "stripe" in imported(path)}
    assert importers <= {"portal/gateways/stripe.py"}


def test_imports_point_downwards():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_task_mixes_retry_and_queueing_lock():
    """Such a job is never finished once a retry meets a waiting twin; `lock` blocks the queue."""
    from portal.jobs import jobs

    jobs.perform_import_paths()
    own = {name: task for name, task in jobs.tasks.items() if "builtin" not in name}
    assert [n for n, task in own.items() if task.retry_strategy and task.queueing_lock] == []
    assert [n for n, task in own.items() if task.lock] == []


def test_every_job_put_into_the_queue_has_a_task():
    from portal.jobs import jobs

    jobs.perform_import_paths()
    queued = {
        (where(path), node.args[1].value)
        for path in MODULES
        for name, node in calls(path)
        if name in ("enqueue", "enqueue_batch")
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
    }
    assert {(path, name) for path, name in queued if name not in jobs.tasks} == set()


def test_every_command_is_where_the_table_says():
    from portal.cli import COMMANDS, main

    for name in COMMANDS:
        command = main.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.name == name


def test_help_imports_neither_flask_nor_the_database():
    script = (
        "import sys; sys.argv = ['portal', '--help']\n"
        "from portal.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'flask', 'sqlalchemy', 'stripe', 'procrastinate'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_web_worker_loads_nothing_that_only_few_requests_need():
    """A worker keeps for good what it has loaded, and its memory is what a server runs out of."""
    rare = {"argparse", "email.headerregistry", "holidays", "PIL", "py_svg_hush"}
    rare |= {
        "portal.certifying",
        "portal.domain.bundles",
        "portal.domain.svg",
        "portal.evidence_tasks",
    }
    rare |= {
        "portal.services.certificates",
        "portal.services.exports",
        "portal.services.placements",
    }
    rare |= {"portal.services.verify", "portal.services.verifying", "portal.services.watch"}
    rare |= {
        "portal.tasks",
        "portal.verifier",
        "pydantic",
        "segno",
        "sqlite3",
        "statistics",
        "typst",
    }
    script = f"import sys, portal.app; print(sorted({rare!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]", "Import it where it is needed, and say who pays for it."


def texts() -> Iterator[Path]:
    """Everything people wrote, without what tools make."""
    folders = [path for path in ROOT.iterdir() if path.name in FOLDERS]
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.suffix in TEXTS)
    yield from (path for path in ROOT.iterdir() if path.suffix in TEXTS)


def test_nothing_is_left_for_later():
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    found = [
        f"{where(path)}:{number}"
        for path in texts()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if marks.search(line)
    ]
    assert found == []


def test_the_locks_hold_every_dependency_with_its_hash():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    wanted = {
        "prod.lock": project["dependencies"],
        "dev.lock": [*project["dependencies"], *extras],
    }
    for lock, requirements in wanted.items():
        text = (ROOT / "requirements" / lock).read_text()
        pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+) [;\\]", text, re.M))
        for requirement in map(Requirement, requirements):
            pin = pins.get(canonicalize_name(requirement.name), "none")
            assert pin in requirement.specifier, f"make lock: {lock} has {pin} for {requirement}"
        assert text.count("--hash=sha256:") >= len(pins)
        assert "://" not in text, "A lock names versions and hashes, never where they come from."
