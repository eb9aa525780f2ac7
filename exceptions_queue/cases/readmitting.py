"""Readmitting: events that did not belong to their source, and do since its mode or accounts were put right.

Who belongs is the door's knowledge (`ingest.sources`), which this floor cannot see: the caller brings the judgement.
"""

from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection

#: The fault that the configuration, and nothing else, can take away.
FOREIGN: Final = "wrong_account"


class Foreign(NamedTuple):
    """What is known about an event that was turned aside at the door."""

    id: UUID
    source: str
    account: str | None
    livemode: bool | None


# The ids first: with `OR` between them every event would be looked at.
_TURNED_ASIDE = """
SELECT id, source, account, livemode FROM events
WHERE id IN (SELECT %(event)s::uuid UNION ALL SELECT event_id FROM replay_items WHERE replay_id = %(replay)s)
  AND fault ->> 'class' = %(fault)s AND status NOT IN ('queued', 'running')
ORDER BY id FOR UPDATE
"""


def readmit(
    conn: Connection,
    belongs: Callable[[Foreign], bool],
    *,
    event_id: UUID | None = None,
    replay_id: UUID | None = None,
    who: str,
    reason: str,
) -> set[UUID]:
    """Take the fault from those of an event, or of a planned replay, that belong now; returns them.

    To be called right before they are replayed, in the same transaction.
    """
    asked = {"event": event_id, "replay": replay_id, "fault": FOREIGN}
    found = [Foreign(**row) for row in conn.execute(_TURNED_ASIDE, asked).fetchall()]
    ours = [one.id for one in found if belongs(one)]
    if ours:
        conn.execute("UPDATE events SET fault = NULL WHERE id = ANY(%s)", (ours,))
        entries = [audit.Entry(who, "event.readmitted", f"event:{one}", {"reason": reason}) for one in ours]
        audit.append(conn, "desk", entries)
    return set(ours)
