"""How far a question is let out: `shadow` (not trusted yet), `ask` (not trusted any more), `automatic`.

A question whose words changed is another question: it starts in shadow, whatever the one before was trusted with.
Only `automatic` acts without a person.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.answers import Question
from counterfoil import audit
from counterfoil.database import Connection

_FIND = """
    SELECT question_version, mode, reason, changed_by, changed_at FROM question_states WHERE question = %s
"""

# What it was asked in first. A version that is only tried beside was never relied on.
_FIRST = """
    SELECT question_version FROM trained_models WHERE question = %s AND status <> 'candidate' ORDER BY number LIMIT 1
"""

Mode = Literal["shadow", "ask", "automatic"]


@dataclass(frozen=True, slots=True)
class State:
    """The mode, and why."""

    mode: Mode
    reason: str
    changed_by: str = "counterfoil"
    changed_at: datetime | None = None


def of(conn: Connection, question: Question) -> State:
    """The state of a question. Shipped ones begin automatic: their thresholds decide, and most begin without one."""
    row = conn.execute(_FIND, (question.name,)).fetchone()
    if row is None:
        first = conn.execute(_FIRST, (question.name,)).fetchone()
        if first is not None and first["question_version"] != question.version:
            return State("shadow", "its words changed since it was first asked")
        return State("automatic", "as shipped")
    if row["question_version"] != question.version:
        return State("shadow", "its words changed since it was let out")
    return State(row["mode"], row["reason"], row["changed_by"], row["changed_at"])


def put(conn: Connection, question: Question, mode: Mode, *, who: str, reason: str) -> list[audit.Entry]:
    """Let a question out, or take it back. Does not commit; returns what the audit has to be told."""
    before = of(conn, question).mode
    conn.execute(
        "INSERT INTO question_states (question, question_version, mode, reason, changed_by) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (question) DO UPDATE SET question_version = excluded.question_version, mode = excluded.mode,"
        " reason = excluded.reason, changed_by = excluded.changed_by, changed_at = now()",
        (question.name, question.version, mode, reason, who),
    )
    entry = {"mode": mode, "before": before, "version": question.version, "reason": reason}
    return [audit.Entry(who, "question.mode_changed", f"question:{question.name}", entry)]
