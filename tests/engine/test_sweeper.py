"""The sweeper: what must move by itself does, one sweep's bug stays its own, and only one process sweeps at a time."""

from collections.abc import Callable
from uuid import UUID

import pytest

from counterfoil import database, queue
from engine import sweeper

An = Callable[..., UUID]


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the rings instead of sending them."""
    heard: list[int] = []
    monkeypatch.setattr(queue, "ring", lambda: heard.append(1))
    return heard


def test_an_event_that_was_never_rung_is_rung(an_event: An, rings: list[int], conn: database.Connection) -> None:
    """P4: recorded and forgotten by the bell is found within one sweep. Remove `ring` from SWEEPS and this fails."""
    an_event("contact.creation", 1)
    assert sweeper.run_once(conn)["ring"] == {"due": 1}
    assert rings == [1]


def test_nothing_due_rings_nobody(rings: list[int], conn: database.Connection) -> None:
    """An idle deployment is quiet."""
    sweeper.run_once(conn)
    assert rings == []


def test_one_sweep_that_fails_does_not_stop_the_others(
    rings: list[int], conn: database.Connection, monkeypatch: pytest.MonkeyPatch, an_event: An
) -> None:
    """A bug in one is told and the rest goes on."""

    def broken(conn: database.Connection) -> dict[str, int]:
        conn.execute("SELECT no_such_function()")
        return {}

    monkeypatch.setattr(sweeper, "SWEEPS", {"broken": broken, **sweeper.SWEEPS})
    an_event("contact.creation", 1)
    counts = sweeper.run_once(conn)
    assert "broken" not in counts
    assert {"ring", "escalate", "replays", "refusals", "notify"} <= counts.keys()


def test_two_sweepers_do_not_sweep_at_once(conn: database.Connection, rings: list[int], an_event: An) -> None:
    """While one holds the lock, the other does nothing and says so."""
    an_event("contact.creation", 1)
    with database.connect() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", (sweeper.SWEEP_LOCK,))
        assert sweeper.run_once(conn) == {}
    assert rings == []
