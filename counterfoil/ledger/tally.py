"""Counting what was received, written and blocked in a span of time, and keeping the counts of spans that are over.

    now - 7 d ──── hours, counted again every hour ──── now - 1 d ── every 5 min ── now - 2 h ── spans of 5 min ── now
                                                                                                   the last is counted
                                                                                                   when somebody looks

An event that changes later (a replay, a late duplicate) changes the count of the span in which it was received: that
is why spans that are over are counted again, one per pass of the sweeper.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from counterfoil import keys
from counterfoil.database import Connection

FINE, COARSE = timedelta(minutes=5), timedelta(hours=1)
#: Spans of each width that are kept: fine ones for the hour that runs and the one before, hours for a week and the
#: part of a quarter of a day in which it begins.
KEPT = {FINE: 26, COARSE: 7 * 24 + 6}
#: How old a count may be, by the age of its span.
FRESH = ((timedelta(hours=2), 60), (timedelta(hours=26), 300), (timedelta(days=30), 3600))
#: An id is made by the clock of whoever made it; doors whose clock is further off fail the self-check.
CLOCKS_APART = timedelta(minutes=2)
#: Upper ends of the slots in which times from the delivery to the end are counted, in milliseconds.
SLOTS_MS = (100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 86_400_000)


class Events(msgspec.Struct, array_like=True):
    """Events of one kind that were received in a span."""

    source: str
    handler: str | None
    #: Of those that no handler took: which type they are.
    type: str | None
    status: str
    #: The slot of the time from the delivery to the end; None: not at an end.
    slot: int | None
    count: int
    #: Deliveries beyond the first.
    duplicates: int


class Writes(msgspec.Struct, array_like=True):
    """Writes of one kind that were planned in a span."""

    destination: str
    handler: str | None
    status: str
    currency: str | None
    count: int
    amount_minor: int


class Runs(msgspec.Struct, array_like=True):
    """Runs of one kind that began in a span."""

    handler: str | None
    version: str | None
    status: str
    count: int


class Blocked(msgspec.Struct, array_like=True):
    """Money in one currency that cases came to block in a span, and that they let go in it."""

    currency: str
    came_minor: int
    went_minor: int


class Numbers(msgspec.Struct):
    """What one span counted."""

    events: list[Events] = []
    writes: list[Writes] = []
    runs: list[Runs] = []
    blocked: list[Blocked] = []
    judged: int = 0
    cost_micro_usd: int = 0


_EVENTS = """
SELECT date_bin(%(step)s, received_at, %(since)s) AS at, source, handler,
       CASE WHEN handler IS NULL THEN type END AS type, status,
       CASE WHEN finished_at IS NOT NULL THEN
           width_bucket(extract(epoch FROM finished_at - received_at)::float8 * 1000, %(slots)s::float8[]) END AS slot,
       count(*) AS count, sum(deliveries - 1)::bigint AS duplicates
FROM events WHERE id >= %(first)s AND id < %(last)s AND received_at >= %(since)s AND received_at < %(until)s
GROUP BY 1, 2, 3, 4, 5, 6
"""
_WRITES = """
SELECT date_bin(%(step)s, created_at, %(since)s) AS at, destination, handler, status, currency, count(*) AS count,
       coalesce(sum(amount_minor), 0)::bigint AS amount_minor
FROM writes WHERE id >= %(first)s AND id < %(last)s AND created_at >= %(since)s AND created_at < %(until)s
GROUP BY 1, 2, 3, 4, 5
"""
_RUNS = """
SELECT date_bin(%(step)s, started_at, %(since)s) AS at, handler, handler_version AS version, status, count(*) AS count
FROM runs WHERE id >= %(first)s AND id < %(last)s AND started_at >= %(since)s AND started_at < %(until)s
GROUP BY 1, 2, 3, 4
"""
_BLOCKED = """
SELECT at, currency, sum(came)::bigint AS came_minor, sum(went)::bigint AS went_minor FROM (
    SELECT date_bin(%(step)s, added_at, %(since)s) AS at, currency, amount_minor AS came, 0 AS went FROM case_events
    WHERE added_at >= %(since)s AND added_at < %(until)s AND currency IS NOT NULL AND amount_minor IS NOT NULL
    UNION ALL
    SELECT date_bin(%(step)s, cleared_at, %(since)s), currency, 0, amount_minor FROM case_events
    WHERE cleared_at >= %(since)s AND cleared_at < %(until)s AND currency IS NOT NULL AND amount_minor IS NOT NULL
) AS moved GROUP BY 1, 2
"""
_JUDGED = """
SELECT date_bin(%(step)s, created_at, %(since)s) AS at, count(*) AS count,
       coalesce(sum(cost_micro_usd), 0)::bigint AS cost
