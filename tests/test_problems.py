"""Every problem that door and API answer: one spelling, one page that lists them with their status."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from console import problems
from ingest.answers import Problem
from ingest.providers import find
from ingest.providers.base import Rejected

ROOT = Path(__file__).parents[1]
URN = "urn:counterfoil:problem:"

Kind = TypeVar("Kind")


def _subclasses(cls: type[Kind]) -> Iterator[type[Kind]]:
    for child in cls.__subclasses__():
        yield child
        yield from _subclasses(child)


def _constants(call: ast.Call) -> list[object]:
    return [argument.value if isinstance(argument, ast.Constant) else None for argument in call.args]


def _at_the_door() -> set[tuple[str, int]]:
    """Code and status of every problem that a module of the door makes; read from its text, so that none is missed."""
    find()  # a provider may refuse in a way of its own
    found = {(cls.reason, cls.status) for cls in _subclasses(Rejected)}
    for path in (ROOT / "ingest").rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            match [name, *_constants(call)[:2]]:
                case ["Problem" | "__init__", int(status), str(reason)]:
                    found.add((reason, status))
                case ["bad", str(reason), _]:
                    found.add((reason, 400))
    return found


DOOR = sorted(_at_the_door())
API = sorted((cls.slug, cls.status) for cls in _subclasses(problems.Problem))


def _listed(title: str) -> set[tuple[str, int]]:
    """The rows under a heading of docs/problems.md."""
    page = (ROOT / "docs/problems.md").read_text()
    section = page.split(f"## {title}\n")[1].split("\n## ")[0]
    rows = re.findall(r"(?m)^\| `([^`]+)` \| ([\d, ]+) \|", section)
    return {(word, int(status)) for word, statuses in rows for status in statuses.split(",")}


@pytest.mark.parametrize(("reason", "status"), DOOR)
def test_the_door_spells_its_types_as_the_api_does(reason: str, status: int) -> None:
    """Lower case, with hyphens."""
    shown = Problem(status, reason, "x").answer()
    found = re.search(rf'"type":"{URN}([^"]+)"', shown.body.decode())
    assert found is not None
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", found[1]), found[1]


@pytest.mark.parametrize(("slug", "status"), API)
def test_the_api_spells_its_types_in_one_way(slug: str, status: int) -> None:
    """Lower case, with hyphens."""
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", slug), (slug, status)


def test_every_problem_is_on_the_page_and_the_page_names_no_other() -> None:
    """A sender's program may tell them apart by type: nothing comes or goes unsaid."""
    assert _listed("At the door") == {(reason.replace("_", "-"), status) for reason, status in DOOR}
    assert _listed("In the API") == set(API)
