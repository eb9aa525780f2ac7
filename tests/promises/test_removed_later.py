"""The mechanisms of the later promises, taken out one by one: every other one, and all of them with MUTANTS=all."""

import os

import pytest
from copies import Run
from removal import EARLIER, Mechanism, mechanisms

EVERY = mechanisms()
LATER = [pytest.param(one, id=one.name) for one in EVERY if not one.slow and one.first > EARLIER]
PLAYED = LATER if os.environ.get("MUTANTS") == "all" else LATER[::2]


@pytest.mark.parametrize("mechanism", PLAYED)
def test_without_it_its_tests_fail(mechanism: Mechanism, run_in_a_copy: Run) -> None:
    """As for the earlier ones."""
    seen = run_in_a_copy(mechanism.fails, mechanism)
    for named in mechanism.fails:
        assert "failed" in seen.of(named), f"{named} did not miss {mechanism.name}: {seen.of(named)}\n{seen.output}"
