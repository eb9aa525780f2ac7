"""A copy of the tree and the tests that run in it; the tree itself is never touched."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

#: A removal may leave a test waiting for what never comes; nobody waits longer than this for the answer (seconds).
PATIENCE_SECONDS = 100
#: And so much longer for each test of a run: all of them in one go are hundreds of cases (seconds).
PATIENCE_EACH_SECONDS = 5
#: The libraries are loaded in two; a busy machine may take its time (seconds).
PATIENCE_BEFORE_SECONDS = 60
#: What does not belong into a copy: none of the tests that a mechanism names needs it.
LEFT_OUT = shutil.ignore_patterns(".*", "bench", "*.egg-info")
#: How pytest is called in a copy.
ARGUMENTS = ("-q", "-p", "onlooker", "-p", "no:cacheprovider", "--no-header", "--tb=short", "--disable-warnings")


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


def copied(to: Path) -> Path:
    """A copy of packages, tests and settings, compiled files included: they make the run in it short."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    to.mkdir()
    shutil.copy2(ROOT / "pyproject.toml", to)
    for folder in [*settings["tool"]["importlinter"]["root_packages"], "tests", "docs"]:
        shutil.copytree(ROOT / folder, to / folder, ignore=LEFT_OUT)
    return to


class Runner:
    """Runs tests in a copy; each run is a new process, forked from one that has the libraries loaded already."""

    def __init__(self, tree: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        self._tree = tree
        self._forking = subprocess.Popen(
            [sys.executable, "-m", "forking"],
            cwd=tree,
            # A run leaves nothing compiled behind: the next one might take what was changed for what is there again.
            env={
                **kept,
                "PYTHONPATH": f"{tree}:{tree / HERE.relative_to(ROOT)}",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def run(self, tests: tuple[str, ...], *, server: str | None = None, template: str | None = None) -> Seen:
        """Run these tests; with `server` they share that Postgres and `template` instead of starting one."""
        outcomes, output = self._tree.with_name("outcomes.json"), self._tree.with_name("output")
        outcomes.unlink(missing_ok=True)
        borrowed = {"LENT_POSTGRES": server, "LENT_TEMPLATE": template} if server and template else {}
        self._ask([*ARGUMENTS, *tests], {**borrowed, "ONLOOKER_FILE": str(outcomes)}, output)
        process, ended = int(self._answer(PATIENCE_BEFORE_SECONDS)), ""
        try:
            ended = self._answer(PATIENCE_SECONDS + PATIENCE_EACH_SECONDS * len(tests))
        finally:
            if not ended:
                os.killpg(process, signal.SIGKILL)
                self._answer(PATIENCE_BEFORE_SECONDS)
        shutil.rmtree(self._tree / ".hypothesis", ignore_errors=True)  # what failed here says nothing about the next
        return Seen(json.loads(outcomes.read_text()) if outcomes.exists() else {}, output.read_text()[-4000:])

    def end(self) -> None:
        """No more runs."""
        self._forking.communicate()

    def _ask(self, arguments: list[str], environment: dict[str, str], output: Path) -> None:
        assert self._forking.stdin
        asked = {"arguments": arguments, "environment": environment, "output": str(output)}
        self._forking.stdin.write(json.dumps(asked).encode() + b"\n")

    def _answer(self, seconds: float) -> str:
        """The next line, or nothing if it does not come in time."""
        assert self._forking.stdout
        ready, _, _ = select.select([self._forking.stdout], [], [], seconds)
        return self._forking.stdout.readline().decode() if ready else ""
