"""Users as administrators see them: added, granted, disabled. Each change is in the audit and ends their sessions."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from psycopg import errors

from console.access import links, people, rights, sessions
from console.problems import Conflict, NotAcceptable, NotFound
from counterfoil import audit, keys
from counterfoil.audit import Entry
from counterfoil.database import Connection
from exceptions_queue import owners

#: Names that the audit uses for what is no person.
TAKEN: Final = frozenset({"setup-token", "system", "sweeper", "worker", "door", "engine", "counterfoil"})

_COLUMNS = "id, name, title, email, grants, password_hash, issuer, created_at, created_by, signed_in_at, disabled_at"


def add(
    conn: Connection, who: str, *, name: str, email: str, grants: Sequence[str], title: str | None = None
) -> dict[str, Any]:
    """Somebody new, without a password. Raises: NotAcceptable, Conflict."""
    if not people.NAME.fullmatch(name) or name in TAKEN:
        raise NotAcceptable(f"{name!r} cannot be a name: letters a to z, digits, . _ -, up to 40, and none of our own")
    email = address(email)
    known = owners.roster().people.get(name)
    title = " ".join((title or (known.name if known else name)).split())
    if not 1 <= len(title) <= 80 or not title.isprintable():
        raise NotAcceptable("the title is what people call them: 1 to 80 characters that can be seen")
    texts = checked(grants)
    try:
        with conn.transaction():
            conn.execute(
                "INSERT INTO users (id, name, title, email, grants, created_by) VALUES (%s, %s, %s, %s, %s, %s)",
                (keys.new_id(), name, title, email, texts, who),
            )
    except errors.UniqueViolation:
        raise Conflict(f"there is a user {name} or one with this e-mail address already") from None
    audit.append(conn, "desk", [Entry(who, "user.added", f"user:{name}", {"grants": texts})])
    return get(conn, name)


def grant(conn: Connection, who: str, name: str, given: Sequence[str]) -> list[str]:
    """Give somebody more; all that they have then. Raises: NotFound, NotAcceptable."""
    user = get(conn, name, lock=True)
    return _grants(conn, who, user, [*user["grants"], *checked(given)], "user.granted")


def revoke(conn: Connection, who: str, name: str, taken: Sequence[str]) -> list[str]:
    """Take grants away, as they were given. Raises: NotFound, NotAcceptable."""
    user, texts = get(conn, name, lock=True), checked(taken)
    missing = [text for text in texts if text not in user["grants"]]
    if missing:
        raise NotAcceptable(f"{name} does not have {', '.join(missing)}, but {', '.join(user['grants']) or 'nothing'}")
    return _grants(conn, who, user, [text for text in user["grants"] if text not in texts], "user.revoked")


def disable(conn: Connection, who: str, name: str, reason: str | None = None) -> None:
    """Nobody gets in by this name any more: sessions, links and tokens end for good. Raises: NotFound, Conflict."""
    user = get(conn, name, lock=True)
    if user["disabled_at"] is not None:
        raise Conflict(f"{name} is disabled already")
    conn.execute("UPDATE users SET disabled_at = now() WHERE id = %s", (user["id"],))
    links.void(conn, user["id"])
    ended = sessions.end_all(conn, user["id"])
    why = {"reason": reason} if reason else {}
    entries = [Entry(who, "user.disabled", f"user:{name}", {"sessions_ended": ended, **why})]
    for token in _end_tokens(conn, user["id"]):
        entries.append(Entry(who, "token.revoked", f"token:{token}", {"user_disabled": name, **why}))
    audit.append(conn, "desk", entries)


def _end_tokens(conn: Connection, user_id: UUID) -> list[str]:
    """Revoke what acts in somebody's name: being let in again brings back no copy that lies somewhere."""
    rows = conn.execute(
        "UPDATE api_tokens SET revoked_at = now() WHERE user_id = %s AND revoked_at IS NULL RETURNING name", (user_id,)
    )
    return sorted(row["name"] for row in rows)


def enable(conn: Connection, who: str, name: str) -> None:
    """Let a disabled user in again, by the password of before and nothing else. Raises: NotFound, Conflict."""
    user = get(conn, name, lock=True)
    if user["disabled_at"] is None:
        raise Conflict(f"{name} is not disabled")
    conn.execute("UPDATE users SET disabled_at = NULL WHERE id = %s", (user["id"],))
    audit.append(conn, "desk", [Entry(who, "user.enabled", f"user:{name}", {})])


def every(conn: Connection) -> list[dict[str, Any]]:
    """All users by name."""
    return conn.execute(f"SELECT {_COLUMNS} FROM users ORDER BY name").fetchall()


def get(conn: Connection, name: str, *, lock: bool = False) -> dict[str, Any]:
    """One user. Raises: NotFound."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM users WHERE name = %s{' FOR UPDATE' if lock else ''}", (name,)
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no user {name!r}")
    return row


def by_id(conn: Connection, user_id: UUID) -> dict[str, Any]:
    """One user, who exists."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM users WHERE id = %s", (user_id,)).fetchone()
    assert row is not None, "Bug: a session's user is gone"
    return row


def address(email: str) -> str:
    """An e-mail address as it is kept. Raises: NotAcceptable."""
    email = email.strip()
    if len(email) > people.EMAIL_MAX or not email.isprintable() or not people.EMAIL.fullmatch(email):
        raise NotAcceptable("that is not an e-mail address")
    if not email.isascii():
        # In small letters some become those of another mailbox: a Kelvin sign is a k.
        raise NotAcceptable("this e-mail address has letters that can be mistaken for others; use one of ASCII alone")
    return email.lower()


def checked(grants: Iterable[str]) -> list[str]:
    """Grants as they are kept. Raises: NotAcceptable."""
    try:
        return list(dict.fromkeys(str(rights.grant(text)) for text in grants))
    except rights.GrantUnknown as unknown:
        raise NotAcceptable(str(unknown)) from None


def _grants(conn: Connection, who: str, user: dict[str, Any], texts: Sequence[str], action: str) -> list[str]:
    now = list(dict.fromkeys(texts))
    conn.execute("UPDATE users SET grants = %s WHERE id = %s", (now, user["id"]))
    # Whoever may something else signs in anew: no cookie of before carries the new rights.
    sessions.end_all(conn, user["id"])
    detail = {"before": user["grants"], "after": now}
    audit.append(conn, "desk", [Entry(who, action, f"user:{user['name']}", detail)])
    return now
