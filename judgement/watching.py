"""Whether a question keeps its promise: what chance let people look at, and what it costs. On breach it asks people.

accuracy     of what code acted on, where chance drew it for a person: share right, with its interval
breaker      a bet against the promise (`judgement.drift`), over the same answers, one by one
golden       the judge of now, with all corrections since, against how its training did on the golden set
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contracts.answers import Question
from counterfoil import audit, clock
from counterfoil.database import Connection
from exceptions_queue import cases
from judgement import models, states
from judgement.drift import Breaker
from judgement.serving import serving
from judgement.threshold import upper_bound
from judgement.training import is_worse

RULE = "question_demoted"
#: What figures look back on.
WINDOW = timedelta(days=28)

_AUDITED = """
    SELECT label IS NOT DISTINCT FROM settled_label AS right FROM decisions
    WHERE question = %s AND acted AND sampled AND status = 'settled' AND settled_at > %s
    ORDER BY settled_at, id
"""
_FIGURES = """
    SELECT count(*) AS decided,
           count(*) FILTER (WHERE acted) AS acted,
           count(*) FILTER (WHERE status = 'asked' AND EXISTS (SELECT FROM events e WHERE e.id = d.event_id
               AND e.generation = d.generation AND e.status IN ('waiting', 'exception'))) AS waiting,
           count(*) FILTER (WHERE NOT acted) AS escalated,
           coalesce(sum(cost_micro_usd), 0)::bigint AS cost_micro_usd,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY latency_ms) AS latency_ms_p50,
           percentile_disc(0.99) WITHIN GROUP (ORDER BY latency_ms) AS latency_ms_p99,
           count(*) FILTER (WHERE acted AND sampled AND status = 'settled') AS audited,
           count(*) FILTER (WHERE acted AND sampled AND status = 'settled' AND label IS DISTINCT FROM settled_label)
               AS audited_wrong
    FROM decisions d WHERE question = %s AND created_at > %s
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """A question over a window. Shares are None where nothing was counted."""

    decided: int
    acted: int
    waiting: int
    escalated: int
    cost_micro_usd: int
    latency_ms_p50: float | None
    latency_ms_p99: float | None
    audited: int
    audited_wrong: int

    @property
    def accuracy(self) -> float | None:
        """Of what code acted on, the share that was right, as far as people looked."""
        return 1 - self.audited_wrong / self.audited if self.audited else None

    @property
    def accuracy_at_least(self) -> float | None:
        """The lower end of its 95 % interval."""
        return 1 - upper_bound(self.audited, self.audited_wrong, 0.025) if self.audited else None

    @property
    def accuracy_at_most(self) -> float | None:
        """The upper end."""
        return upper_bound(self.audited, self.audited - self.audited_wrong, 0.025) if self.audited else None


def figures(conn: Connection, question: str, *, since: datetime | None = None) -> Figures:
    """What happened since then; by default over four weeks."""
    # Planned for this question: a plan for whichever would look at the decisions of all of them.
    row = conn.execute(_FIGURES, (question, since or clock.now() - WINDOW), prepare=False).fetchone()
    assert row is not None
    return Figures(**row)


def breaker(conn: Connection, question: Question, *, since: datetime) -> Breaker:
    """The bet over all that was audited since then."""
    bet = Breaker(question.error_max_of(question.risk))
    for row in conn.execute(_AUDITED, (question.name, since)):
        bet.audited(right=bool(row["right"]))
    return bet


def tend(conn: Connection, question: Question) -> list[audit.Entry]:
    """Take a question back that breaks its promise: it asks people from now on, and its owner has a case."""
    state = states.of(conn, question)
    if state.mode != "automatic":
        return []
    since = state.changed_at or clock.now() - WINDOW
    bet = breaker(conn, question, since=since)
    if not bet.open:
        return []
    seen = figures(conn, question.name, since=since)
    return _take_back(
        conn, question, f"{seen.audited_wrong} of {seen.audited} answers that people looked at were wrong"
    )


def check_golden(conn: Connection, question: Question) -> bool:
    """Take a question back whose judge, with all it learned since its training, became worse on the golden set.

    Returns whether it was taken back. Needs a connection in autocommit.
    """
    kept = models.answering(conn, question)
    if kept is None or states.of(conn, question).mode != "automatic":
        return False
    report = serving(question.name).golden(conn)
    if not is_worse(report, kept.report):
        return False
    now, was = report["golden"]["accuracy"], kept.report["golden"]["accuracy"]
    reason = f"{now:.1%} of the golden set is right, {was:.1%} when training {kept.number} was made"
    with conn.transaction():
        audit.append(conn, "judge", _take_back(conn, question, reason))
    return True


def _take_back(conn: Connection, question: Question, reason: str) -> list[audit.Entry]:
    entries = states.put(conn, question, "ask", who="judge", reason=reason)
    detail: dict[str, Any] = {"sentence": f"{question.name} asks people about everything from now on: {reason}"}
    # The question stands where a handler would: two questions are two cases, and owners.toml can name each one's owner.
    incident = cases.Incident(None, "out_of_bounds", handler=question.name, rule=RULE, detail=detail)
    return entries + cases.open_many(conn, [incident], actor="judge").entries
