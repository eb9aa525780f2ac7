"""Anchor: what this Postgres takes from one Python connection: transactions of 100 rows, and nothing else.

Prints rows per second; the rows are the bench's own bodies under random keys.
"""

import sys
import time
import uuid

import asyncpg
import uvloop
from bodies import Batch, build

from counterfoil.database import url

ROWS = 100
TABLE = """
CREATE TABLE IF NOT EXISTS bench_sql_limit (
    id uuid PRIMARY KEY, key text NOT NULL UNIQUE, received_at timestamptz NOT NULL DEFAULT now(),
    body text NOT NULL)
"""


async def main(seconds: float) -> None:
    """Insert for this long."""
    batch = Batch(uuid.uuid4().hex[:6], int(time.time()), 4000)
    bodies = [request.split(b"\r\n\r\n", 1)[1].decode() for request in build(batch, "/")]
    connection = await asyncpg.connect(url())
    await connection.execute(TABLE)
    insert = await connection.prepare(
        "INSERT INTO bench_sql_limit (id, key, body) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])"
    )
    began, rows = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        ids = [uuid.uuid4() for _ in range(ROWS)]
        at = rows % (len(bodies) - ROWS)
        await insert.fetch(ids, [str(id) for id in ids], bodies[at : at + ROWS])
        rows += ROWS
    print(rows / (time.perf_counter() - began))
    await connection.close()


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1])))
