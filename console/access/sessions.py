"""Sessions: begun at sign-in, found by the cookie, ended at sign-out, by silence, or by the clock.

The cookie holds 256 random bits; the row holds their hash. All times are the database's.
"""

import hashlib
import hmac
import secrets
from typing import Any, Final, NamedTuple
from uuid import UUID

from console.access import people
from console.access.people import Person
from counterfoil import database, keys
from counterfoil.database import Connection
from counterfoil.settings import settings

#: `__Host-`: only over TLS, only from this host, for the whole of it; nobody beside us can set it.
SESSION_COOKIE: Final = "__Host-counterfoil"
#: Outside production, without TLS.
PLAIN_COOKIE: Final = "counterfoil"
#: A desk that is left alone (OWASP ASVS 5, 7.3.1); a working day, then the person shows who they are (7.3.2).
IDLE_SECONDS: Final = 30 * 60
WHOLE_SECONDS: Final = 8 * 60 * 60
#: How long a proof of who they are is worth something to whoever approves large amounts.
FRESH_SECONDS: Final = 5 * 60
#: To the identity provider and back; long enough for a second factor that lies in another room.
JOURNEY_SECONDS: Final = 600
#: `last_seen_at` is written at most this often: a page that is looked at writes nothing else.
SEEN_EVERY_SECONDS: Final = 60


class Session(NamedTuple):
    """One browser of one person."""

    id: UUID
    person: Person
    #: What every form of this session carries; it does not tell the cookie.
    csrf: str
    #: The person proved who they are a moment ago.
    fresh: bool
    how: str = "password"


def is_secure() -> bool:
    """Whether the cookie travels over TLS only: always in production, else where the console's URL says so."""
    return settings().is_production or settings().console_address.startswith("https://")


def cookie_name() -> str:
    """What the cookie is called here."""
    return SESSION_COOKIE if is_secure() else PLAIN_COOKIE


def hashed(token: str) -> bytes:
    """What a row keeps of a token. Random tokens need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def csrf_of(token: str) -> str:
    """A form's proof that a page of this session made it."""
    return hmac.new(token.encode(), b"csrf of a form", hashlib.sha256).hexdigest()


def begin(
    conn: Connection,
    user_id: UUID | None,
    *,
    how: str = "password",
    agent: str = "",
    instead_of: UUID | None = None,
    fresh: bool = True,
) -> str:
    """A new session; its token is for the cookie and for nothing else.

    `instead_of`: that one goes on under this token, and a person's not longer than it would have. `fresh`: the person
    has just shown who they are.
    """
    token = secrets.token_urlsafe(32)
    conn.execute(
        "INSERT INTO sessions (id, token_hash, user_id, expires_at, reauthenticated_at, how, agent)"
        " VALUES (%(id)s, %(hash)s, %(user)s,"
        " coalesce((SELECT expires_at FROM sessions WHERE id = %(before)s AND user_id IS NOT NULL),"
        " now() + %(whole)s * interval '1 second'), CASE WHEN %(fresh)s THEN now() END, %(how)s, %(agent)s)",
        {
            "id": keys.new_id(),
            "hash": hashed(token),
            "user": user_id,
            "fresh": fresh and user_id is not None,
            "before": instead_of,
            "whole": WHOLE_SECONDS if user_id is not None else JOURNEY_SECONDS,
            "how": how,
            "agent": agent[:300],
        },
    )
    conn.execute("DELETE FROM sessions WHERE id = %s OR expires_at < now()", (instead_of,))
    if user_id is not None:
        conn.execute("UPDATE users SET signed_in_at = now() WHERE id = %s", (user_id,))
    return token


def find(token: str | None, *, by_itself: bool = False) -> Session | None:
    """The session of a cookie, if it lives and its person may still sign in.

    `by_itself`: a page asks for news of itself, which is no sign that somebody sits in front of it.
    """
    if not token:
        return None
    with database.transaction() as conn:
        return found(conn, token, by_itself=by_itself)


def found(conn: Connection, token: str, *, by_itself: bool = False) -> Session | None:
    """As `find`, in a transaction of the caller's."""
    row = conn.execute(
        "SELECT s.id AS session_id, s.how, u.id, u.name, u.title, u.grants,"
        " s.reauthenticated_at > now() - %(fresh)s * interval '1 second' AS fresh,"
        " s.last_seen_at < now() - %(every)s * interval '1 second' AS unseen"
        " FROM sessions s JOIN users u ON u.id = s.user_id"
        " WHERE s.token_hash = %(hash)s AND u.disabled_at IS NULL AND s.expires_at > now()"
        " AND s.last_seen_at > now() - %(idle)s * interval '1 second'",
        {"hash": hashed(token), "fresh": FRESH_SECONDS, "every": SEEN_EVERY_SECONDS, "idle": IDLE_SECONDS},
    ).fetchone()
    if row is None:
        return None
    if row["unseen"] and not by_itself:
        conn.execute("UPDATE sessions SET last_seen_at = now() WHERE id = %s", (row["session_id"],))
    return Session(row["session_id"], people.of_row(row), csrf_of(token), bool(row["fresh"]), row["how"])


def end(conn: Connection, session_id: UUID) -> int:
    """Sign out: the row is gone, so the cookie opens nothing any more, wherever a copy of it is."""
    return conn.execute("DELETE FROM sessions WHERE id = %s", (session_id,)).rowcount


def end_all(conn: Connection, user_id: UUID, *, but: UUID | None = None) -> int:
    """Sign a person out everywhere (`but` here); how many sessions that were."""
    return conn.execute("DELETE FROM sessions WHERE user_id = %s AND id IS DISTINCT FROM %s", (user_id, but)).rowcount


def of_user(conn: Connection, user_id: UUID) -> list[dict[str, Any]]:
    """Where a person is signed in, newest first."""
    return conn.execute(
        "SELECT id, created_at, last_seen_at, expires_at, agent, how FROM sessions WHERE user_id = %s"
        " AND expires_at > now() AND last_seen_at > now() - %s * interval '1 second' ORDER BY last_seen_at DESC",
        (user_id, IDLE_SECONDS),
    ).fetchall()
