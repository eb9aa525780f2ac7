"""Browsers in which somebody signed in before: strangers' guesses at the account do not keep them out.

The cookie opens nothing. It says which count of guesses a browser's own guesses go to.
"""

import secrets
from typing import Final

from console.access import sessions
from counterfoil import database
from counterfoil.database import Connection

#: Whoever does not come for a quarter of a year is a stranger again.
KNOWN_SECONDS: Final = 90 * 24 * 60 * 60


def cookie_name() -> str:
    """What the cookie is called here."""
    return f"{sessions.cookie_name()}_known"


def is_known(conn: Connection, known: str, login: str) -> bool:
    """Whether the one who is called so signed in before in the browser that sent this."""
    if not known:
        return False
    row = conn.execute(
        "SELECT 1 AS one FROM known_browsers b JOIN users u ON u.id = b.user_id"
        " WHERE b.token_hash = %(hash)s AND b.expires_at > now() AND (u.name = %(login)s OR u.email = %(login)s)",
        {"hash": sessions.hashed(known), "login": login.replace("\0", "")},
    ).fetchone()
    return row is not None


def remember(session_token: str, known: str) -> str | None:
    """What the browser of a new session is known by from now on; None: by what it sent."""
    with database.transaction() as conn:
        values = {"known": sessions.hashed(known), "session": sessions.hashed(session_token), "seconds": KNOWN_SECONDS}
        again = conn.execute(
            "SELECT 1 AS one FROM known_browsers b JOIN sessions s ON s.user_id = b.user_id"
            " WHERE b.token_hash = %(known)s AND s.token_hash = %(session)s"
            " AND b.expires_at > now() + %(seconds)s * interval '0.5 second'",
            values,
        ).fetchone()
        if again is not None:
            return None
        token = secrets.token_urlsafe(32)
        conn.execute("DELETE FROM known_browsers WHERE expires_at < now() OR token_hash = %(known)s", values)
        conn.execute(
            "INSERT INTO known_browsers (token_hash, user_id, expires_at)"
            " SELECT %(token)s, user_id, now() + %(seconds)s * interval '1 second' FROM sessions"
            " WHERE token_hash = %(session)s AND user_id IS NOT NULL",
            {**values, "token": sessions.hashed(token)},
        )
    return token
