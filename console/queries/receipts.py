"""How people are reached, and what became of the last message on each way; labels only, never an address."""

from collections.abc import Mapping
from typing import Final

from console.answers import Receipt
from counterfoil.database import Connection
from exceptions_queue import channels
from exceptions_queue.roster import Roster

#: One look into an index (`notifications_receipts`) for each way of each person, however many messages there are: an
#: order of which no part is taken for given is in no other index, so that nobody walks along all messages instead.
_LAST: Final = """
SELECT w.person, w.channel, n.status, n.detail, coalesce(n.sent_at, n.created_at) AS at
FROM unnest(%s::text[], %s::text[]) AS w(person, channel) JOIN LATERAL (
    SELECT status, detail, sent_at, created_at FROM notifications
    WHERE recipient BETWEEN w.person AND w.person AND channel BETWEEN w.channel AND w.channel
      AND status IN ('sent', 'failed', 'fallback')
    ORDER BY recipient DESC, channel DESC, id DESC LIMIT 1
) n ON true
"""


def last(conn: Connection, roster: Roster) -> Mapping[str, list[Receipt]]:
    """For everybody on the roster, their ways in order."""
    ways = [(person, label) for person, one in roster.people.items() for label in channels.labelled(one.channels)]
    rows = conn.execute(_LAST, ([person for person, _ in ways], [label for _, label in ways])).fetchall()
    known = {(row["person"], row["channel"]): row for row in rows}
    found: dict[str, list[Receipt]] = {person: [] for person in roster.people}
    for person, label in ways:
        row = known.get((person, label))
        status = None if row is None else "sent" if row["status"] == "sent" else "not taken"
        found[person].append(
            Receipt(
                channel=label,
                status=status,
                at=row["at"] if row is not None else None,
                detail=row["detail"] if row is not None else None,
            )
        )
    return found
