"""The sweeper: once a second, whatever must move by itself is moved. Any process may run it; one at a time does.

ring         events that are due and in nobody's hands: never rung, retries, leases of the dead
measure      what waits for destinations, and what is paused, as metrics
roster       another owners file than before: which open cases it moved is told
escalate     cases that nobody answered; snoozed ones wake
digests      what is open is told once a day, each person at their hour
notify       messages that wait to be sent
approvals    what nobody answered is not made; a yes that was not used in time is asked for again
replays      the next portion of every running replay
reversals    the next portion of every running reversal
pauses       what a pause that is gone holds is due; what a handler in shadow planned before is withdrawn
rollouts     a handler that too much speaks against is let out less far
caps         uses that no window reaches go
refusals     bursts of refused signatures become a case; old counts go
tallies      one span of time that is over is counted, or counted again
mentions     what new events name is kept, so that people find them by it
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg

import destinations
from counterfoil import database, queue, telemetry
from counterfoil.database import Connection
from counterfoil.ledger import reach, tally
from counterfoil.ledger.claim import backlog
from counterfoil.tables.controls import PAUSE_SCOPES
from engine import demoting, mentioning, pausing, reversals, withdrawing
from exceptions_queue import approvals, bursts, caps, digest, escalation, handing_over, notify, replay

#: An arbitrary constant shared by all sweepers of a deployment.
SWEEP_LOCK = 7_203_411_864
#: The pace; what was accepted but never rung waits at most this long.
INTERVAL_SECONDS = 1.0


def ring_for_due(conn: Connection) -> dict[str, int]:
    """Ring when something could be claimed; keep the two gauges that say how far behind we are."""
    due, age_seconds = backlog(conn)
    telemetry.metrics.events_due.set(due)
    telemetry.metrics.oldest_due_seconds.set(max(age_seconds, 0.0))
    if due:
        queue.ring()
    return {"due": due}


def measure(conn: Connection) -> dict[str, int]:
    """Keep the gauges that say what waits for destinations and what people hold."""
    held = {row["scope"]: row["n"] for row in conn.execute("SELECT scope, count(*) AS n FROM pauses GROUP BY scope")}
    for scope in PAUSE_SCOPES:
        telemetry.metrics.pauses.labels(scope).set(held.get(scope, 0))
    found = reach.waiting(conn, destinations.find())
    for one in found:
        telemetry.metrics.writes_waiting.labels(one.name).set(one.waiting)
        telemetry.metrics.oldest_write_seconds.labels(one.name).set(max(one.oldest_seconds, 0.0))
        telemetry.metrics.destination_away.labels(one.name).set(one.away)
    return {"writes_waiting": sum(one.waiting for one in found)}


#: What a sweep does, in order; each returns counts and commits or rolls back alone.
SWEEPS: Mapping[str, Callable[[Connection], dict[str, int]]] = {
    "ring": ring_for_due,
    "measure": measure,
    "roster": handing_over.keep,
    "escalate": escalation.run_once,
    "digests": digest.run_once,
    "approvals": approvals.expire,
    "replays": replay.advance,
    "reversals": lambda conn: reversals.advance(conn, destinations.find()),
    "pauses": pausing.free_forgotten,
    "shadow": withdrawing.run_once,
    "rollouts": demoting.run_once,
    "caps": caps.forget,
    "refusals": bursts.run_once,
    "tallies": tally.keep,
    "mentions": mentioning.run_once,
}


def run_once(conn: Connection) -> dict[str, dict[str, int]]:
    """One sweep, unless another process sweeps now (then nothing). One sweep that fails does not stop the others."""
    counts: dict[str, dict[str, int]] = {}
    for name, sweep in SWEEPS.items():
        with _reported(name), conn.transaction():
            row = conn.execute("SELECT pg_try_advisory_xact_lock(%s) AS ours", (SWEEP_LOCK,)).fetchone()
            if row is None or not row["ours"]:
                return counts
            counts[name] = sweep(conn)
    with _reported("notify"):
        # Not under the lock: it waits for other servers, and claims its rows one by one.
        counts["notify"] = notify.deliver_pending()
    return counts


@contextmanager
def _reported(sweep: str) -> Iterator[None]:
    """A bug in one sweep is told and stays there; that Postgres is away is everybody's business."""
    try:
        yield
    except psycopg.OperationalError:
        raise
    except Exception as bug:
        telemetry.log.error("sweep.failed", sweep=sweep, reason=type(bug).__name__, exc_info=bug)
        telemetry.report_failure(bug, failure_class="handler_bug", owner="platform", handler=sweep, event_id=None)


def run(stop: threading.Event) -> None:
    """Sweep until `stop` is set; the database may come and go meanwhile."""
    kept = database.Kept()
    while not stop.wait(INTERVAL_SECONDS):
        try:
            run_once(kept.get())
        except psycopg.Error as away:
            telemetry.log.warning("sweeper.paused", reason=type(away).__name__)
            kept.drop()
    kept.drop()
