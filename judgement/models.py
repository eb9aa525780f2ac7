"""Trainings as they are kept: numbered per question, one active, any earlier one brought back by one command."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from contracts.answers import Question
from counterfoil import audit
from counterfoil.database import Connection


class NoSuchModel(LookupError):
    """There is no such training of this question."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One training."""

    question: str
    number: int
    question_version: str
    status: str
    labels_seq: int
    artifact: bytes
    report: dict[str, Any]


class Which(NamedTuple):
    """Whose training: by default that of what answers; of a challenger the one with a number, or its own candidates."""

    number: int | None = None
    candidate: bool = False


_COLUMNS = "question, number, question_version, status, labels_seq, artifact, report"
#: Which training it is: named once, because whoever looks for news and whoever loads must mean the same.
ANSWERING = """
    FROM trained_models
    WHERE question = %(question)s AND question_version = %(version)s
      AND CASE WHEN %(number)s::int IS NOT NULL THEN number = %(number)s::int
               WHEN %(candidate)s THEN status = 'candidate'
               ELSE status IN ('active', 'retired') END
    ORDER BY status = 'active' DESC, number DESC LIMIT 1
"""
ANSWERS = Which()


def answering(conn: Connection, question: Question, which: Which = ANSWERS) -> Kept | None:
    """The training that answers this very version of the question.

    While two versions run side by side only one can have the active training; the other goes on with its newest.
    """
    values = {"question": question.name, "version": question.version, **which._asdict()}
    found = conn.execute(f"SELECT {_COLUMNS} {ANSWERING}", values).fetchone()
    return None if found is None else Kept(**found)


def keep(
    conn: Connection,
    question: Question,
    *,
    labels_seq: int,
    artifact: bytes,
    report: dict[str, Any],
    refused: str = "",
    candidate: bool = False,
) -> int:
    """Keep a new training and let it answer; or, refused with the reason or only a challenger's, just keep it."""
    row = conn.execute(
        "SELECT coalesce(max(number), 0) + 1 AS number FROM trained_models WHERE question = %s", (question.name,)
    ).fetchone()
    assert row is not None
    number = int(row["number"])
    status = "refused" if refused else "candidate" if candidate else "active"
    if status == "active":
        _retire(conn, question.name)
    conn.execute(
        "INSERT INTO trained_models (question, number, question_version, status, labels_seq, artifact, report, reason,"
        " activated_at) VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb, %s, CASE WHEN %s THEN now() END)",
        (question.name, number, question.version, status, labels_seq, artifact,
         msgspec.json.encode(report).decode(), refused, status == "active"),
    )  # fmt: skip
    detail = {"number": number, "labels_seq": labels_seq, "reason": refused, "golden": report.get("golden")}
    audit.append(conn, "judge", [audit.Entry("judge", _KEPT[status], f"question:{question.name}", detail)])
    return number


_KEPT = {"active": "model.activated", "refused": "model.refused", "candidate": "model.tried"}


def bring_back(conn: Connection, question: Question, number: int | None, *, who: str, reason: str) -> int:
    """Let an earlier training of this version answer again: the given one, or the one before the active.

    By its number also one that was refused: a person may know better than the golden set, from a trial for instance.

    Raises: NoSuchModel.
    """
    name = question.name
    _lock(conn, name)
    row = conn.execute(_EARLIER, {"question": name, "version": question.version, "number": number}).fetchone()
    if row is None or row["number"] is None:
        raise NoSuchModel(
            f"{name} has no earlier training"
            if number is None
            else f"{name} has no other training {number} of these words"
        )
    _retire(conn, name)
    conn.execute(
        "UPDATE trained_models SET status = 'active', activated_at = now(), reason = %s"
        " WHERE question = %s AND number = %s",
        (reason, name, row["number"]),
    )
    detail = {"number": row["number"], "reason": reason}
    audit.append(conn, "desk", [audit.Entry(who, "model.brought_back", f"question:{name}", detail)])
    return int(row["number"])


# Without a number: the newest of those before the one that answers, so that twice goes back by two.
_EARLIER = """
    SELECT max(number) AS number FROM trained_models
    WHERE question = %(question)s AND question_version = %(version)s
      AND CASE WHEN %(number)s::int IS NULL THEN status = 'retired' AND number < coalesce(
            (SELECT number FROM trained_models WHERE question = %(question)s AND status = 'active'), number + 1)
          ELSE status IN ('retired', 'refused') AND number = %(number)s::int END
"""


@contextmanager
def locked(conn: Connection, question: str) -> Iterator[None]:
    """One training of a question at a time. Needs a connection in autocommit: a training outlives any transaction."""
    conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 7))", (_lock_name(question),))
    try:
        yield
    finally:
        conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 7))", (_lock_name(question),))


def _lock(conn: Connection, question: str) -> None:
    conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", (_lock_name(question),))


def _lock_name(question: str) -> str:
    return f"question:{question}"


def _retire(conn: Connection, question: str) -> None:
    conn.execute("UPDATE trained_models SET status = 'retired' WHERE question = %s AND status = 'active'", (question,))
