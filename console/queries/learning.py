"""What a question was taught and what went wrong with it: labels by use and by origin, alerts that are open."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from console.queries import kept
from counterfoil.database import Connection

_LABELS = """
SELECT use, origin, count(*) AS labels, count(DISTINCT author) AS authors FROM labels
WHERE question = %s GROUP BY use, origin ORDER BY use, labels DESC
"""
#: A question stands where a handler would (`judgement.watching`). Live cases are found wholly in the index of desks,
#: before any of them is looked at: a walk from the newest case on would not end where there is none.
_ALERTS = """
WITH about AS MATERIALIZED (
    SELECT id FROM cases WHERE handler = %s AND status IN ('open', 'acknowledged', 'snoozed')
)
SELECT c.id, c.title, c.detail ->> 'sentence' AS sentence, c.opened_at FROM about JOIN cases c USING (id)
ORDER BY id DESC LIMIT 20
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
    alerts = conn.execute(_ALERTS, (question,)).fetchall()
    return Learning(_labels(conn, question), [Alert(**row) for row in alerts])


def _labels(conn: Connection, question: str) -> list[dict[str, Any]]:
    """How many labels there are of each kind; none is ever changed, so that the newest says whether there are more."""
    return kept.find(
        ("labels", question, newest_label(conn, question)),
        lambda: conn.execute(_LABELS, (question,)).fetchall(),
        is_costly=bool,
    )


def newest_label(conn: Connection, question: str) -> int:
    """The number of the label that a question was taught last; 0: none."""
    row = conn.execute("SELECT seq FROM labels WHERE question = %s ORDER BY seq DESC LIMIT 1", (question,)).fetchone()
    return 0 if row is None else int(row["seq"])


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
