"""How far a question is let out: `shadow` (not trusted yet), `ask` (not trusted any more), `automatic`.

A question whose words changed is another question: it starts in shadow, whatever the one before was trusted with.
Only `automatic` acts without a person.
"""

from dataclasses import dataclass
from typing import Any, Literal

from contracts.answers import Question
from counterfoil import audit
from counterfoil.database import Connection

Mode = Literal["shadow", "ask", "automatic"]


@dataclass(frozen=True, slots=True)
class State:
    """The mode, and why."""

    mode: Mode
    reason: str
    changed_by: str = "counterfoil"


def of(conn: Connection, question: Question) -> State:
    """The state of a question. Shipped ones begin automatic: their thresholds decide, and most begin without one."""
    row = conn.execute(
        "SELECT question_version, mode, reason, changed_by FROM question_states WHERE question = %s", (question.name,)
    ).fetchone()
    if row is None:
        return State("automatic", "as shipped")
    if row["question_version"] != question.version:
        return State("shadow", "its words changed since it was let out")
    return State(row["mode"], row["reason"], row["changed_by"])


def put(conn: Connection, question: Question, mode: Mode, *, who: str, reason: str, **detail: Any) -> None:
    """Let a question out, or take it back. Does not commit."""
    before = of(conn, question).mode
    conn.execute(
        "INSERT INTO question_states (question, question_version, mode, reason, changed_by) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (question) DO UPDATE SET question_version = excluded.question_version, mode = excluded.mode,"
        " reason = excluded.reason, changed_by = excluded.changed_by, changed_at = now()",
        (question.name, question.version, mode, reason, who),
    )
    entry = {"mode": mode, "before": before, "version": question.version, "reason": reason, **detail}
    audit.append(conn, "judge", [audit.Entry(who, "question.mode_changed", f"question:{question.name}", entry)])
