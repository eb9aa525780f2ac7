"""Takes one mechanism out of a copy of the tree and says which tests notice; the tree itself is never touched."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TABLE = HERE / "mechanisms.toml"

#: A removal may leave a test waiting for what never comes; nobody waits longer than this for the answer (seconds).
PATIENCE_SECONDS = 100
#: And so much longer for each test of a run: all of them in one go are hundreds of cases (seconds).
PATIENCE_EACH_SECONDS = 5
#: What does not belong into a copy: none of the tests that a mechanism names needs it.
LEFT_OUT = shutil.ignore_patterns(".*", "bench", "*.egg-info")


class RemovalLost(Exception):
    """The text to remove is not in its file exactly once: the code moved on, and the table must follow."""


#: The last of the earlier promises; the mechanisms of the later ones are taken out by another file.
EARLIER = 5


@dataclass(frozen=True)
class Mechanism:
    """One thing that keeps a promise, the smallest change that takes it away, and the tests that must then fail."""

    name: str
    promises: tuple[str, ...]
    says: str
    file: str
    text: str
    instead: str
    fails: tuple[str, ...]
    slow: bool = False  #: needs real processes, or a Postgres made anew; runs with `make mutants` only
    schema: bool = False  #: changes the schema, so that a Postgres migrated before would not know of it

    @property
    def first(self) -> int:
        """The number of the first promise that it keeps."""
        return min(int(promise.removeprefix("P")) for promise in self.promises)

    def applied(self, source: str) -> str:
        """The file without the mechanism. Raises: RemovalLost."""
        found = source.count(self.text)
        if found != 1:
            raise RemovalLost(
                f"{self.name}: {self.file} holds the text to remove {found} times, not once:\n{self.text}"
            )
        return source.replace(self.text, self.instead)


@dataclass(frozen=True)
class Seen:
    """What a run of tests came to: node id -> how it ended."""

    outcomes: dict[str, str]
    output: str

    def of(self, named: str) -> list[str]:
        """How the tests ended that one entry of the table names: a function, or one of its cases."""
        return [how for node, how in self.outcomes.items() if node == named or node.startswith(f"{named}[")]


#: Runs tests in a copy: `run(tests)` in an untouched one, `run(tests, mechanism)` without that mechanism.
Run = Callable[..., Seen]


def mechanisms() -> list[Mechanism]:
    """The table, in its order."""
    rows = tomllib.loads(TABLE.read_text())["mechanism"]
    return [Mechanism(**{**row, "promises": tuple(row["promises"]), "fails": tuple(row["fails"])}) for row in rows]


def copied(to: Path) -> Path:
    """A copy of packages, tests and settings, compiled files included: they make the run in it short."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    to.mkdir()
    shutil.copy2(ROOT / "pyproject.toml", to)
    for folder in [*settings["tool"]["importlinter"]["root_packages"], "tests", "docs"]:
        shutil.copytree(ROOT / folder, to / folder, ignore=LEFT_OUT)
    return to


def remove(mechanism: Mechanism, tree: Path) -> None:
    """Take the mechanism out of a copy. Raises: RemovalLost."""
    file = tree / mechanism.file
    file.write_text(mechanism.applied(file.read_text()))


def run(tree: Path, tests: tuple[str, ...], *, server: str | None, template: str | None) -> Seen:
    """Run these tests in a copy; with `server` they share that Postgres and `template` instead of starting one."""
    told = tree / "outcomes.json"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    borrowed = {"LENT_POSTGRES": server, "LENT_TEMPLATE": template} if server and template else {}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "onlooker",
        "-p",
        "no:cacheprovider",
        "--no-header",
        "--tb=short",
    ]
    process = subprocess.Popen(
        [*command, *tests],
        cwd=tree,
        env={**kept, **borrowed, "PYTHONPATH": f"{tree}:{tree / HERE.relative_to(ROOT)}", "ONLOOKER_FILE": str(told)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=PATIENCE_SECONDS + PATIENCE_EACH_SECONDS * len(tests))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
    return Seen(json.loads(told.read_text()) if told.exists() else {}, output[-4000:])
