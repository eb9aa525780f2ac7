"""How people are reached, and what became of the last message on each way; labels only, never an address."""

from collections.abc import Mapping
from typing import Final

from console.answers import Receipt
from counterfoil.database import Connection
from exceptions_queue import channels
from exceptions_queue.roster import Roster

#: So many of the newest messages are looked through; whoever got none of them was told nothing for long.
LOOKED_MAX: Final = 5_000
_LAST: Final = """
SELECT DISTINCT ON (n.recipient, n.channel) n.recipient AS person, n.channel, n.status, n.detail,
       coalesce(n.sent_at, n.created_at) AS at
FROM (SELECT * FROM notifications ORDER BY id DESC LIMIT %s) AS n
JOIN unnest(%s::text[], %s::text[]) AS w(person, channel) ON w.person = n.recipient AND w.channel = n.channel
WHERE n.status IN ('sent', 'failed', 'fallback')
ORDER BY n.recipient, n.channel, n.id DESC
"""


def last(conn: Connection, roster: Roster) -> Mapping[str, list[Receipt]]:
    """For everybody on the roster, their ways in order."""
    ways = [(person, label) for person, one in roster.people.items() for label in channels.labelled(one.channels)]
    rows = conn.execute(_LAST, (LOOKED_MAX, [person for person, _ in ways], [label for _, label in ways])).fetchall()
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
