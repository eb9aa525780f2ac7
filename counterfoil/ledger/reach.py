"""How far a destination can be reached: tokens that all workers share, and the circuit breaker, one row per account.

tokens     one per request, filled by the passing of time; a round takes one per write, and the rest of what each cost
           once it is known, so there may be debt; replays have a share of their own beside what live writes leave over
breaker    closed ─▶ open ─▶ half_open (one look, a read) ─▶ closed on trial ─▶ closed
              └ failures in a row     └ no: open again, for longer     └ one failure: open again, for longer

A trial ends with the first answer to a write: that reading works does not say that writing does. Until then one write
goes out at a time.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from counterfoil.database import Connection

#: Failures in a row that open the breaker: a single slow answer is no outage.
FAILURES_MAX = 5
#: Seconds until the first look, doubled with each look that fails, up to the last: an outage of an hour costs
#: the destination some fifteen reads.
LOOK_SECONDS = 5.0
LOOK_SECONDS_MAX = 300.0
#: Opened again so soon after it closed (seconds), it is the same outage: its looks stay as far apart as they were.
SAME_OUTAGE_SECONDS = 900.0
#: Tokens that may pile up, in seconds of the rate: a burst after a pause stays under the destination's own window.
BURST_SECONDS = 1.0
#: Of the rate, what replays may take in any case. The rest they take only while half of a burst is left over.
REPLAYS_SHARE = 0.1
REPLAYS_FROM_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be done with a destination in this round."""

    breaker: str
    tokens: float
    #: Of replays, however busy it is.
    replay_tokens: float
    #: In a row.
    failures: int

    @property
    def on_trial(self) -> bool:
        """The next failure opens it: one at a time, or each trial of a long outage is a storm."""
        return self.failures >= FAILURES_MAX - 1

    @property
    def is_open(self) -> bool:
        """Nothing is sent."""
        return self.breaker != "closed"


def burst_of(rate_per_second: float) -> float:
    """What may go out in one moment after a rest."""
    return max(1.0, rate_per_second * BURST_SECONDS)


def lock(conn: Connection, destinations: Collection[str]) -> None:
    """Lock these rows, in one order for everybody, until the transaction ends."""
    conn.execute(
        "SELECT 1 FROM destination_states WHERE destination = ANY(%s) ORDER BY destination FOR UPDATE",
        (sorted(destinations),),
    )


# The time at which the row was taken, not the one at which its transaction began: whoever waited for it would set the
# clock back, and the time in between would be paid for twice.
_FILL = """
INSERT INTO destination_states AS d (destination, tokens, replay_tokens, filled_at)
VALUES (%(destination)s, %(burst)s, 1, clock_timestamp())
ON CONFLICT (destination) DO UPDATE SET
    tokens = least(%(burst)s, d.tokens + %(rate)s * greatest(0, extract(epoch FROM clock_timestamp() - d.filled_at))),
    replay_tokens = least(greatest(1, %(burst)s * %(share)s), d.replay_tokens
        + %(rate)s * %(share)s * greatest(0, extract(epoch FROM clock_timestamp() - d.filled_at))),
    filled_at = greatest(d.filled_at, clock_timestamp())
RETURNING breaker, tokens, replay_tokens, failures
"""


def fill(conn: Connection, destination: str, rate_per_second: float) -> Reach:
    """The destination's state with its tokens filled up to now; locks its row until the transaction ends."""
    values = {
        "destination": destination,
        "rate": rate_per_second,
        "burst": burst_of(rate_per_second),
        "share": REPLAYS_SHARE,
    }
    row = conn.execute(_FILL, values).fetchone()
    assert row is not None
    return Reach(**row)


def spend(conn: Connection, destination: str, tokens: float, *, replayed: int = 0) -> None:
    """Take tokens for requests; `replayed`: for so many writes of replays among them."""
    if tokens or replayed:
        conn.execute(
            "UPDATE destination_states SET tokens = tokens - %s, replay_tokens = greatest(0, replay_tokens - %s)"
            " WHERE destination = %s",
            (tokens, replayed, destination),
        )


