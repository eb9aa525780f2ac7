"""A person's answer to an item, and what follows: a label, the event on its way again once nothing is open."""

from uuid import UUID

from contracts import questions
from contracts.answers import Question
from counterfoil.database import Connection
from exceptions_queue import replay
from exceptions_queue.refusals import NotLikeThat, NotNow, NotThere, signed
from judgement import decisions
from judgement.labels import NoSuchLabel


class DecisionNotFound(NotThere):
    """There is no such decision."""


class DecisionSettled(NotNow):
    """Somebody has decided it already."""


class LabelUnknown(NotLikeThat):
    """The question has no such label; the message lists those it has."""


def correct(conn: Connection, decision_id: UUID, label: str | None, *, who: str, reason: str) -> bool:
    """Say what the item is (None: none of the labels). Returns whether its event is on its way again.

    Of what code acted on already this is an override or an audited sample: the label is kept and counts, what was
    written stays and is corrected or reversed as any write is.

    Raises: DecisionNotFound, DecisionSettled, LabelUnknown, ReasonMissing.
    """
    who, reason = signed(who, reason)
    question = _question(conn, decision_id)
    try:
        settled = decisions.settle(conn, question, decision_id, label, who=who, reason=reason)
    except decisions.DecisionNotFound as absent:
        raise DecisionNotFound(str(absent)) from None
    except decisions.DecisionSettled as taken:
        raise DecisionSettled(str(taken)) from None
    except NoSuchLabel as unknown:
        raise LabelUnknown(str(unknown)) from None
    if settled.event_id is None or settled.acted or decisions.still_asked(conn, settled.event_id):
        return False
    replay.replay_event(conn, settled.event_id, from_step="failed_step", who=who, reason=reason)
    return True


def _question(conn: Connection, decision_id: UUID) -> Question:
    row = conn.execute("SELECT question FROM decisions WHERE id = %s", (decision_id,)).fetchone()
    if row is None or row["question"] not in questions.find():
        raise DecisionNotFound(f"there is no decision {decision_id} about a question that is still asked")
    return questions.find()[row["question"]]
