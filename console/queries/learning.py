"""What a question was taught and what went wrong with it: labels by use and by origin, alerts that are open."""

from typing import Any, NamedTuple
from uuid import UUID

from counterfoil.database import Connection
from counterfoil.lifecycle import CASE_LIVE

_LABELS = """
SELECT use, origin, count(*) AS labels, count(DISTINCT author) AS authors FROM labels
WHERE question = %s GROUP BY use, origin ORDER BY use, labels DESC
"""
#: A question stands where a handler would (`judgement.watching`).
_ALERTS = """
SELECT id, title, detail ->> 'sentence' AS sentence, opened_at FROM cases
WHERE handler = %s AND status = ANY(%s) ORDER BY id DESC LIMIT 20
"""


class Alert(NamedTuple):
    """An open case about a question."""

    id: UUID
    title: str
    sentence: str | None
    opened_at: Any


class Learning(NamedTuple):
    """What people taught a question, and what is wrong with it now."""

    labels: list[dict[str, Any]]
    alerts: list[Alert]

    @property
    def total(self) -> int:
        """How many labels there are."""
        return sum(row["labels"] for row in self.labels)


def read(conn: Connection, question: str) -> Learning:
    """Of one question."""
    labels = conn.execute(_LABELS, (question,)).fetchall()
    alerts = conn.execute(_ALERTS, (question, [state.value for state in CASE_LIVE])).fetchall()
    return Learning(labels, [Alert(**row) for row in alerts])