FROM decisions WHERE id >= %(first)s AND id < %(last)s AND created_at >= %(since)s AND created_at < %(until)s GROUP BY 1
"""


def count(conn: Connection, since: datetime, until: datetime, step: timedelta) -> dict[datetime, Numbers]:
    """Count the rows themselves, by steps that begin at `since`; steps without anything are left out."""
    values = {
        "since": since,
        "until": until,
        "step": step,
        "slots": list(SLOTS_MS),
        "first": keys.id_at(since - CLOCKS_APART),
        "last": keys.id_at(until + CLOCKS_APART),
    }
    found: dict[datetime, Numbers] = {}

    def of(row: dict[str, Any]) -> Numbers:
        return found.setdefault(row.pop("at"), Numbers())

    for row in conn.execute(_EVENTS, values):
        of(row).events.append(Events(**row))
    for row in conn.execute(_WRITES, values):
        of(row).writes.append(Writes(**row))
    for row in conn.execute(_RUNS, values):
        of(row).runs.append(Runs(**row))
    for row in conn.execute(_BLOCKED, values):
        of(row).blocked.append(Blocked(**row))
    for row in conn.execute(_JUDGED, values):
        one = of(row)
        one.judged, one.cost_micro_usd = row["count"], row["cost"]
    return found


def read(conn: Connection, since: datetime, until: datetime) -> Iterator[tuple[datetime, Numbers]]:
    """What a window counted, span by span: hours and shorter spans that are kept, rows for the rest.

    `since` begins a span of five minutes.
    """
    kept = _kept(conn, since, until)
    gap: datetime | None = None
    at = since
    while at < until:
        width = next((one for one in (COARSE, FINE) if (one, at) in kept and at + one <= until), None)
        if width is None:
            gap = gap or at
            at += FINE
            continue
        yield from _counted(conn, gap, at)
        gap = None
        yield at, kept[width, at]
        at += width
    yield from _counted(conn, gap, until)


def keep(conn: Connection) -> dict[str, int]:
    """Count one span that is over and was never counted, or not lately. For the sweeper."""
    row = conn.execute(_DUE, {"widths": list(KEPT), "most": list(KEPT.values()), **_freshness()}).fetchone()
    if row is None:
        return {"counted": 0}
    at, step = row["at"].astimezone(UTC), row["step"]
    numbers = count(conn, at, at + step, step).get(at, Numbers())
    conn.execute(
        "INSERT INTO tallies AS t (step_seconds, at, numbers, counted_at) VALUES (%s, %s, %s::jsonb, now())"
        " ON CONFLICT (step_seconds, at) DO UPDATE SET numbers = excluded.numbers, counted_at = excluded.counted_at",
        (int(step.total_seconds()), at, msgspec.json.encode(numbers).decode()),
    )
    _remember(conn, at, numbers)
    conn.execute(
        "DELETE FROM tallies WHERE step_seconds = %s AND at < %s - %s",
        (int(step.total_seconds()), at, 2 * KEPT[step] * step),
    )
    return {"counted": 1}


_VERSIONS = """
INSERT INTO handler_versions AS v (handler, version, first_at, last_at)
SELECT h, s, %(at)s, %(at)s FROM unnest(%(handlers)s::text[], %(versions)s::text[]) AS seen(h, s)
ON CONFLICT (handler, version) DO UPDATE
SET first_at = least(v.first_at, excluded.first_at), last_at = greatest(v.last_at, excluded.last_at)
WHERE v.first_at > excluded.first_at OR v.last_at < excluded.last_at
"""


def _remember(conn: Connection, at: datetime, numbers: Numbers) -> None:
    """Which code was at work then; kept for longer than the counts."""
    seen = sorted({(run.handler, run.version) for run in numbers.runs if run.handler and run.version})
    if seen:
        conn.execute(_VERSIONS, {"at": at, "handlers": [h for h, _ in seen], "versions": [v for _, v in seen]})


# Never counted first, the newest of them; then what is the most overdue.
_DUE = """
SELECT s.at, w.step FROM unnest(%(widths)s::interval[], %(most)s::int[]) AS w(step, most)
CROSS JOIN LATERAL generate_series(
    date_bin(w.step, now(), 'epoch') - w.step * w.most, date_bin(w.step, now(), 'epoch') - w.step, w.step) AS s(at)
LEFT JOIN tallies t ON t.step_seconds = extract(epoch FROM w.step)::int AND t.at = s.at
CROSS JOIN LATERAL (
    SELECT min(f.seconds) AS seconds FROM unnest(%(ages)s::interval[], %(seconds)s::int[]) AS f(age, seconds)
    WHERE now() - s.at <= f.age) AS fresh
WHERE t.at IS NULL OR t.counted_at < now() - make_interval(secs => fresh.seconds)
ORDER BY t.at IS NOT NULL, CASE WHEN t.at IS NULL THEN s.at END DESC,
         extract(epoch FROM now() - t.counted_at) / fresh.seconds DESC LIMIT 1
"""


def _freshness() -> dict[str, Any]:
    return {"ages": [age for age, _ in FRESH], "seconds": [seconds for _, seconds in FRESH]}


def _counted(conn: Connection, since: datetime | None, until: datetime) -> Iterable[tuple[datetime, Numbers]]:
    """Rows of a gap between kept spans, in steps that fit into hours."""
    return () if since is None else sorted(count(conn, since, until, FINE).items())


def _kept(conn: Connection, since: datetime, until: datetime) -> dict[tuple[timedelta, datetime], Numbers]:
    rows = conn.execute(
        "SELECT step_seconds, at, numbers::text AS numbers FROM tallies WHERE at >= %s AND at < %s", (since, until)
    )
    return {
        (timedelta(seconds=row["step_seconds"]), row["at"].astimezone(UTC)): msgspec.json.decode(
            row["numbers"], type=Numbers
        )
        for row in rows
    }
