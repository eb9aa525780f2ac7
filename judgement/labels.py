"""What people say inputs are: kept for ever, in order, each with its author and what it may be used for.

    learn       taught to the judge
    calibrate   never taught: thresholds and confidences are fitted on it
    golden      never taught and never fitted: says whether a new training is worse than the one before

The use is drawn from the input itself, for people's labels as for shipped examples, so that the same words never are
on both sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import msgspec

from contracts.answers import Question
from contracts.questions import Use, use_of
from counterfoil import keys
from counterfoil.database import Connection
from exceptions_queue.refusals import NotLikeThat

Origin = Literal["imported", "correction", "override", "sample", "labelling", "approval"]

_ADD = """
    INSERT INTO labels (id, question, input_hash, fields, label, origin, use, uniform, author, reason, decision_id,
                        counterparty)
    VALUES (%(id)s, %(question)s, %(input_hash)s, %(fields)s::jsonb, %(label)s, %(origin)s, %(use)s, %(uniform)s,
            %(author)s, %(reason)s, %(decision_id)s, %(counterparty)s)
    RETURNING seq
"""
_AFTER = """
    SELECT l.id, l.seq, l.input_hash, l.fields, l.label, l.origin, l.use, l.uniform, l.author, l.decision_id,
           l.counterparty, l.created_at, d.amount_minor
    FROM labels l LEFT JOIN decisions d ON d.id = l.decision_id
    WHERE l.question = %s AND l.seq > %s ORDER BY l.seq LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class NewLabel:
    """One label as it is added. `label` None: none of these. `uniform`: its input was drawn by chance alone."""

    fields: Mapping[str, str]
    label: str | None
    origin: Origin
    author: str
    reason: str = ""
    uniform: bool = False
    decision_id: UUID | None = None
    counterparty: str | None = None
    use: Use | None = None


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """One label as it is kept."""

    id: UUID
    seq: int
    input_hash: str
    fields: dict[str, str]
    label: str | None
    origin: Origin
    use: Use
    uniform: bool
    author: str
    decision_id: UUID | None
    counterparty: str | None
    created_at: Any
    #: Of the item that was decided; None where none was, or it had no amount.
    amount_minor: int | None


class NoSuchLabel(NotLikeThat):
    """The question has no such label; the message lists those it has."""


def add(conn: Connection, question: Question, new: NewLabel) -> int:
    """Keep a label and return its place in the order of all. Raises: NoSuchLabel."""
    if new.label is not None and new.label not in question.label_names:
        raise NoSuchLabel(f"{question.name} is answered by one of: {', '.join(question.label_names)}")
    fields = question.input_of(new.fields)
    digest = question.input_hash(fields)
    row = conn.execute(
        _ADD,
        {
            "id": keys.new_id(),
            "question": question.name,
            "input_hash": digest,
            "fields": msgspec.json.encode(fields).decode(),
            "label": new.label,
            "origin": new.origin,
            "use": new.use or use_of(digest),
            "uniform": new.uniform,
            "author": new.author,
            "reason": new.reason,
            "decision_id": new.decision_id,
            "counterparty": new.counterparty,
        },
    ).fetchone()
    assert row is not None
    return int(row["seq"])


def after(conn: Connection, question: str, seq: int, limit: int = 100_000) -> list[StoredLabel]:
    """The labels of a question that came after one, oldest first."""
    return [StoredLabel(**row) for row in conn.execute(_AFTER, (question, seq, limit))]


def newest(conn: Connection, question: str) -> int:
    """The place of the newest label, 0 without any."""
    row = conn.execute("SELECT coalesce(max(seq), 0) AS seq FROM labels WHERE question = %s", (question,)).fetchone()
    assert row is not None
    return int(row["seq"])
