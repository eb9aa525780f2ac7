"""A tree to take mechanisms out of, and a Postgres for all the runs in it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the harness stands beside the tests, and has no package

from copies import Run, Runner, Seen, copied
from removal import Mechanism, without


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree for all removals of this session: each is put back before the next."""
    return copied(tmp_path_factory.mktemp("copy") / "tree")


@pytest.fixture(scope="session")
def runner(tree: Path) -> Iterator[Runner]:
    """What runs tests in the copy."""
    runner = Runner(tree)
    yield runner
    runner.end()


@pytest.fixture
def run_in_a_copy(tree: Path, runner: Runner, request: pytest.FixtureRequest) -> Run:
    """Runs tests in a copy of the tree, without a mechanism when one is named."""

    def run_them(tests: tuple[str, ...], mechanism: Mechanism | None = None) -> Seen:
        if mechanism is None:
            return runner.run(tests, **lent())
        with without(mechanism, tree):
            return runner.run(tests, **({} if mechanism.schema else lent()))

    def lent() -> dict[str, str]:
        return {"server": request.getfixturevalue("postgres"), "template": request.getfixturevalue("template")}

    return run_them
