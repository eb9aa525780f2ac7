"""A plan that was made while a table was young is not kept: a group costs the same however the table has grown."""

from collections.abc import Callable
from uuid import UUID

import pytest

from counterfoil import database
from engine.worker import Worker

An = Callable[..., UUID]

GROWN = 3000
#: What a group of one event may read of the events.
READ_MAX = 300
#: So often psycopg and Postgres make a plan anew before they keep one.
UNTIL_KEPT = 12

_MORE = """
INSERT INTO events (id, source, provider, key, type, status)
SELECT gen_random_uuid(), 'hubspot', 'hubspot', 'grown/' || n, 'contact.creation', 'done' FROM generate_series(1, %s) n
"""


def test_a_group_reads_no_more_of_a_table_that_has_grown(
    conn: database.Connection, worker: Worker, an_event: An, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep the plans (never discard them) and each statement of a group reads all events that there are."""
    conn.execute("ALTER TABLE events SET (autovacuum_enabled = off)")
    conn.commit()
    for number in range(UNTIL_KEPT):
        an_event("contact.creation", number)
        assert worker.run_once() == 1
    conn.execute(_MORE, (GROWN,))
    conn.commit()
    monkeypatch.setattr(database, "PLANS_SECONDS", 0.0)
    before = _read(conn, worker)
    an_event("contact.creation", UNTIL_KEPT)
    assert worker.run_once() == 1
    assert _read(conn, worker) - before < READ_MAX


def _read(conn: database.Connection, worker: Worker) -> int:
    """Entries of the events' indexes read so far, by whomever."""
    worker._connection().execute("SELECT pg_stat_force_next_flush()")
    conn.rollback()
    row = conn.execute(
        "SELECT sum(idx_tup_read)::bigint AS read FROM pg_stat_user_indexes WHERE relname = 'events'"
    ).fetchone()
    conn.rollback()
    assert row is not None
    return int(row["read"])
