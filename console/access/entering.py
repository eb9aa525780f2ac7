"""Signing in, proving it again, choosing a password, signing out: each leaves an entry in the audit.

A refusal says the same and takes as long whether there is such a user or not.
"""

from typing import Any, Final
from uuid import UUID

from console.access import browsers, links, passwords, sessions, throttle
from console.access.sessions import Session
from console.problems import NotAcceptable, SignInRefused
from counterfoil import audit, database
from counterfoil.audit import Entry
from counterfoil.database import Connection

WRONG: Final = "name or password is wrong"


def with_password(
    name: str, password: str, *, address: str = "", agent: str = "", known: str = "", before: Session | None = None
) -> str:
    """A new session's token; the one that the browser had `before` ends. `known`: what the browser is known by.

    Raises: SignInRefused, TooMany, Unavailable.
    """
    name = name.strip().lower()
    with database.transaction() as conn:
        is_known = browsers.is_known(conn, known, name)
    counted = throttle.of_browser(known) if is_known else throttle.of_stranger(name, address)
    throttle.count(counted)
    with database.transaction() as conn:
        user = _by_login(conn, name)
    # Between two transactions: slow work holds no connection.
    right = passwords.matches(user["password_hash"] if user else None, password)
    if not right or user is None or user["disabled_at"] is not None:
        refused(user["name"] if user else None, "password")
        raise SignInRefused(WRONG)
    throttle.forgive(counted)
    with database.transaction() as conn:
        _still(conn, user)
        _end(conn, before)
        return begun(conn, user, how="password", agent=agent)


def again(session: Session, password: str, *, agent: str = "") -> str:
    """Prove who one is, by password; the new token of the same person's session. Raises: SignInRefused, TooMany."""
    user = _proved(session, password, how="password again", wrong="the password is wrong")
    with database.transaction() as conn:
        _still(conn, user, session)
        return renewed(conn, session, how="password", agent=agent)


def by_link(token: str, password: str | None, *, agent: str = "", before: Session | None = None) -> str:
    """A new session's token, for the holder of a link; they choose a password unless the link is for coming in.

    The session that the browser had `before` ends. Raises: NotFound, NotAcceptable.
    """
    with database.transaction() as conn:
        link = links.find(conn, token)
    kept = None
    if link["purpose"] == "password":
        if password is None:
            raise NotAcceptable("choose a password")
        kept = passwords.hash_of(passwords.accepted(password, name=link["name"], email=link["email"]))
    with database.transaction() as conn:
        user = links.use(conn, token)
        if kept is not None:
            _keep_password(conn, user, kept)
        _end(conn, before)
        return begun(conn, user, how="link", agent=agent)


def change_password(session: Session, old: str, new: str, *, agent: str = "") -> str:
    """Another password; every other session of the person ends. Raises: SignInRefused, TooMany, NotAcceptable."""
    user = _proved(session, old, how="password change", wrong="the present password is wrong")
    kept = passwords.hash_of(passwords.accepted(new, name=user["name"], email=user["email"]))
    with database.transaction() as conn:
        _still(conn, user, session)
        _keep_password(conn, user, kept)
        return begun(conn, user, how="password", agent=agent)


def leave(session: Session, *, everywhere: bool = False) -> int:
    """Sign out, here or everywhere; how many sessions ended."""
    user_id = session.person.user_id
    assert user_id is not None, "Bug: a session of nobody"
    with database.transaction() as conn:
        ended = sessions.end_all(conn, user_id) if everywhere else sessions.end(conn, session.id)
        detail = {"everywhere": everywhere, "sessions_ended": ended}
        audit.append(
            conn, "desk", [Entry(session.person.name, "user.signed_out", _subject(session.person.name), detail)]
        )
    return ended


def begun(
    conn: Connection,
    user: dict[str, Any],
    *,
    how: str,
    agent: str = "",
    instead_of: UUID | None = None,
    fresh: bool = True,
) -> str:
    """A session of a user who has shown who they are."""
    token = sessions.begin(conn, user["id"], how=how, agent=agent, instead_of=instead_of, fresh=fresh)
    audit.append(conn, "desk", [Entry(user["name"], "user.signed_in", _subject(user["name"]), {"how": how})])
    return token


def renewed(conn: Connection, session: Session, *, how: str, agent: str = "") -> str:
    """The session goes on under another token, and is fresh."""
    token = sessions.begin(conn, session.person.user_id, how=how, agent=agent, instead_of=session.id)
    name = session.person.name
    audit.append(conn, "desk", [Entry(name, "user.confirmed", _subject(name), {"how": how})])
    return token


def refused(name: str | None, how: str) -> None:
    """An attempt that failed. What was typed is kept only where it is a user's name: it may have been a password."""
    with database.transaction() as conn:
        entry = Entry(name or "nobody", "sign_in.refused", _subject(name) if name else None, {"how": how})
        audit.append(conn, "desk", [entry])


def _proved(session: Session, password: str, *, how: str, wrong: str) -> dict[str, Any]:
    """The user of a session, whose password this is; guesses of strangers are no guesses of theirs.

    Raises: SignInRefused, TooMany.
    """
    name, counted = session.person.name, throttle.of_session(session.id)
    throttle.count(counted)
    with database.transaction() as conn:
        user = _by_login(conn, name)
    if user is None or not passwords.matches(user["password_hash"], password):
        refused(name, how)
        raise SignInRefused(wrong)
    throttle.forgive(counted)
    return user


def _by_login(conn: Connection, login: str) -> dict[str, Any] | None:
    """By name or by e-mail address; no name holds an @."""
    return conn.execute(
        "SELECT id, name, title, email, password_hash, disabled_at FROM users"
        " WHERE name = %(login)s OR email = %(login)s",
        {"login": login.replace("\0", "")},
    ).fetchone()


def _still(conn: Connection, user: dict[str, Any], session: Session | None = None) -> None:
    """What was true before the slow work is true yet: whoever was disabled or signed out meanwhile does not come in.

    Raises: SignInRefused.
    """
    row = conn.execute(
        "SELECT 1 AS one FROM users u WHERE u.id = %(user)s AND u.password_hash = %(kept)s AND u.disabled_at IS NULL"
        " AND (%(session)s::uuid IS NULL OR EXISTS (SELECT 1 FROM sessions s WHERE s.id = %(session)s)) FOR UPDATE",
        {"user": user["id"], "kept": user["password_hash"], "session": session.id if session else None},
    ).fetchone()
    if row is None:
        raise SignInRefused(WRONG if session is None else "you were signed out meanwhile: sign in again")


def _end(conn: Connection, before: Session | None) -> None:
    if before is not None:
        sessions.end(conn, before.id)


def _keep_password(conn: Connection, user: dict[str, Any], kept: str) -> None:
    conn.execute("UPDATE users SET password_hash = %s WHERE id = %s", (kept, user["id"]))
    links.void(conn, user["id"])
    sessions.end_all(conn, user["id"])
    audit.append(conn, "desk", [Entry(user["name"], "user.password_set", _subject(user["name"]), {})])


def _subject(name: str) -> str:
    return f"user:{name}"
