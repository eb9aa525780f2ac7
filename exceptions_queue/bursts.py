"""Bursts of refused signatures: somebody guesses, or a secret was rolled on one side only. Either way one case.

The door counts refusals per minute (`rejection_counts`); nothing of a refused request is ever enqueued.
"""

from counterfoil import audit
from counterfoil.database import Connection
from exceptions_queue import cases
from exceptions_queue.cases import Incident

#: Honest senders are refused now and then; twenty in five minutes from one source is a pattern. A rolled secret at one
#: delivery a minute is found after twenty minutes of nothing else: the coverage report shows that sooner.
BURST_REFUSALS_MIN = 20
WINDOW_MINUTES = 5
#: Counts older than this are of no use to anybody.
KEEP_DAYS = 30

# Refusals before the last such case was closed were looked at then.
_BURSTS = """
SELECT r.source, sum(r.count)::int AS refused FROM rejection_counts r
WHERE r.minute > now() - make_interval(mins => %(minutes)s) AND r.reason LIKE 'signature%%'
  AND r.minute > coalesce((SELECT max(c.closed_at) FROM cases c
      WHERE c.failure_class = 'signature_burst' AND c.source = r.source), '-infinity')
  AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.failure_class = 'signature_burst' AND c.source = r.source
      AND c.status IN ('open', 'acknowledged', 'snoozed'))
GROUP BY r.source HAVING sum(r.count) >= %(least)s
"""


def run_once(conn: Connection) -> dict[str, int]:
    """Open a case per source with a burst, unless one is open; forget counts that are too old."""
    rows = conn.execute(_BURSTS, {"minutes": WINDOW_MINUTES, "least": BURST_REFUSALS_MIN}).fetchall()
    incidents = [
        Incident(
            event_id=None,
            failure_class="signature_burst",
            source=row["source"],
            rule="signature",
            detail={"refused": row["refused"], "minutes": WINDOW_MINUTES},
        )
        for row in rows
    ]
    opened = cases.open_many(conn, incidents)
    forgotten = conn.execute(
        "DELETE FROM rejection_counts WHERE minute < now() - make_interval(days => %s)", (KEEP_DAYS,)
    ).rowcount
    audit.append(conn, "engine", opened.entries)
    return {"bursts": len(opened.new), "forgotten": forgotten}
