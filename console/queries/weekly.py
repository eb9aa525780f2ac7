"""A week for a review: what came, what became of it, what it cost, what people decided."""

from datetime import datetime, timedelta
from typing import Any

from console import answers
from console.queries import coverage, kept, today
from counterfoil import database
from counterfoil.database import Connection
from counterfoil.ledger import tally

#: Steps of rollouts that are listed.
STEPS_MAX = 50

#: Whatever was opened in the week is live or was closed in it: two indexes have all of it, and nothing of before.
_CLASSES = """
SELECT failure_class, count(*) FILTER (WHERE opened_at >= %(since)s) AS opened, count(closed_at) AS closed,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM closed_at - opened_at)::float8)
           FILTER (WHERE closed_at IS NOT NULL) / 3600 AS hours
FROM (
    SELECT failure_class, opened_at, NULL::timestamptz AS closed_at FROM cases
    WHERE status IN ('open', 'acknowledged', 'snoozed') AND opened_at >= %(since)s
    UNION ALL
    SELECT failure_class, opened_at, closed_at FROM cases WHERE closed_at >= %(since)s
) AS of_the_week GROUP BY failure_class ORDER BY 2 DESC, 1
"""
_STEPS = """
SELECT handler, mode, share, changed_by, changed_at, reason FROM rollout_changes
WHERE changed_at >= %s ORDER BY id DESC LIMIT %s
"""
_REVERSED = "SELECT count(*) AS n FROM writes WHERE status = 'reversed' AND handler IS NOT NULL AND created_at >= %s"


def read(now: datetime) -> answers.Weekly:
    """The seven days that end now."""
    since = (now - timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    with database.transaction() as conn:
        spans = list(tally.read(conn, since, now))
        looked = today.counted(spans, today.WINDOWS["7d"], since, now)
        stands_open = today.stands_open(conn)
        classes, steps = _classes(conn, since), conn.execute(_STEPS, (since, STEPS_MAX)).fetchall()
        reversed_ = conn.execute(_REVERSED, (since,)).fetchone()
    assert reversed_ is not None
    whole = looked.whole
    return answers.Weekly(
        since=since,
        until=now,
        received=whole.received,
        done=whole.ends["done"],
        set_aside=whole.ends["set aside"],
        on_their_way=whole.ends["on its way"],
        exceptions=whole.ends["exception"],
        duplicates=whole.duplicates,
        milliseconds_p50=whole.milliseconds(0.5),
        milliseconds_p95=whole.milliseconds(0.95),
        runs=whole.runs,
        cost_micro_usd=whole.cost_micro_usd,
        written=whole.money,
        blocked=stands_open.blocked,
        cases_open=stands_open.cases,
        oldest_case_at=stands_open.oldest.opened_at if stands_open.oldest else None,
        in_doubt=stands_open.in_doubt,
        reversed=reversed_["n"],
        handlers=[_handler(name, count) for name, count in looked.handlers],
        classes=classes,
        rollouts=[answers.RolloutStep(**row) for row in steps],
        coverage=coverage.read(now, spans),
    )


def _classes(conn: Connection, since: datetime) -> list[answers.ClassWeek]:
    return kept.find(
        ("classes", since),
        lambda: [_class(row) for row in conn.execute(_CLASSES, {"since": since})],
        is_costly=lambda found: sum(one.opened + one.closed for one in found) >= kept.MANY,
    )


def _class(row: dict[str, Any]) -> answers.ClassWeek:
    hours = None if row["hours"] is None else round(float(row["hours"]), 2)
    named = {"class": row["failure_class"], "opened": row["opened"], "closed": row["closed"]}
    return answers.ClassWeek.model_validate({**named, "hours_to_close_p50": hours})


def _handler(name: str, count: today.Count) -> answers.HandlerWeek:
    return answers.HandlerWeek(
        handler=name,
        events=count.received,
        done=count.ends["done"],
        exceptions=count.ends["exception"],
        milliseconds_p50=count.milliseconds(0.5),
        milliseconds_p95=count.milliseconds(0.95),
        written=count.money,
    )
