"""Trials: a challenger answers beside what answers now, on a stable share of the inputs, and nothing acts on it.

    training:N   another training of the same words, also one that was refused
    next         another version of the question: `NEXT` in its module
    hosted       the hosted model alone

A trial holds for the words and the model it was started with; where one of them changed nothing is asked any more.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts import questions
from contracts.answers import Question
from counterfoil import audit, keys
from counterfoil.database import Connection
from counterfoil.settings import settings
from exceptions_queue.refusals import NotLikeThat, NotNow, signed
from judgement import models

HOSTED, NEXT, TRAINING = "hosted", "next", "training:"

_COLUMNS = """id, question, question_version, challenger, challenger_version, share, started_by, reason, started_at,
    ended_by, ended_reason, ended_at"""
_LATEST = f"SELECT {_COLUMNS} FROM trials WHERE question = %s ORDER BY ended_at IS NULL DESC, started_at DESC LIMIT 1"
_START = f"""
    INSERT INTO trials (id, question, question_version, challenger, challenger_version, share, started_by, reason)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (question) WHERE ended_at IS NULL DO NOTHING
    RETURNING {_COLUMNS}
"""
_STOP = f"""
    UPDATE trials SET ended_at = now(), ended_by = %s, ended_reason = %s WHERE question = %s AND ended_at IS NULL
    RETURNING {_COLUMNS}
"""


class NoSuchChallenger(NotLikeThat):
    """It cannot answer this question; the message says why."""


class TrialRunning(NotNow):
    """One trial of a question at a time."""


class NoTrialRuns(NotNow):
    """There is nothing to stop."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial, running or over."""

    id: UUID
    question: str
    question_version: str
    challenger: str
    challenger_version: str
    share: float
    started_by: str
    reason: str
    started_at: datetime
    ended_by: str | None
    ended_reason: str | None
    ended_at: datetime | None

    @property
    def number(self) -> int | None:
        """Of the training that is the challenger."""
        return _number(self.challenger)

    def includes(self, input_hash: str) -> bool:
        """Whether this input is in its share: the same words always, and others in every trial."""
        drawn = int.from_bytes(hashlib.sha256(f"{self.id}:{input_hash}".encode()).digest()[:4])
        return drawn < self.share * 2**32

    def runs(self, question: Question) -> bool:
        """Whether it is asked: not stopped, and about the very words and the model that it was started with."""
        if self.ended_at is not None or self.question_version != question.version:
            return False
        return self.challenger_version == _version(question, self.challenger)


def latest(conn: Connection, question: str) -> Trial | None:
    """The running trial of a question, else its last one."""
    row = conn.execute(_LATEST, (question,)).fetchone()
    return None if row is None else Trial(**row)


def running(conn: Connection, question: Question) -> Trial | None:
    """The trial that is asked beside this question now."""
    found = latest(conn, question.name)
    return found if found is not None and found.runs(question) else None


def could_answer(question: Question, challenger: str) -> bool:
    """Whether there is such a challenger at present; of a training that is only known once it is looked for."""
    return _version(question, challenger) is not None


def start(conn: Connection, question: Question, challenger: str, share: float, *, who: str, reason: str) -> Trial:
    """Let a challenger answer beside. Raises: NoSuchChallenger, TrialRunning, ReasonMissing."""
    who, reason = signed(who, reason)
    version = _version(question, challenger)
    if version is None:
        raise NoSuchChallenger(_why_not(question, challenger))
    if (number := _number(challenger)) is not None:
        _check_training(conn, question, number)
    trial = _read(
        conn, _START, (keys.new_id(), question.name, question.version, challenger, version, share, who, reason)
    )
    if trial is None:
        raise TrialRunning(f"a trial of {question.name} runs already: stop it first")
    _tell(conn, trial, "question.trial_started", who, {"share": share, "reason": reason})
    return trial


def stop(conn: Connection, question: Question, *, who: str, reason: str) -> Trial:
    """End the running trial; what was said stays. Raises: NoTrialRuns, ReasonMissing."""
    who, reason = signed(who, reason)
    trial = _read(conn, _STOP, (who, reason, question.name))
    if trial is None:
        raise NoTrialRuns(f"no trial of {question.name} runs")
    _tell(conn, trial, "question.trial_stopped", who, {"reason": reason})
    return trial


def _read(conn: Connection, sql: str, values: tuple[Any, ...]) -> Trial | None:
    row = conn.execute(sql, values).fetchone()
    return None if row is None else Trial(**row)


def _tell(conn: Connection, trial: Trial, action: str, who: str, detail: Mapping[str, Any]) -> None:
    entry = {"trial": str(trial.id), "challenger": trial.challenger, **detail}
    audit.append(conn, "desk", [audit.Entry(who, action, f"question:{trial.question}", entry)])


def _version(question: Question, challenger: str) -> str | None:
    """What exactly the challenger is at present; None where it cannot answer."""
    if challenger == HOSTED:
        return settings().model if question.may_leave else None
    if challenger == NEXT:
        other = questions.next_of(question.name)
        return None if other is None else other.version
    return question.version if _number(challenger) is not None else None


def _number(challenger: str) -> int | None:
    number = challenger.removeprefix(TRAINING)
    return int(number) if number != challenger and number.isascii() and number.isdecimal() else None


def _why_not(question: Question, challenger: str) -> str:
    if challenger == HOSTED:
        needed = "its text may not leave" if not question.may_leave else "COUNTERFOIL_MODEL names no model"
        return f"{question.name} is answered by no hosted model: {needed}"
    if challenger == NEXT:
        return f"contracts/questions/{question.name}.py holds no NEXT with other words"
    return f"a challenger is {TRAINING}NUMBER, {NEXT} or {HOSTED}"


def _check_training(conn: Connection, question: Question, number: int) -> None:
    """Raises: NoSuchChallenger."""
    now = models.answering(conn, question)
    if now is not None and now.number == number:
        raise NoSuchChallenger(f"training {number} is what answers now")
    if models.answering(conn, question, models.Which(number=number)) is None:
        raise NoSuchChallenger(f"{question.name} has no training {number} of these words")
