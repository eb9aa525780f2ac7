"""The shape of the tree: floors, proportions, names, and the sign on every door."""

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = SETTINGS["tool"]["importlinter"]["root_packages"]
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

#: Beyond this a file does two things. Migrations are exempt: each is written once and never read as a whole.
LINES_MAX = 400
#: The aim is 300; a few exceptions are better than files cut at an arbitrary place.
LINES_AIM = 300
#: A module of this name owns everything and therefore nothing.
NOT_A_NAME = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "tools", "stuff"}
#: What is left over from work that is not finished.
LEFTOVER = re.compile(r"\b(TODO|FIXME|HACK)\b|\bbreakpoint\(\)|\bpdb\.set_trace|^<{7} |^>{7} ", re.MULTILINE)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def _is_migration(path: Path) -> bool:
    return "migrations/versions" in path.as_posix()


def test_the_floors_hold() -> None:
    """Imports point down and neighbours do not see each other. Break it: import `engine` in `ingest/app.py`."""
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_is_on_a_floor() -> None:
    """A package that the linter does not know could import anything."""
    [layers] = [each["layers"] for each in SETTINGS["tool"]["importlinter"]["contracts"] if each["type"] == "layers"]
    on_a_floor = {name.strip() for layer in layers for name in layer.split("|")}
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert found == on_a_floor == set(PACKAGES)


def test_nothing_imports_itself_in_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a package the parts have an order too."""
    monkeypatch.syspath_prepend(str(ROOT))
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    assert len(graph.modules) > 100
    circles = {name: graph.nominate_cycle_breakers(name) for name in graph.modules if graph.find_children(name)}
    assert {name: imports for name, imports in circles.items() if imports} == {}


def test_a_module_says_what_it_owns() -> None:
    """The first line of a module is a sentence, so that a newcomer can read the tree like a list of contents."""
    first = {_name(path): _docstring(path).split("\n", 1)[0] for path in [*MODULES, *TESTS]}
    assert {name: line for name, line in first.items() if not 20 <= len(line) <= 120} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_a_sign_on_its_door(package: str) -> None:
    """Its docstring says what lives here and what it may import, or on which floor it stands."""
    sign = _docstring(ROOT / package / "__init__.py")
    assert re.search(r"(?i)\bimports?\b|\bfloors?\b", sign), "say what this package may import"


def test_files_are_short() -> None:
    """None over the limit, one in ten at most over the aim, and the middle one near a hundred lines."""
    lines = {_name(path): _lines(path) for path in MODULES if not _is_migration(path)}
    assert {name: count for name, count in lines.items() if count > LINES_MAX} == {}
    long = [name for name, count in lines.items() if count > LINES_AIM]
    assert len(long) <= len(lines) / 10, long
    assert statistics.median(lines.values()) <= 130


def test_a_name_says_one_thing() -> None:
    """No drawer for whatever found no place: name a file for the noun or the verb that it owns."""
    parts = {path: {path.stem, path.parent.name} for path in [*MODULES, *TESTS]}
    assert [_name(path) for path, names in parts.items() if names & NOT_A_NAME] == []


def test_nothing_is_left_over() -> None:
    """What is not finished is an issue, not a comment."""
    found = {_name(path): LEFTOVER.findall(path.read_text()) for path in [*MODULES, *TESTS] if path != Path(__file__)}
    assert {name: matches for name, matches in found.items() if matches} == {}


def test_no_test_is_switched_off() -> None:
    """A test that is skipped or expected to fail holds nothing."""
    switched_off = re.compile(r"mark\.(skip|skipif|xfail)|pytest\.(skip|xfail|importorskip)\(")
    assert [_name(path) for path in TESTS if path != Path(__file__) and switched_off.search(path.read_text())] == []


def test_tests_are_no_package() -> None:
    """With an `__init__.py`, tests/contracts would stand in front of contracts."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_only_one_module_reads_each_single_thing() -> None:
    """The clock, the environment and the states have one reader or writer each, which tests can replace. The sandbox
    plays the world outside and has a clock of its own."""
    readers = {
        r"\bdatetime\.now\(|\btime\.time\(\)|\butcnow\(": {"counterfoil/clock.py"},
        r"\bos\.environ\b|\bos\.getenv\(": {"counterfoil/settings.py"},
        r"SET status = \{\}": {"counterfoil/ledger/move.py"},
    }
    ours = [path for path in MODULES if path.relative_to(ROOT).parts[0] != "sandbox"]
    for pattern, allowed in readers.items():
        found = {_name(path) for path in ours if re.search(pattern, path.read_text())}
        assert found <= allowed, pattern


def test_sql_stands_with_its_rows() -> None:
    """What receives, plans or shows asks somebody who owns the rows."""
    without = ("ingest", "contracts", "handlers", "console/api", "console/commands", "console/pages")
    found = [_name(path) for path in MODULES if _name(path).startswith(without) and ".execute(" in path.read_text()]
    assert found == []
