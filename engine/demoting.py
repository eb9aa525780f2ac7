"""Demotion: a handler that people disagree with, or whose writes fail, is let out less far, by itself.

    full ─▶ partial (a tenth) ─▶ shadow

Judged by what is certain (Wilson's lower bound), over its newest decisions and outcomes since its last step: one slip
is no pattern. Its owner gets a case; a person lets it out again, by evidence or by force.
"""

from datetime import timedelta

from counterfoil import audit, clock
from counterfoil.database import Connection
from engine import controls, evidence, rollout
from engine.controls import Rollout
from exceptions_queue import cases

#: What is looked at: so many of the newest, none older than this.
NEWEST = 50
WINDOW = timedelta(days=7)
#: Nothing is concluded from fewer.
SAMPLE_MIN = 10
#: More than this certainly against it is too much.
AGAINST_MAX = 0.10
#: How often (seconds): decisions are rare, and the step back is not for seconds.
PACE_SECONDS = 5.0
RULE = "rollout_demoted"

# Only handlers that something speaks against are looked at more closely.
_SUSPECT = """
SELECT DISTINCT handler FROM (
    SELECT w.handler FROM writes w
    WHERE w.status IN ('refused', 'rejected', 'reversing', 'reversed') AND w.id >= %(first)s
    UNION ALL
    SELECT w.handler FROM approval_votes v JOIN approvals a ON a.id = v.approval_id JOIN writes w ON w.id = a.write_id
    WHERE v.voted_at >= %(since)s AND (v.decision = 'reject' OR a.edited_by IS NOT NULL)
    UNION ALL
    SELECT w.handler FROM reviews r JOIN writes w ON w.id = r.write_id
    WHERE r.reviewed_at >= %(since)s AND NOT r.agrees
) AS suspect WHERE handler IS NOT NULL ORDER BY handler
"""

_looked_at = float("-inf")


def run_once(conn: Connection) -> dict[str, int]:
    """Demote whom too much speaks against. For the sweeper."""
    global _looked_at
    now = clock.ticks_seconds()
    if now - _looked_at < PACE_SECONDS:
        return {}
    _looked_at = now
    since = clock.now() - WINDOW
    values = {"since": since, "first": evidence.first_id(since)}
    handlers = [row["handler"] for row in conn.execute(_SUSPECT, values).fetchall()]
    done = [entries for handler in handlers if (entries := demote(conn, handler))]
    audit.append(conn, "engine", [entry for entries in done for entry in entries])
    return {"demoted": len(done)}


def demote(conn: Connection, handler: str) -> list[audit.Entry]:
    """One step back, if too much speaks against it; returns the audit entries, none when it stays."""
    standing = rollout.read(conn, handler)
    if standing.rollout.mode == "shadow":
        return []
    since = max(clock.now() - WINDOW, standing.changed_at or clock.now() - WINDOW)
    decided = evidence.decisions(conn, handler, since, most=NEWEST)
    happened = evidence.outcomes(conn, handler, since, most=NEWEST)
    told = _against(decided, happened)
    if told is None:
        return []
    narrower = _narrower(standing.rollout)
    because = {"decisions": decided.as_json(), "outcomes": happened.as_json()}
    reason = f"{told}; from {rollout.said(standing.rollout)} to {rollout.said(narrower)}"
    entries = rollout.put(conn, handler, standing, narrower, who="sweeper", reason=reason, because=because)
    detail = {"sentence": f"{handler} is let out less far: {reason}", **because}
    incident = cases.Incident(None, "out_of_bounds", handler=handler, rule=RULE, detail=detail)
    return entries + cases.open_many(conn, [incident], actor="sweeper").entries


def _against(decided: evidence.Decisions, happened: evidence.Outcomes) -> str | None:
    if decided.count >= SAMPLE_MIN and decided.disagreement_lower > AGAINST_MAX:
        return f"people disagreed with {decided.against} of its last {decided.count} plans"
    if happened.count >= SAMPLE_MIN and happened.failure_lower > AGAINST_MAX:
        return f"{happened.against} of its last {happened.count} writes were refused, not applied or taken back"
    return None


def _narrower(now: Rollout) -> Rollout:
    return Rollout("partial", rollout.FIRST_SHARE) if now == controls.FULL else Rollout("shadow")