def hold_back(conn: Connection, destination: str, rate_per_second: float, seconds: float) -> None:
    """The destination itself says that it is too much: nothing goes out for so long, whoever would send it."""
    conn.execute(
        "UPDATE destination_states SET tokens = least(tokens, %s) WHERE destination = %s",
        (-rate_per_second * seconds, destination),
    )


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
UPDATE destination_states d SET failures = CASE WHEN %(answered)s THEN 0 ELSE d.failures + %(failed)s END
FROM (SELECT destination, failures FROM destination_states WHERE destination = %(destination)s) was
WHERE d.destination = was.destination AND (d.failures > 0 OR %(failed)s > 0)
RETURNING d.failures, was.failures > 0 AND d.failures = 0 AS recovered
"""
_OPEN = """
UPDATE destination_states SET
    breaker = 'open', changed_at = now(), detail = %(detail)s,
    looks = CASE WHEN changed_at > now() - make_interval(secs => %(same)s) THEN looks ELSE 0 END,
    opened_at = CASE WHEN changed_at > now() - make_interval(secs => %(same)s) THEN coalesce(opened_at, now())
                     ELSE now() END,
    look_at = now() + make_interval(secs => least(%(most)s, %(first)s * 2 ^ CASE
        WHEN changed_at > now() - make_interval(secs => %(same)s) THEN least(looks, 16) ELSE 0 END))
WHERE destination = %(destination)s AND breaker = 'closed'
RETURNING destination
"""

#: What a round's answers did to the breaker.
Change = Literal["opened", "recovered"]


def count(conn: Connection, destination: str, *, answers: int, failures: Sequence[str]) -> Change | None:
    """Add what this round's requests came to.

    `failures`: a sentence for each request that the destination as a whole did not answer. `recovered`: the first
    answer after failures, or at the end of a trial.
    """
    values = {"destination": destination, "answered": answers > 0, "failed": len(failures)}
    row = conn.execute(_COUNT, values).fetchone()
    if row is None:
        return None
    if row["failures"] < FAILURES_MAX:
        return "recovered" if row["recovered"] else None
    opened = conn.execute(
        _OPEN,
        {
            "destination": destination,
            "detail": failures[-1] if failures else None,
            "first": LOOK_SECONDS,
            "most": LOOK_SECONDS_MAX,
            "same": SAME_OUTAGE_SECONDS,
        },
    ).fetchone()
    return "opened" if opened is not None else None


_LOOKED = """
UPDATE destination_states SET
    breaker = CASE WHEN %(answers)s THEN 'closed' ELSE 'open' END,
    failures = CASE WHEN %(answers)s THEN %(trial)s ELSE failures END, looks = looks + 1, changed_at = now(),
    look_at = CASE WHEN NOT %(answers)s
                   THEN now() + make_interval(secs => least(%(most)s, %(first)s * 2 ^ least(looks + 1, 16))) END
WHERE destination = %(destination)s AND breaker <> 'closed'
RETURNING breaker
"""


def end_look(conn: Connection, destination: str, *, answers: bool) -> bool:
    """What the look found; True when that closed the breaker, on trial: the next failure opens it again."""
    values = {
        "destination": destination,
        "answers": answers,
        "trial": FAILURES_MAX - 1,
        "first": LOOK_SECONDS,
        "most": LOOK_SECONDS_MAX,
    }
    row = conn.execute(_LOOKED, values).fetchone()
    return row is not None and row["breaker"] == "closed"


_WAITING = """
SELECT d.name, coalesce(s.breaker, 'closed') <> 'closed' AS away, w.waiting, w.oldest_seconds
FROM unnest(%s::text[]) AS d(name) LEFT JOIN destination_states s ON s.destination = d.name
CROSS JOIN LATERAL (
    SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(w.created_at)), 0)::float8 AS oldest_seconds
    FROM writes w WHERE w.destination = d.name AND w.due_at IS NOT NULL) w
"""


class Waiting(NamedTuple):
    """What waits for one destination."""

    name: str
    away: bool
    waiting: int
    oldest_seconds: float


def waiting(conn: Connection, destinations: Collection[str]) -> list[Waiting]:
    """How many writes are on their way to each, and for how long."""
    return [Waiting(**row) for row in conn.execute(_WAITING, (sorted(destinations),))]
