"""The slow removals, which only real processes or a Postgres made anew can miss; `make mutants` runs them.

Not found by its name, so that `make test` stays short.
"""

import pytest
from copies import Run
from removal import Mechanism, mechanisms

EVERY = mechanisms()
SLOW = [pytest.param(one, id=one.name) for one in EVERY if one.slow]


@pytest.mark.parametrize("mechanism", SLOW)
def test_without_it_its_tests_fail(mechanism: Mechanism, run_in_a_copy: Run) -> None:
    """As for the quick ones; and each removal is tried against its tests untouched, in a copy of its own."""
    seen = run_in_a_copy(mechanism.fails, mechanism)
    for named in mechanism.fails:
        assert "failed" in seen.of(named), f"{named} did not miss {mechanism.name}: {seen.of(named)}\n{seen.output}"


@pytest.mark.timeout(900)
def test_with_everything_in_place_they_all_pass(run_in_a_copy: Run) -> None:
    """The same tests in an untouched copy: so the failures above come from the removals and nothing else."""
    named = tuple(dict.fromkeys(test for one in EVERY if not one.slow for test in one.fails))
    seen = run_in_a_copy(named)
    assert {test: seen.of(test) for test in named if set(seen.of(test)) != {"passed"}} == {}, seen.output
