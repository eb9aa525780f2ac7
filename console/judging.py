"""What a person can do about questions and decisions. The API and the commands call these and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from console import asks, problems
from contracts import questions
from contracts.answers import Question
from counterfoil import audit
from counterfoil.database import Connection
from judgement import models, settling, states, trials


def a_question(name: str) -> Question:
    """The question of this name. Raises: NotFound."""
    known = questions.find()
    if name not in known:
        raise problems.NotFound(f"there is no such question; known: {', '.join(sorted(known)) or 'none'}")
    return known[name]


def correct(conn: Connection, who: str, decision_id: UUID, ask: asks.CorrectAsk) -> bool:
    """Say what an item is; whether its event is on its way again."""
    return settling.correct(conn, decision_id, ask.label, who=who, reason=ask.reason)


def let_out(conn: Connection, who: str, question: Question, ask: asks.ModeAsk) -> None:
    """Set how far a question is let out; thresholds decide all the same."""
    audit.append(conn, "desk", states.put(conn, question, ask.mode, who=who, reason=ask.reason))


def roll_back(conn: Connection, who: str, question: Question, ask: asks.RollbackAsk) -> None:
    """Let an earlier training answer again."""
    with _told():
        models.bring_back(conn, question, ask.number, who=who, reason=ask.reason)


def try_out(conn: Connection, who: str, question: Question, ask: asks.TrialAsk) -> None:
    """Let a challenger answer beside a question."""
    trials.start(conn, question, ask.challenger, ask.share, who=who, reason=ask.reason)


def end_trial(conn: Connection, who: str, question: Question, ask: asks.Change) -> None:
    """End the trial that runs."""
    trials.stop(conn, question, who=who, reason=ask.reason)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except models.NoSuchModel as none:
        raise problems.Conflict(str(none)) from None
