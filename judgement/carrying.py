"""Labels in and out: as lines that can be read anywhere, and taken in again as people's labels.

What comes in teaches. It certifies only where its line says that chance alone drew it from this traffic (`uniform`):
that is a promise of whoever brings the file, and it stands in the audit under their name.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from contracts.answers import Question
from counterfoil import audit
from counterfoil.database import Connection
from exceptions_queue.refusals import signed
from judgement import labels

_ALL = """
    SELECT fields, label, author, origin, use, uniform, reason, counterparty, created_at
    FROM labels WHERE question = %s ORDER BY seq
"""
_KNOWN = "SELECT DISTINCT ON (input_hash, author) input_hash, author, label FROM labels WHERE question = %s" \
         " ORDER BY input_hash, author, seq DESC"  # fmt: skip


class Row(NamedTuple):
    """One label of a file."""

    fields: Mapping[str, str]
    label: str | None
    author: str | None
    uniform: bool = False


def every(conn: Connection, question: str) -> Iterator[dict[str, Any]]:
    """All that people said, oldest first."""
    for row in conn.execute(_ALL, (question,)):
        yield {**row, "created_at": row["created_at"].isoformat()}


def faults(question: Question, row: Row) -> str | None:
    """Why a row cannot be taken, in words."""
    if not question.input_of(row.fields):
        return f"none of the fields that are looked at ({', '.join(question.fields)})"
    if row.label is not None and row.label not in question.label_names:
        return f"no such label; known: {', '.join(question.label_names)}"
    return None


def take(conn: Connection, question: Question, rows: Sequence[Row], *, who: str, reason: str) -> int:
    """Keep what is new; how many that were. What the same author said last of the same input is not new.

    Raises: ReasonMissing, NoSuchLabel.
    """
    who, reason = signed(who, reason)
    known = {(row["input_hash"], row["author"]): row["label"] for row in conn.execute(_KNOWN, (question.name,))}
    taken = uniform = 0
    for row in rows:
        author, digest = row.author or who, question.input_hash(row.fields)
        if (digest, author) in known and known[digest, author] == row.label:
            continue
        known[digest, author] = row.label
        said = f"{reason} (brought by {who})"
        labels.add(
            conn, question, labels.NewLabel(row.fields, row.label, "imported", author, said, uniform=row.uniform)
        )
        taken, uniform = taken + 1, uniform + row.uniform
    if taken:
        detail = {"labels": taken, "uniform": uniform, "reason": reason}
        audit.append(conn, "desk", [audit.Entry(who, "labels.imported", f"question:{question.name}", detail)])
    return taken
