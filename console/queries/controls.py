"""What holds the automations, as rows: pauses, rollouts with their history, what shadow holds, destinations."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import destinations
from console import answers
from console.fields import Money, money
from contracts.money import Money as Amount
from counterfoil import database
from counterfoil.database import Connection
from counterfoil.ledger import reach
from destinations.base import Destination, Effect
from destinations.remote import is_remote
from engine import rollout
from engine.sending import approving
from exceptions_queue.policy import Decision

#: Lines of a handler's history, and examples of what shadow holds: as many as a person reads.
HISTORY_MAX = 50
EXAMPLES_MAX = 20

_PAUSES = """
SELECT p.scope, p.name, p.reason, p.paused_by, p.paused_at,
       (SELECT count(*) FROM events e WHERE e.parked = p.scope || ':' || p.name) AS events_parked
FROM pauses p WHERE (%(scope)s::text IS NULL OR p.scope = %(scope)s) AND (%(name)s::text IS NULL OR p.name = %(name)s)
ORDER BY p.paused_at DESC, p.scope, p.name
"""


def pauses(conn: Connection, scope: str | None = None, name: str | None = None) -> list[answers.Pause]:
    """What is paused now, the newest first."""
    return [answers.Pause(**row) for row in conn.execute(_PAUSES, {"scope": scope, "name": name})]


def of_handler(handler: str) -> answers.Rollout:
    """How far a handler is let out, why, and what would come next."""
    with database.transaction() as conn:
        standing = rollout.read(conn, handler)
        paused = next(iter(pauses(conn, "handler", handler)), None)
        rows = conn.execute(
            "SELECT mode, share, segment, evidence, reason, changed_by, changed_at FROM rollout_changes"
            " WHERE handler = %s ORDER BY id DESC LIMIT %s",
            (handler, HISTORY_MAX),
        ).fetchall()
    return answers.Rollout(
        handler=handler,
        mode="paused" if paused else standing.rollout.mode,
        share=standing.rollout.share,
        segment=None if standing.rollout.segment is None else dict(standing.rollout.segment),
        reason=standing.reason,
        changed_by=standing.changed_by,
        changed_at=standing.changed_at,
        paused=paused,
        decisions=standing.decisions.as_json() if standing.decisions else None,
        next_step=_next_step(standing),
        history=[answers.RolloutChange(**row) for row in rows],
    )


def _next_step(standing: rollout.Standing) -> answers.NextStep | None:
    following = standing.next_step
    if following is None:
        return None
    assert following.mode != "shadow", "Bug: the next step leads into shadow"
    return answers.NextStep(
        mode=following.mode, share=following.share, allowed=standing.missing is None, because=standing.words
    )


_TOTALS = """
SELECT destination, operation, currency, count(*) AS writes, count(DISTINCT event_id) AS events,
       count(DISTINCT coalesce(target, subject)) AS records, coalesce(sum(amount_minor), 0)::bigint AS amount_minor
FROM writes WHERE handler = %s AND status = 'shadow' GROUP BY GROUPING SETS ((destination, operation, currency),
    (destination, operation), ()) ORDER BY destination, operation, currency
"""
_EXAMPLES = """
SELECT w.id, w.event_id, w.key, w.destination, w.operation, w.subject, w.amount_minor, w.currency, w.action, w.digest,
       w.created_at, count(r.id) FILTER (WHERE r.agrees) AS agreed, count(r.id) FILTER (WHERE NOT r.agrees) AS disagreed
