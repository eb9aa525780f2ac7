"""Two hundred seeded schedules with real processes: one effect of each write, whoever dies.

A failure names its seed; `SCHEDULES_REAL=137 pytest tests/chaos/test_schedules_real.py` plays that schedule again, with
the same troubles at the same requests of each write; who overtakes whom is the machine's. `SCHEDULES_REAL=all` (what
`make chaos` does) plays all of them, otherwise as many as fit into a minute.
"""

import os
from typing import Any

import pytest
from company import Company
from schedules_real import Schedules, portions
from servers import Postgres, Redis

#: All of them, and those that every run of the tests plays.
SCHEDULES, USUAL = 200, 25
#: Played at once by one company.
TOGETHER = 25


def _plays() -> list[Any]:
    chosen = os.environ.get("SCHEDULES_REAL", "")
    if chosen.isdigit():
        return [pytest.param(range(int(chosen), int(chosen) + 1), id=chosen)]
    seeds = range(SCHEDULES if chosen == "all" else USUAL)
    return [pytest.param(some, id=f"{some[0]}-{some[-1]}") for some in portions(seeds, TOGETHER)]


@pytest.mark.timeout(600)  # a fraction of it on a machine that has nothing else to do
@pytest.mark.parametrize("seeds", _plays())
def test_whoever_dies_there_is_one_effect(
    seeds: range, tmp_path_factory: pytest.TempPathFactory, chaos_postgres: Postgres, chaos_redis: Redis
) -> None:
    """Every write ends confirmed, with exactly one effect; no key changes, none is sent blindly, nobody is left."""
    company = Company(tmp_path_factory.mktemp("schedules"), chaos_postgres, chaos_redis)
    schedules = Schedules(company, seeds)
    wrong = schedules.play()
    assert not wrong, "\n".join(f"seed {seed}: {told}" for seed, several in wrong.items() for told in several)
    assert schedules.deaths or len(seeds) == 1, "nobody died"
    company.check_promises()
