"""Links in messages by which a person says "I have it": bound to the case and to them, good for a week, used once.

A link opens nothing and shows nothing but the case's title. Only its hash is kept.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from counterfoil.database import Connection
from counterfoil.lifecycle import CASE_LIVE, CaseState
from exceptions_queue import owners
from exceptions_queue.cases import acknowledge

#: A message that is older than this is not what somebody looks for in the morning.
VALID_DAYS: Final = 7
#: For so long an old link is still told from one that never was.
KNOWN_DAYS: Final = 30
#: What the audit says of an acknowledgement that came this way.
BY_LINK: Final = "by link, from a message"

#: used: it worked before · closed, taken: the case needs nobody any more · over: too old · gone: its person has left
State = Literal["open", "used", "closed", "taken", "over", "gone"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a link is about, and whether it still works."""

    case_id: UUID
    title: str
    person: str
    state: State


def make(conn: Connection, messages: Iterable[tuple[UUID, str]]) -> dict[UUID, str]:
    """A token for each message (notification, person): for this one thing its holder is taken for that person."""
    tokens = {notification: (secrets.token_urlsafe(32), person) for notification, person in messages}
    if not tokens:
        return {}
    conn.execute("DELETE FROM told_links WHERE expires_at < now() - %s * interval '1 day'", (KNOWN_DAYS,))
    conn.cursor().executemany(
        "INSERT INTO told_links (token_hash, notification_id, person, expires_at)"
        " VALUES (%s, %s, %s, now() + %s * interval '1 day')",
        [(_hashed(token), notification, person, VALID_DAYS) for notification, (token, person) in tokens.items()],
    )
    return {notification: token for notification, (token, _) in tokens.items()}


_FIND: Final = """
SELECT n.case_id, c.title, c.status, l.person, l.used_at IS NOT NULL AS used, l.expires_at <= now() AS over,
       EXISTS (SELECT 1 FROM users u WHERE u.name = l.person AND u.disabled_at IS NOT NULL) AS disabled
FROM told_links l JOIN notifications n ON n.id = l.notification_id JOIN cases c ON c.id = n.case_id
WHERE l.token_hash = %s
"""


def find(conn: Connection, token: str) -> Told | None:
    """What a link is about; looking changes nothing (programs that look into mail open every link)."""
    row = conn.execute(_FIND, (_hashed(token),)).fetchone()
    if row is None:
        return None
    states: dict[State, bool] = {
        "used": row["used"],
        "closed": row["status"] not in CASE_LIVE,
        "over": row["over"],
        "gone": row["disabled"] or row["person"] not in owners.roster().people,
        "taken": row["status"] == CaseState.ACKNOWLEDGED,
    }
    state: State = next((name for name, holds in states.items() if holds), "open")
    return Told(row["case_id"], row["title"], row["person"], state)


def use(conn: Connection, token: str) -> Told | None:
    """Acknowledge the case as the link's person; the answer's state is what it was before: `open` means done.

    Raises: AlreadyAcknowledged, CaseClosed when somebody was faster; of two who press at once, one.
    """
    told = find(conn, token)
    if told is None or told.state != "open":
        return told
    conn.execute("UPDATE told_links SET used_at = now() WHERE token_hash = %s", (_hashed(token),))
    acknowledge(conn, told.case_id, who=told.person, reason=BY_LINK)
    return told


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