FROM writes w LEFT JOIN reviews r ON r.write_id = w.id WHERE w.handler = %s AND w.status = 'shadow'
GROUP BY w.id ORDER BY count(r.id) > 0, w.id DESC LIMIT %s
"""


def shadow(handler: str) -> answers.Shadow:
    """What a handler would have written: counted, summed up, and with examples to review."""
    with database.transaction() as conn:
        totals = conn.execute(_TOTALS, (handler,)).fetchall()
        examples = conn.execute(_EXAMPLES, (handler, EXAMPLES_MAX)).fetchall()
    whole = next(row for row in totals if row["destination"] is None)
    known = destinations.find()
    return answers.Shadow(
        handler=handler,
        writes=whole["writes"],
        events=whole["events"],
        totals=_per_operation([row for row in totals if row["destination"] is not None]),
        examples=[_example(row, known[row["destination"]]) for row in examples if row["destination"] in known],
    )


def _per_operation(rows: Sequence[dict[str, Any]]) -> list[answers.ShadowTotal]:
    found: dict[tuple[str, str], answers.ShadowTotal] = {}
    sums: dict[tuple[str, str], list[Money]] = {}
    for row in rows:
        name = row["destination"], row["operation"]
        if row["currency"] is not None:
            sums.setdefault(name, []).append(Money(amount_minor=row["amount_minor"], currency=row["currency"]))
        if name not in found or row["writes"] > found[name].writes:
            # The row without a currency counts all of them.
            found[name] = answers.ShadowTotal(
                destination=name[0], operation=name[1], writes=row["writes"], records=row["records"], sums=[]
            )
    return [total.model_copy(update={"sums": sums.get(name, [])}) for name, total in found.items()]


def _example(row: dict[str, Any], destination: Destination) -> answers.ShadowWrite:
    amount = money(row["amount_minor"], row["currency"])
    whole = Amount(amount.amount_minor, amount.currency) if amount else None
    body, evidence = row["action"]["body"], row["action"].get("evidence") or {}
    effect = Effect(row["destination"], row["operation"], row["key"], row["subject"] or "", whole, body, evidence)
    shown = approving.shown(effect, row["digest"], destination, None, Decision(0, "shadow"))
    copied = {name: row[name] for name in ("event_id", "key", "destination", "operation", "digest", "created_at")}
    return answers.ShadowWrite(
        **copied,
        write_id=row["id"],
        title=shown["title"],
        lines=shown["lines"],
        amount=amount,
        agreed=row["agreed"],
        disagreed=row["disagreed"],
    )


_STATES = """
SELECT d.name, coalesce(s.breaker, 'closed') AS breaker, s.opened_at, s.look_at, coalesce(s.failures, 0) AS failures,
       s.detail, s.tokens, extract(epoch FROM now() - s.filled_at)::float8 AS filled_before, p.paused_by,
       w.waiting, w.of_replays, w.oldest_seconds
FROM unnest(%s::text[]) AS d(name) LEFT JOIN destination_states s ON s.destination = d.name
LEFT JOIN pauses p ON p.scope = 'destination' AND p.name = d.name
CROSS JOIN LATERAL (
    SELECT count(*) AS waiting, count(*) FILTER (WHERE w.replayed) AS of_replays,
           extract(epoch FROM now() - min(w.created_at))::float8 AS oldest_seconds
    FROM writes w WHERE w.destination = d.name AND w.due_at IS NOT NULL) w
ORDER BY d.name
"""


def every_destination() -> list[answers.Destination]:
    """Every destination, whether or not anything was ever sent there."""
    known = destinations.find()
    with database.transaction() as conn:
        rows = conn.execute(_STATES, (sorted(known),)).fetchall()
    return [_destination(row, known[row["name"]]) for row in rows]


def _destination(row: dict[str, Any], destination: Destination) -> answers.Destination:
    rate = destination.rate_per_second if is_remote(destination) else None
    is_closed = row["breaker"] == "closed"
    copied = {name: row[name] for name in ("name", "breaker", "failures", "waiting", "of_replays", "paused_by")}
    age = row["oldest_seconds"]
    return answers.Destination(
        **copied,
        safety=destination.safety,
        since=None if is_closed else row["opened_at"],
        look_at=None if is_closed else row["look_at"],
        detail=None if is_closed else row["detail"],
        rate_per_second=rate,
        tokens=_filled(rate, row),
        oldest_seconds=None if age is None else round(max(age, 0.0), 3),
    )


def _filled(rate: float | None, row: dict[str, Any]) -> float | None:
    """What the next claim would find: tokens are filled by the passing of time, and only when somebody asks."""
    if rate is None or row["tokens"] is None:
        return None if rate is None else reach.burst_of(rate)
    filled: float = row["tokens"] + rate * max(0.0, row["filled_before"])
    return round(min(reach.burst_of(rate), filled), 2)


_REVIEWED = """
SELECT w.id AS write_id, w.key, w.handler, w.status, w.digest, count(r.id) FILTER (WHERE r.agrees) AS agreed,
       count(r.id) FILTER (WHERE NOT r.agrees) AS disagreed
FROM writes w LEFT JOIN reviews r ON r.write_id = w.id WHERE w.id = %s GROUP BY w.id
"""


def reviewed(write_id: UUID) -> answers.Reviewed | None:
    """What people think of a write; None when there is no such write, or no handler's."""
    with database.transaction() as conn:
        row = conn.execute(_REVIEWED, (write_id,)).fetchone()
    return None if row is None or row["handler"] is None else answers.Reviewed(**row)
