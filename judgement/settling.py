"""A person's answer to an item, and what follows: a label, the event on its way again once nothing is open."""

from typing import Any
from uuid import UUID

from contracts import questions
from contracts.answers import Question
from counterfoil.database import Connection
from counterfoil.lifecycle import EventState
from exceptions_queue import replay
from exceptions_queue.refusals import EventRunning, NotLikeThat, NotNow, NotThere, signed
from judgement import decisions
from judgement.labels import NoSuchLabel

_EVENT = """
    SELECT e.id, e.status, e.status IN ('waiting', 'exception') AND EXISTS (
        SELECT FROM case_events ce JOIN cases c ON c.id = ce.case_id
        WHERE ce.event_id = e.id AND ce.cleared_at IS NULL AND c.failure_class = 'low_confidence') AS waits
    FROM events e
    WHERE e.id = (SELECT event_id FROM decisions WHERE id = %s AND NOT acted AND status = 'asked')
    FOR UPDATE OF e
"""


class DecisionNotFound(NotThere):
    """There is no such decision."""


class DecisionSettled(NotNow):
    """Somebody has decided it already."""


class InputGone(NotNow):
    """What was judged was deleted; nobody can say what it was."""


class LabelUnknown(NotLikeThat):
    """The question has no such label; the message lists those it has."""


def correct(conn: Connection, decision_id: UUID, label: str | None, *, who: str, reason: str) -> bool:
    """Say what the item is (None: none of the labels). Returns whether its event is on its way again.

    Of what code acted on already this is an override or an audited sample: the label is kept and counts, what was
    written stays and is corrected or reversed as any write is.

    Raises: DecisionNotFound, DecisionSettled, EventRunning, InputGone, LabelUnknown, ReasonMissing.
    """
    who, reason = signed(who, reason)
    question = _question(conn, decision_id)
    event = _event(conn, decision_id)
    try:
        settled = decisions.settle(conn, question, decision_id, label, who=who, reason=reason)
    except decisions.DecisionNotFound as absent:
        raise DecisionNotFound(str(absent)) from None
    except decisions.DecisionSettled as taken:
        raise DecisionSettled(str(taken)) from None
    except decisions.InputGone as gone:
        raise InputGone(str(gone)) from None
    except NoSuchLabel as unknown:
        raise LabelUnknown(str(unknown)) from None
    if event is None or settled.acted or not event["waits"] or decisions.still_asked(conn, event["id"], _versions()):
        return False
    replay.replay_event(conn, event["id"], from_step="failed_step", who=who, reason=reason)
    return True


def _event(conn: Connection, decision_id: UUID) -> dict[str, Any] | None:
    """The event of an open decision, locked, and whether it waits for the answer. Raises: EventRunning.

    One that was dismissed, or is blocked by something else, is not sent on by an answer. One that is running may have
    looked already: it would wait for an answer that is there.
    """
    event = conn.execute(_EVENT, (decision_id,)).fetchone()
    if event is not None and event["status"] == EventState.RUNNING:
        raise EventRunning("a worker holds the event right now: wait until its run ends")
    return event


def _versions() -> list[str]:
    return [question.version for question in questions.find().values()]


def _question(conn: Connection, decision_id: UUID) -> Question:
    row = conn.execute("SELECT question FROM decisions WHERE id = %s", (decision_id,)).fetchone()
    if row is None or row["question"] not in questions.find():
        raise DecisionNotFound(f"there is no decision {decision_id} about a question that is still asked")
    return questions.find()[row["question"]]
