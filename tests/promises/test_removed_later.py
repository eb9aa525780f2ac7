"""The mechanisms of the later promises, taken out one by one; and all their tests with everything in place."""

import pytest
from removal import EARLIER, Mechanism, Run, mechanisms

EVERY = mechanisms()
QUICK = [pytest.param(one, id=one.name) for one in EVERY if not one.slow and one.first > EARLIER]


@pytest.mark.parametrize("mechanism", QUICK)
def test_without_it_its_tests_fail(mechanism: Mechanism, run_in_a_copy: Run) -> None:
    """As for the earlier ones."""
    seen = run_in_a_copy(mechanism.fails, mechanism)
    for named in mechanism.fails:
        assert "failed" in seen.of(named), f"{named} did not miss {mechanism.name}: {seen.of(named)}\n{seen.output}"


@pytest.mark.timeout(900)
def test_with_everything_in_place_they_all_pass(run_in_a_copy: Run) -> None:
    """The same tests in an untouched copy: so the failures above come from the removals and nothing else."""
    named = tuple(dict.fromkeys(test for one in EVERY if not one.slow for test in one.fails))
    seen = run_in_a_copy(named)
    assert {test: seen.of(test) for test in named if set(seen.of(test)) != {"passed"}} == {}, seen.output
