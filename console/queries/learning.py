"""What a question was taught and what went wrong with it: labels by use and by origin, alerts that are open."""

from collections.abc import Mapping, Sequence
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


class Precedent(NamedTuple):
    """A remembered answer that a decision leans on."""

    label: str | None
    author: str
    likeness: float
    #: What was judged then; empty for examples that are shipped, and for what was deleted.
    words: str


def precedents(conn: Connection, kept: Sequence[Mapping[str, Any]]) -> list[Precedent]:
    """The remembered answers of a decision, with what they were about."""
    ids = [found for one in kept if (found := _uuid(one.get("example_id"))) is not None]
    rows = conn.execute("SELECT id, fields FROM labels WHERE id = ANY(%s)", (ids,)).fetchall() if ids else []
    fields = {row["id"]: row["fields"] for row in rows}
    return [
        Precedent(
            one.get("label"),
            one.get("author") or "an example",
            float(one.get("likeness") or 0.0),
            " · ".join(str(text) for text in fields.get(_uuid(one.get("example_id")), {}).values() if text),
        )
        for one in kept
    ]


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
