"""What a claim of writes takes, and what it costs: the oldest first, however many wait and whatever the statistics."""

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from counterfoil import database
from counterfoil.ledger import outbox

WAITING = 2000
#: What a claim of twenty may look at: some candidates, and for each a handful of rows that could stand in its way.
LOOKED_AT_MAX = 1000

_PAST = """
INSERT INTO writes (id, key, destination, operation, status, target, digest, event_id, attempts, confirmed_at)
SELECT gen_random_uuid(), 'past/' || n, 'hubspot', 'upsert_company', 'confirmed', 'hubspot:companies/' || n, 'd',
       gen_random_uuid(), 1, now() FROM generate_series(1, 3000) n
"""
_WAITING = """
INSERT INTO writes (id, key, destination, operation, status, target, digest, event_id, order_at, order_key, due_at)
SELECT gen_random_uuid(), 'due/' || n, 'hubspot', 'upsert_company', 'planned', 'hubspot:companies/' || n, 'd',
       gen_random_uuid(), now(), n::text, now() - n * interval '1 second' FROM generate_series(1, %s) n
"""


@pytest.fixture
def queue(conn: database.Connection) -> database.Connection:
    """A long queue that came after the table was last looked over."""
    conn.commit()
    conn.execute("ALTER TABLE writes SET (autovacuum_enabled = off)")
    conn.execute(_PAST)
    conn.execute("ANALYZE writes")
    conn.execute(_WAITING, (WAITING,))
    conn.commit()
    return conn


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A plan and all of its parts."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def test_a_claim_takes_no_look_at_the_whole_queue(queue: database.Connection) -> None:
    """No part of the plan reads more rows than a claim needs. With an index that other conditions imply, it did."""
    values = {
        "destination": "hubspot",
        "looking": ["upsert_company"],
        "limit": 20,
        "lease": 6.0,
        "fresh": outbox.LOOK_SECONDS,
        "replays": False,
    }
    cursor = psycopg.ClientCursor(queue)
    (row,) = cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + outbox._CLAIM, values).fetchall()
    (told,) = row.values() if isinstance(row, dict) else row
    read = [
        (node["Node Type"], node.get("Index Name"), node["Actual Loops"] * _rows(node))
        for node in nodes(told[0]["Plan"])
    ]
    assert [each for each in read if each[2] > LOOKED_AT_MAX] == []


def _rows(node: Mapping[str, Any]) -> float:
    return float(node["Actual Rows"]) + float(node.get("Rows Removed by Filter", 0))


@pytest.mark.parametrize("joined_by", ["nestloop", "hashjoin"])
def test_a_claim_gives_the_oldest_first(queue: database.Connection, joined_by: str) -> None:
    """One after the other, however the database puts the rows together. As an UPDATE returns them it did not."""
    for other in {"nestloop", "hashjoin", "mergejoin"} - {joined_by}:
        queue.execute(f"SET LOCAL enable_{other} = off")
    claimed = outbox.claim_writes(queue, "hubspot", looking=["upsert_company"], limit=20, lease_seconds=6.0)
    assert [one.key for one in claimed] == [f"due/{WAITING - n}" for n in range(20)]
