"""Idempotency keys of the API: the same key with the same request gets the same answer, and changes nothing again.

The key's row is inserted in the change's own transaction: a second request with the key waits for the first to
commit and then finds its answer; one that was refused leaves no row and may be tried again.
"""

from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from console import problems
from counterfoil import keys
from counterfoil.database import Connection

#: Longest key; a UUID has 36 characters.
KEY_MAX = 200


class Remembered(NamedTuple):
    """What an earlier request with the same key did, and what it was answered (None if we died before answering)."""

    done: dict[str, Any]
    answer: str | None


def fingerprint(who: str, route: str, about: str | None, body: Any) -> str:
    """What must be the same for two requests to be one."""
    return keys.digest([who, route, about, body])


def find(conn: Connection, key: str, request: str) -> Remembered | None:
    """What was done before, or None: then the key is ours until this transaction ends.

    Raises: NotAcceptable when the key was used for another request.
    """
    mine = conn.execute(
        "INSERT INTO api_requests (key, fingerprint) VALUES (%s, %s) ON CONFLICT (key) DO NOTHING RETURNING key",
        (key, request),
    ).fetchone()
    if mine is not None:
        return None
    row = conn.execute("SELECT fingerprint, answer FROM api_requests WHERE key = %s", (key,)).fetchone()
    assert row is not None, "Bug: a key that conflicts has a row"
    if row["fingerprint"] != request:
        raise problems.NotAcceptable("this Idempotency-Key was used for another request; take a new one")
    return Remembered(row["answer"]["done"], row["answer"]["answer"])


def remember(conn: Connection, key: str, done: dict[str, Any], answer: str | None = None) -> None:
    """Keep what was done, with the change; and its answer, as soon as there is one."""
    conn.execute(
        "UPDATE api_requests SET status = 200, answer = %s WHERE key = %s",
        (Jsonb({"done": done, "answer": answer}), key),
    )
