"""A person's answer to an item, and what follows: a label, the event on its way again once nothing is open."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts import questions
from contracts.answers import Question
from counterfoil.database import Connection
from counterfoil.lifecycle import EventState
from exceptions_queue import replay
from exceptions_queue.refusals import EventRunning, signed
from judgement import decisions, labels
from judgement.decisions import DecisionNotFound

# What was deleted with its payload cannot be a label.
_WRITTEN = """
    SELECT id, question, item, status, fields, counterparty,
           CASE WHEN status = 'settled' THEN settled_label ELSE label END AS stood
    FROM decisions WHERE id = ANY(%s) AND fields IS NOT NULL ORDER BY id FOR UPDATE
"""


def correct(conn: Connection, decision_id: UUID, label: str | None, *, who: str, reason: str) -> bool:
    """Say what the item is (None: none of the labels). Returns whether its event is on its way again.

    Of what code acted on already this is an override or an audited sample: the label is kept and counts, what was
    written stays and is corrected or reversed as any write is.

    Raises: DecisionNotFound, DecisionSettled, EventRunning, InputGone, NoSuchLabel, ReasonMissing.
    """
    who, reason = signed(who, reason)
    question = _question(conn, decision_id)
    events = _events(conn, decision_id)
    settled = decisions.settle(conn, question, decision_id, label, who=who, reason=reason)
    on_their_way = [event.id for event in events if not settled.acted and event.waits and not event.asks_more]
    for event_id in on_their_way:
        replay.replay_event(conn, event_id, from_step="failed_step", who=who, reason=reason)
    return bool(on_their_way)


def edited(conn: Connection, told: Mapping[tuple[str, str], str], ids: Sequence[UUID], *, who: str, reason: str) -> int:
    """What a person made of written answers (`told`: by question and item), where it differs from what was decided.

    Returns how many labels that were. What a person had settled stays settled; the edit stands beside it as a label.
    """
    found = 0
    for row in conn.execute(_WRITTEN, (list(ids),)).fetchall():
        question, label = questions.find().get(row["question"]), told.get((row["question"], row["item"]))
        if question is None or label is None or label == row["stood"] or label not in question.label_names:
            continue
        if row["status"] == "settled":
            new = labels.NewLabel(row["fields"], label, "approval", who, reason, use="learn", decision_id=row["id"],
                                  counterparty=row["counterparty"])  # fmt: skip
            labels.add(conn, question, new)
        else:
            decisions.settle(conn, question, row["id"], label, who=who, reason=reason, origin="approval")
        found += 1
    return found


def _events(conn: Connection, decision_id: UUID) -> list[decisions.Waiting]:
    """The event of an open decision and its twins, locked. Raises: EventRunning.

    One that was dismissed, or is blocked by something else, is not sent on by an answer. One that is running may have
    looked already: it would wait for an answer that is there.
    """
    events = decisions.waiting(conn, decision_id, _versions())
    if any(event.status == EventState.RUNNING for event in events):
        raise EventRunning("a worker holds the event right now: wait until its run ends")
    return events


def _versions() -> list[str]:
    return [question.version for question in questions.find().values()]


def _question(conn: Connection, decision_id: UUID) -> Question:
    # Locked first: a twin that looks meanwhile waits, and then sees the answer.
    row = conn.execute("SELECT question FROM decisions WHERE id = %s FOR UPDATE", (decision_id,)).fetchone()
    if row is None or row["question"] not in questions.find():
        raise DecisionNotFound(f"there is no decision {decision_id} about a question that is still asked")
    return questions.find()[row["question"]]
