"""Answers that were paid for, by (question version, model, input): found again, and asked for by one at a time."""

import time
from typing import Any

import msgspec

from counterfoil.database import Connection

#: How often a worker looks whether the one that asks has its answer.
LOOK_SECONDS = 0.05

_CLAIM = """
    INSERT INTO paid_answers (question_version, model, input_hash, lease_until)
    VALUES (%s, %s, %s, now() + make_interval(secs => %s))
    ON CONFLICT (question_version, model, input_hash) DO NOTHING
    RETURNING 1 AS mine
"""
_FIND = """
    SELECT answer, lease_until <= now() AS lost FROM paid_answers
    WHERE question_version = %s AND model = %s AND input_hash = %s
"""
_KEEP = """
    UPDATE paid_answers SET answer = %s::jsonb, cost_micro_usd = %s, answered_at = now(), lease_until = NULL
    WHERE question_version = %s AND model = %s AND input_hash = %s
"""
_LEAVE = """
    DELETE FROM paid_answers WHERE question_version = %s AND model = %s AND input_hash = %s AND answer IS NULL
"""

Key = tuple[str, str, str]


class AnswerLost(Exception):
    """Whoever asked died before the answer was kept. It may have been paid for, so nobody asks again."""


def find_or_claim(conn: Connection, key: Key, *, lease_seconds: float, wait_seconds: float) -> dict[str, Any] | None:
    """The answer, or None: it is the caller's to ask for, for so long. Needs a connection in autocommit.

    Raises: TimeoutError when another worker asks and does not come back within `wait_seconds`; AnswerLost.
    """
    until = time.monotonic() + wait_seconds
    while True:
        if conn.execute(_CLAIM, (*key, lease_seconds)).fetchone():
            return None
        row = conn.execute(_FIND, key).fetchone()
        if row is not None and row["answer"] is not None:
            answer: dict[str, Any] = row["answer"]
            return answer
        if row is not None and row["lost"]:
            raise AnswerLost
        if time.monotonic() >= until:
            raise TimeoutError("another worker asks the same and has no answer yet")
        time.sleep(LOOK_SECONDS)


def keep(conn: Connection, key: Key, answer: dict[str, Any], cost_micro_usd: int) -> None:
    """Keep what was paid for; committed at once, before anybody acts on it."""
    conn.execute(_KEEP, (msgspec.json.encode(answer).decode(), cost_micro_usd, *key))


def leave(conn: Connection, key: Key) -> None:
    """There is no answer: the next one may ask."""
    conn.execute(_LEAVE, key)
