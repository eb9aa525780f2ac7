"""Ten thousand seeded schedules against the stand-ins in this process: one effect, whatever happens.

`make chaos` plays all of them, `make test` a part. A failure names its seed;
`SCHEDULES=stripe.refund:1234 pytest tests/chaos/test_schedules.py` plays that one again.
"""

import os
from typing import Any

import pytest
from effects import examples
from schedules import play

import destinations
from counterfoil import database
from counterfoil.ledger import reach
from counterfoil.settings import settings
from destinations.remote import is_remote

#: Of all operations together.
SCHEDULES = 10_000
BATCH = 100

_OPERATIONS = sorted(examples())
_EACH = -(-SCHEDULES // len(_OPERATIONS) // BATCH) * BATCH
#: Of each operation in every run of the tests.
_USUAL = 2 * BATCH


def _plays() -> list[Any]:
    chosen = os.environ.get("SCHEDULES", "")
    if ":" in chosen:
        name, _, seed = chosen.partition(":")
        return [pytest.param(*name.split("."), range(int(seed), int(seed) + 1), id=chosen)]
    return [
        pytest.param(*names, range(first, first + BATCH), id=f"{'.'.join(names)}-{first}")
        for names in _OPERATIONS
        for first in range(0, _EACH if chosen == "all" else _USUAL, BATCH)
    ]


@pytest.mark.parametrize(("destination", "operation", "seeds"), _plays())
def test_whatever_happens_there_is_one_effect(
    destination: str, operation: str, seeds: range, conn: database.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Confirmed with exactly one effect, or an owner is asked; the key never changes, and nothing is sent blindly."""
    monkeypatch.setenv("COUNTERFOIL_SENDER_THREADS", "64")
    settings.cache_clear()
    place = destinations.find()[destination]
    assert is_remote(place)
    monkeypatch.setattr(type(place), "rate_per_second", 1e6)
    # A hundred that know nothing of each other share one account here: what befalls one must not hold up another.
    monkeypatch.setattr(reach, "FAILURES_MAX", 10**9)
    wrong = play(conn, place, operation, seeds)
    assert not wrong, "\n".join(wrong.values())
