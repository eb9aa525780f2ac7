"""What somebody saw of an approval or a case when they looked at it last, so that its page can say what differs now.

It is said again for as long as the visit lasts: who reloads the page, or opens it in a second tab, has not read it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from console.queries.desk import VISIT_ENDS_AFTER
from counterfoil import database

#: Who comes back after a quarter reads the page as if for the first time.
KNOWN_FOR: Final = timedelta(days=90)

_LOOK = """
INSERT INTO looks AS l (person, about, seen, looked_at) VALUES (%(person)s, %(about)s, %(seen)s, %(now)s)
ON CONFLICT (person, about) DO UPDATE SET seen = excluded.seen, looked_at = excluded.looked_at,
    before = CASE WHEN l.before IS NOT NULL AND l.looked_at > %(visit)s THEN l.before
                  WHEN l.seen <> excluded.seen THEN l.seen END,
    before_at = CASE WHEN l.before IS NOT NULL AND l.looked_at > %(visit)s THEN l.before_at
                     WHEN l.seen <> excluded.seen THEN l.looked_at END
RETURNING before, before_at
"""


class Before(NamedTuple):
    """What somebody saw before something changed, and when."""

    at: datetime
    seen: Mapping[str, Any]


def look(person: str, about: UUID, seen: Mapping[str, Any], now: datetime) -> Before | None:
    """Remember what somebody sees now; returns what they saw before it changed. None: the first look, or no change."""
    values = {
        "person": person,
        "about": about,
        "seen": Jsonb(dict(seen)),
        "now": now,
        "visit": now - VISIT_ENDS_AFTER,
    }
    with database.transaction() as conn:
        row = conn.execute(_LOOK, values).fetchone()
        conn.execute("DELETE FROM looks WHERE looked_at < %s", (now - KNOWN_FOR,))
    assert row is not None, "Bug: a look that was not kept"
    return None if row["before"] is None else Before(row["before_at"], row["before"])


def forget(person: str, about: UUID) -> None:
    """What somebody did themselves is no news to them: what they see next is what they know."""
    with database.transaction() as conn:
        conn.execute("DELETE FROM looks WHERE person = %s AND about = %s", (person, about))
