"""A tree to take mechanisms out of, and a Postgres for all the runs in it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the harness stands beside the tests, and has no package

from removal import Mechanism, Run, Seen, copied, remove, run


@pytest.fixture
def run_in_a_copy(tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    """Runs tests in a copy of the tree, without a mechanism when one is named."""

    def run_them(tests: tuple[str, ...], without: Mechanism | None = None) -> Seen:
        tree = copied(tmp_path / "tree")
        if without is not None:
            remove(without, tree)
        if without is not None and without.schema:
            return run(tree, tests, server=None, template=None)
        server, template = request.getfixturevalue("postgres"), request.getfixturevalue("template")
        return run(tree, tests, server=server, template=template)

    return run_them
