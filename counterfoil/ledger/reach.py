"""How far a destination can be reached: tokens that all workers share, and the circuit breaker, one row per account.

breaker    closed ─▶ open ─▶ half_open (one look, a read) ─▶ closed
              └ failures in a row     └ no: open again, for longer
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from counterfoil.database import Connection

#: Failures in a row that open the breaker: a single slow answer is no outage.
FAILURES_MAX = 5
#: Seconds until the first look, doubled with each look that fails, up to the last: an outage of an hour costs
#: the destination some fifteen reads.
LOOK_SECONDS = 5.0
LOOK_SECONDS_MAX = 300.0
#: Tokens that may pile up, in seconds of the rate: a burst after a pause stays under the destination's own window.
BURST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be done with a destination in this round."""

    breaker: str
    tokens: float


_FILL = """
INSERT INTO destination_states AS d (destination, tokens) VALUES (%(destination)s, %(burst)s)
ON CONFLICT (destination) DO UPDATE SET
    tokens = least(%(burst)s, d.tokens + %(rate)s * greatest(0, extract(epoch FROM now() - d.filled_at))),
    filled_at = now()
RETURNING breaker, tokens
"""


def fill(conn: Connection, destination: str, rate_per_second: float) -> Reach:
    """The destination's state with its tokens filled up to now; locks its row until the transaction ends."""
    values = {"destination": destination, "rate": rate_per_second, "burst": max(1.0, rate_per_second * BURST_SECONDS)}
    row = conn.execute(_FILL, values).fetchone()
    assert row is not None
    return Reach(**row)


def spend(conn: Connection, destination: str, tokens: int) -> None:
    """Take tokens for requests that are about to be made."""
    if tokens:
        conn.execute("UPDATE destination_states SET tokens = tokens - %s WHERE destination = %s", (tokens, destination))


def due_looks(conn: Connection, destinations: Sequence[str]) -> list[str]:
    """Destinations that do not answer and may be looked at now; their rows are locked for whoever asks first."""
    rows = conn.execute(
        "SELECT destination FROM destination_states WHERE destination = ANY(%s) AND breaker <> 'closed'"
        " AND look_at <= now() ORDER BY destination FOR UPDATE SKIP LOCKED",
        (list(destinations),),
    )
    return [row["destination"] for row in rows]


def begin_look(conn: Connection, destination: str, *, lease_seconds: float) -> None:
    """Half open: this worker looks whether it is back; another one may when it does not come back from that."""
    conn.execute(
        "UPDATE destination_states SET breaker = 'half_open', look_at = now() + make_interval(secs => %s)"
        " WHERE destination = %s",
        (lease_seconds, destination),
    )


_COUNT = """
UPDATE destination_states SET
    failures = CASE WHEN %(answered)s THEN 0 ELSE failures + %(failed)s END
WHERE destination = %(destination)s AND (failures > 0 OR %(failed)s > 0)
RETURNING failures, breaker
"""
_OPEN = """
UPDATE destination_states SET breaker = 'open', looks = 0, opened_at = now(), changed_at = now(), detail = %(detail)s,
    look_at = now() + make_interval(secs => %(seconds)s)
WHERE destination = %(destination)s AND breaker = 'closed'
RETURNING destination
"""


def count(conn: Connection, destination: str, *, answers: int, failures: Iterable[str]) -> bool:
    """Add what this round's requests came to; True when that opened the breaker.

    `failures`: a sentence for each request that the destination as a whole did not answer.
    """
    told = list(failures)
    values = {"destination": destination, "answered": answers > 0, "failed": len(told)}
    row = conn.execute(_COUNT, values).fetchone()
    if row is None or row["failures"] < FAILURES_MAX:
        return False
    opened = conn.execute(
        _OPEN, {"destination": destination, "detail": told[-1] if told else None, "seconds": LOOK_SECONDS}
    ).fetchone()
    return opened is not None


_LOOKED = """
UPDATE destination_states SET
    breaker = CASE WHEN %(answers)s THEN 'closed' ELSE 'open' END,
    failures = CASE WHEN %(answers)s THEN 0 ELSE failures END, looks = looks + 1, changed_at = now(),
    look_at = CASE WHEN NOT %(answers)s
                   THEN now() + make_interval(secs => least(%(most)s, %(first)s * 2 ^ least(looks + 1, 16))) END
WHERE destination = %(destination)s AND breaker <> 'closed'
RETURNING breaker
"""


def end_look(conn: Connection, destination: str, *, answers: bool) -> bool:
    """What the look found; True when that closed the breaker."""
    values = {"destination": destination, "answers": answers, "first": LOOK_SECONDS, "most": LOOK_SECONDS_MAX}
    row = conn.execute(_LOOKED, values).fetchone()
    return row is not None and row["breaker"] == "closed"
