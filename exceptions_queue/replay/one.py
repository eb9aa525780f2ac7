"""Replay of one event: back to `queued`, with a new generation unless it continues from the failed step."""

from typing import Literal
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import EventState
from exceptions_queue.refusals import EventNotFound, EventRunning, signed

#: `start` forgets every checkpoint (a new generation); `failed_step` keeps what was paid for or read.
FromStep = Literal["start", "failed_step"]


def replay_event(conn: Connection, event_id: UUID, *, from_step: FromStep, who: str, reason: str) -> int:
    """Send an event to the entrance and return the generation it runs in. Ring the bell after the commit.

    An event that is queued already only becomes due now: asking twice runs it once.

    Raises: EventNotFound, EventRunning, ReasonMissing.
    """
    who, reason = signed(who, reason)
    event = conn.execute("SELECT status, generation FROM events WHERE id = %s FOR UPDATE", (event_id,)).fetchone()
    if event is None:
        raise EventNotFound(f"there is no event {event_id}")
    if event["status"] == EventState.RUNNING:
        raise EventRunning("a worker holds the event right now: wait until its run ends")
    generation = int(event["generation"])
    if event["status"] == EventState.QUEUED:
        conn.execute("UPDATE events SET due_at = now() WHERE id = %s", (event_id,))
    else:
        generation += from_step == "start"
        sets = {
            "generation": generation,
            "due_at": NOW,
            "attempts": 0,
            "crashes": 0,
            "lease_until": None,
            "finished_at": None,
        }
        move(conn, "event", [event_id], EventState.QUEUED, sets=sets)
    detail = {"from": from_step, "generation": generation, "before": event["status"], "reason": reason}
    audit.append(conn, "desk", [audit.Entry(who, "event.replayed", f"event:{event_id}", detail)])
    return generation
