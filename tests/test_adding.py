"""docs/adding.md, followed word for word in a copy of the tree: what it says to create passes the suites it names."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "adding.md"
#: What of the tree the suites need.
NEEDED = ("pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "docs", "tests")
#: The words by which pytest's test ids show that they are about the page's examples.
ABOUT = "acme or subscription_renewed or subscription_ended or followups or discount_unagreed or DiscountUnagreed"
KINDS = ("provider", "contract", "handler", "destination", "failure")


class Block(NamedTuple):
    """One block of code on the page: a file to create, or text to append to one."""

    how: str
    file: str
    text: str


def _blocks() -> Iterator[Block]:
    for match in re.finditer(r"^```\w+ (file|append)=(\S+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        yield Block(*match.groups())


def _newest_migration() -> str:
    from alembic.script import ScriptDirectory

    from counterfoil import database

    head = ScriptDirectory.from_config(database.alembic_config()).get_current_head()
    assert head is not None
    return head


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree in which everything was added that the page says."""
    tree = tmp_path_factory.mktemp("tree")
    packages = [path.parent.name for path in ROOT.glob("*/__init__.py")]
    for name in (*NEEDED, *packages):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        elif source.exists():
            shutil.copy(source, tree / name)
    for block in _blocks():
        target = tree / block.file
        target.parent.mkdir(parents=True, exist_ok=True)
        if block.how == "file":
            assert not target.exists(), f"{block.file} is there already; the page says to create it"
            # The page cannot know which migration is the newest by now; it says to look.
            text = re.sub(r'(?m)^down_revision = ".*"$', f'down_revision = "{_newest_migration()}"', block.text)
            target.write_text(text)
        else:
            assert target.exists(), f"{block.file} is not there; the page says to append to it"
            target.write_text(target.read_text() + "\n\n" + block.text)
    return tree


def _run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=tree, env=environment, capture_output=True, text=True, timeout=110
    )


def test_the_page_shows_one_of_each() -> None:
    """Every row of its table has a section with code."""
    rows = re.findall(r"^\| \[([a-z ]+)\]\(#([a-z-]+)\)", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == 6
    sections = re.split(r"(?m)^## ", PAGE.read_text())[1:]
    with_code = {section.split("\n", 1)[0].lower().replace(" ", "-") for section in sections if "```python " in section}
    assert {anchor for _, anchor in rows} == with_code


@pytest.fixture(scope="module")
def suites(copy: Path) -> str:
    """What the suites say about the additions, in one run of them."""
    files = [f"tests/conformance/test_every_{kind}.py" for kind in KINDS]
    return _run(copy, "pytest", "-v", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", ABOUT, *files).stdout


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_added_passes_its_suite(suites: str, kind: str) -> None:
    """The suite finds the addition without being told, and holds it. Break it: change a key in one of the samples."""
    results = re.findall(rf"^tests/conformance/test_every_{kind}\.py::\S.* (PASSED|FAILED|ERROR)", suites, re.MULTILINE)
    assert set(results) == {"PASSED"}, suites[-4000:]


def test_what_was_added_is_written_as_the_rest_is(copy: Path) -> None:
    """Style and floors hold for the page's examples too."""
    files = sorted({block.file for block in _blocks() if block.file.endswith(".py")})
    linted = _run(copy, "ruff", "check", "--no-cache", *files)
    assert linted.returncode == 0, linted.stdout
    formatted = _run(copy, "ruff", "format", "--no-cache", "--diff", *files)
    assert formatted.returncode == 0, formatted.stdout


def test_the_handlers_of_the_page_do_what_it_says(copy: Path) -> None:
    """A renewal is booked, a free one skipped, a cheap one shown to a person; who left for the price is called."""
    script = """
import json
from contracts.acme import SubscriptionEnded, SubscriptionRenewed
from handlers.subscription_ended import reason, subscription_ended
from handlers.subscription_renewed import subscription_renewed

def renewed(**changes):
    event = json.load(open("contracts/samples/acme/subscription.renewed.json"))
    event["subscription"] |= changes
    return type(subscription_renewed(SubscriptionRenewed.check(event))).__name__

def ended(note):
    event = json.load(open("contracts/samples/acme/subscription.ended.json"))
    event["subscription"]["note"] = note
    contract = SubscriptionEnded.check(event)
    return type(subscription_ended(contract, {"reason": reason(contract, {})})).__name__

print(renewed(), renewed(price_minor=0), renewed(price_minor=3000))
print(ended("too expensive"), ended("we are closing"), ended("no longer worth the price"), ended(None))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["Plan", "Skip", "NeedsPerson", "Plan", "Skip", "NeedsPerson", "NeedsPerson"], (
        done.stderr
    )
