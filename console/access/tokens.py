"""API tokens: made, shown once, hashed, bounded in rights, place and time.

A token of a person acts in their name and never may more than they do. One that belongs to nobody acts as
`token:<name>` and can neither approve nor correct: only people do.
"""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from psycopg import errors

from console.access import people, rights, sessions, users
from console.access.people import Person
from console.problems import Conflict, NotAcceptable, NotFound
from counterfoil import audit, clock, keys
from counterfoil.audit import Entry
from counterfoil.database import Connection

#: Scanners for leaked secrets find it by this.
PREFIX: Final = "cf_"
DAYS: Final = 90
#: A year: whoever needs it longer decides so again.
DAYS_MAX: Final = 366
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
#: `last_used_at` is good to this.
USED_EVERY_SECONDS: Final = 60


class Made(NamedTuple):
    """A new token; the text is nowhere else."""

    text: str
    expires_at: datetime


def make(
    conn: Connection,
    who: str,
    *,
    name: str,
    scopes: Sequence[str],
    days: int = DAYS,
    owner: str | None = None,
) -> Made:
    """A new token. Raises: NotAcceptable, NotFound, Conflict."""
    if not NAME.fullmatch(name):
        raise NotAcceptable("a token's name has letters a to z, digits, . _ - and up to 60 of them")
    if not 1 <= days <= DAYS_MAX:
        raise NotAcceptable(f"a token lives 1 to {DAYS_MAX} days")
    try:
        texts = [str(grant) for grant in rights.grants(scopes, single=True)]
    except rights.GrantUnknown as unknown:
        raise NotAcceptable(str(unknown)) from None
    if not texts:
        raise NotAcceptable("say what the token may: a right or a role, e.g. look, act@stripe, operator:invoice_paid")
    if owner is None and any("approve" in grant.rights for grant in rights.grants(texts, single=True)):
        raise NotAcceptable("only people approve: a token with that right belongs to a user")
    # Locked, so that whoever is disabled at this moment gets no token that outlives it.
    user = users.get(conn, owner, lock=True) if owner is not None else None
    if user is not None and user["disabled_at"] is not None:
        raise NotAcceptable(f"{owner} is disabled")
    text, expires_at = PREFIX + secrets.token_urlsafe(32), clock.now() + timedelta(days=days)
    try:
        with conn.transaction():
            conn.execute(
                "INSERT INTO api_tokens (id, name, token_hash, user_id, scopes, created_by, expires_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (keys.new_id(), name, sessions.hashed(text), user and user["id"], texts, who, expires_at),
            )
    except errors.UniqueViolation:
        raise Conflict(f"there was a token {name} already; the audit remembers it, so take another name") from None
    detail = {"scopes": texts, "user": owner, "expires_at": clock.rfc3339(expires_at)}
    audit.append(conn, "desk", [Entry(who, "token.made", f"token:{name}", detail)])
    return Made(text, expires_at)


def find(conn: Connection, text: str) -> Person | None:
    """Who acts through a token that is valid now."""
    if not text.startswith(PREFIX):
        return None
    row = conn.execute(
        "SELECT t.id, t.name, t.scopes, t.user_id, u.name AS user_name, u.title, u.grants,"
        " t.last_used_at IS NULL OR t.last_used_at < now() - %s * interval '1 second' AS unused"
        " FROM api_tokens t LEFT JOIN users u ON u.id = t.user_id"
        " WHERE t.token_hash = %s AND t.revoked_at IS NULL AND t.expires_at > now() AND u.disabled_at IS NULL",
        (USED_EVERY_SECONDS, sessions.hashed(text)),
    ).fetchone()
    if row is None:
        return None
    if row["unused"]:
        conn.execute("UPDATE api_tokens SET last_used_at = now() WHERE id = %s", (row["id"],))
    grants = people.readable(row["scopes"], single=True)
    if row["user_id"] is None:
        return Person(f"{people.OF_NOBODY}{row['name']}", f"token {row['name']}", grants)
    return Person(row["user_name"], row["title"], grants, row["user_id"], people.readable(row["grants"]))


def every(conn: Connection) -> list[dict[str, Any]]:
    """All tokens, without what is secret of them."""
    return conn.execute(
        "SELECT t.name, t.scopes, u.name AS user_name, t.created_at, t.created_by, t.expires_at, t.last_used_at,"
        " t.revoked_at, CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at <= now() THEN 'expired'"
        " ELSE 'valid' END AS state"
        " FROM api_tokens t LEFT JOIN users u ON u.id = t.user_id ORDER BY t.name"
    ).fetchall()


def revoke(conn: Connection, who: str, name: str, reason: str | None = None) -> None:
    """End a token now. Raises: NotFound, Conflict."""
    row = conn.execute("SELECT revoked_at FROM api_tokens WHERE name = %s FOR UPDATE", (name,)).fetchone()
    if row is None:
        raise NotFound(f"there is no token {name!r}")
    if row["revoked_at"] is not None:
        raise Conflict(f"the token {name} is revoked already")
    conn.execute("UPDATE api_tokens SET revoked_at = now() WHERE name = %s", (name,))
    audit.append(conn, "desk", [Entry(who, "token.revoked", f"token:{name}", {"reason": reason} if reason else {})])
