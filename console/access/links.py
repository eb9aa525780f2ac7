"""One-time links: the way in for somebody without a password, for a day, once."""

import secrets
from typing import Any, Final
from uuid import UUID

from console.access import sessions
from console.problems import NotAcceptable, NotFound
from counterfoil import audit
from counterfoil.audit import Entry
from counterfoil.database import Connection
from counterfoil.settings import settings

LINK_SECONDS: Final = 24 * 60 * 60

GONE: Final = "this link was used, has run out, or was replaced by a newer one: ask for another"


def make(conn: Connection, who: str, user: dict[str, Any], *, enter: bool = False) -> str:
    """A link's token; earlier links of the person are void. `enter`: it opens the console without a password.

    Raises: NotAcceptable for `enter` in production, where whoever makes links must not be able to be somebody else
    unnoticed.
    """
    if enter and settings().is_production:
        raise NotAcceptable("in production a link lets its holder choose a password; it does not sign in by itself")
    if user["disabled_at"] is not None:
        raise NotAcceptable(f"{user['name']} is disabled")
    token = secrets.token_urlsafe(32)
    void(conn, user["id"])
    conn.execute(
        "INSERT INTO sign_in_links (token_hash, user_id, purpose, created_by, expires_at)"
        " VALUES (%s, %s, %s, %s, now() + %s * interval '1 second')",
        (sessions.hashed(token), user["id"], "enter" if enter else "password", who, LINK_SECONDS),
    )
    audit.append(conn, "desk", [Entry(who, "link.made", f"user:{user['name']}", {"enter": enter})])
    return token


def void(conn: Connection, user_id: UUID) -> None:
    """No link of this person works any more."""
    conn.execute("UPDATE sign_in_links SET used_at = now() WHERE user_id = %s AND used_at IS NULL", (user_id,))


#: In production nobody comes in by a link alone, wherever it was made.
_OPEN = (
    "l.token_hash = %(hash)s AND l.used_at IS NULL AND l.expires_at > now() AND u.id = l.user_id"
    " AND u.disabled_at IS NULL AND (l.purpose = 'password' OR NOT %(production)s)"
)
_WHO = "l.purpose, u.id, u.name, u.title, u.email"


def find(conn: Connection, token: str) -> dict[str, Any]:
    """Whose link it is and what it is for; looking does not use it up (programs that preview links look).

    Raises: NotFound.
    """
    return _one(conn, f"SELECT {_WHO} FROM sign_in_links l, users u WHERE {_OPEN}", token)


def use(conn: Connection, token: str) -> dict[str, Any]:
    """Use it up. Raises: NotFound; of two at once, one."""
    return _one(conn, f"UPDATE sign_in_links l SET used_at = now() FROM users u WHERE {_OPEN} RETURNING {_WHO}", token)


def _one(conn: Connection, sql: str, token: str) -> dict[str, Any]:
    row = conn.execute(sql, {"hash": sessions.hashed(token), "production": settings().is_production}).fetchone()
    if row is None:
        raise NotFound(GONE)
    return row


def url(token: str) -> str:
    """Where the link leads."""
    return f"{console_url()}/sign-in/link/{token}"


def console_url() -> str:
    """Under which people reach the console, as far as we were told."""
    return settings().console_address
