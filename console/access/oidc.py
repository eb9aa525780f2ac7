"""Signing in with the identity provider: there and back by one browser, once, and who that is here.

A journey belongs to the browser that began it: its row names the session whose token the cookie holds, one of nobody
where nobody is signed in. Somebody else's answer, sent to a person as a link, leads nowhere.
"""

import re
import secrets
from typing import Any, Final, NamedTuple

from console.access import entering, people, provider, sessions, users
from console.access.sessions import Session
from console.problems import Problem, SignInRefused
from counterfoil import clock, database
from counterfoil.database import Connection
from counterfoil.settings import settings
from exceptions_queue import owners

NOT_BEGUN: Final = "this sign-in was not begun in this browser, was used, or took too long: begin again"


class Away(NamedTuple):
    """Where the browser goes, and the token of its session, when it got one for the journey."""

    url: str
    token: str | None


class Back(NamedTuple):
    """Signed in: the new session's token, and where the person wanted to go."""

    token: str
    to: str


def leave_for(back_to: str, session: Session | None, *, agent: str = "") -> Away:
    """Begin a journey; of somebody who is signed in, to prove it again. Raises: Unavailable."""
    state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
    url = provider.authorization_url(state=state, nonce=nonce, verifier=verifier, again=session is not None)
    with database.transaction() as conn:
        token = None if session else sessions.begin(conn, None, how="oidc", agent=agent)
        conn.execute("DELETE FROM provider_visits WHERE expires_at < now()")
        conn.execute(
            "INSERT INTO provider_visits (state_hash, session_id, nonce, verifier, back_to, again, expires_at) SELECT"
            " %(state)s, id, %(nonce)s, %(verifier)s, %(back)s, %(again)s, now() + %(seconds)s * interval '1 second'"
            " FROM sessions WHERE id = %(id)s OR token_hash = %(hash)s",
            {
                "state": sessions.hashed(state),
                "nonce": nonce,
                "verifier": verifier,
                "back": back_to,
                "again": session is not None,
                "seconds": sessions.JOURNEY_SECONDS,
                "id": session.id if session else None,
                "hash": sessions.hashed(token) if token else None,
            },
        )
    return Away(url, token)


def come_back(cookie: str, query: dict[str, str], *, agent: str = "") -> Back:
    """End a journey. Raises: SignInRefused, Unavailable."""
    journey = _journey(cookie, query.get("state", ""))
    try:
        _is_theirs(query)
        said = provider.claims(query["code"], nonce=journey["nonce"], verifier=journey["verifier"])
        age = _age_seconds(said)
        with database.transaction() as conn:
            user = _user(conn, said)
            if journey["again"]:
                _is_the_same(journey, user, age)
            fresh = age is not None and age <= sessions.FRESH_SECONDS
            token = entering.begun(conn, user, how="oidc", agent=agent, instead_of=journey["session_id"], fresh=fresh)
    except Problem as problem:
        entering.refused(None, f"oidc: {problem.detail[:120]}")
        raise
    return Back(token, journey["back_to"])


def _journey(cookie: str, state: str) -> dict[str, Any]:
    with database.transaction() as conn:
        row = conn.execute(
            "DELETE FROM provider_visits v USING sessions s WHERE v.state_hash = %s AND s.id = v.session_id"
            " AND s.token_hash = %s AND v.expires_at > now()"
            " RETURNING v.session_id, v.nonce, v.verifier, v.back_to, v.again, s.user_id",
            (sessions.hashed(state), sessions.hashed(cookie)),
        ).fetchone()
    if row is None:
        raise SignInRefused(NOT_BEGUN)
    return row


def _is_theirs(query: dict[str, str]) -> None:
    if query.get("error"):
        raise SignInRefused("the identity provider did not sign you in")
    issuer = query.get("iss")
    if issuer is not None and issuer != provider.known().metadata["issuer"]:
        raise SignInRefused("another identity provider answered")
    if not query.get("code"):
        raise SignInRefused("the identity provider sent no code")


def _user(conn: Connection, said: dict[str, Any]) -> dict[str, Any]:
    """Who that is here: by what the provider calls them, the first time by their verified e-mail address."""
    issuer, subject = said["iss"], said["sub"]
    user = _one(conn, "issuer = %s AND subject = %s", issuer, subject)
    if user is None:
        email = _verified(said)
        user = _one(conn, "email = %s AND subject IS NULL", email)
        if user is None:
            user = _newcomer(conn, email, said)
        conn.execute("UPDATE users SET issuer = %s, subject = %s WHERE id = %s", (issuer, subject, user["id"]))
    if user["disabled_at"] is not None:
        raise SignInRefused("this account is disabled")
    return user


def _one(conn: Connection, where: str, *values: str) -> dict[str, Any] | None:
    return conn.execute(f"SELECT id, name, disabled_at FROM users WHERE {where} FOR UPDATE", values).fetchone()


def _verified(said: dict[str, Any]) -> str:
    email = said.get("email")
    # `True` and nothing else: some providers send text, and "false" is true.
    if not isinstance(email, str) or said.get("email_verified") is not True:
        raise SignInRefused("the identity provider has not verified your e-mail address")
    return users.address(email)


def _newcomer(conn: Connection, email: str, said: dict[str, Any]) -> dict[str, Any]:
    """A viewer, where the domain is ours; never somebody whom the owners file or the audit knows already."""
    domain = settings().oidc_domain
    if domain is None or email.rpartition("@")[2] != domain.lower():
        raise SignInRefused("nobody here has this e-mail address: ask an administrator")
    name = re.sub(r"[^a-z0-9._-]", "-", email.partition("@")[0])[:40].strip("-._")
    known = owners.roster().people.get(name)
    if (known and known.contact.lower() != email) or not people.NAME.fullmatch(name):
        raise SignInRefused("your name is somebody else's here: ask an administrator")
    title = said.get("name")
    usable = isinstance(title, str) and 1 <= len(title) <= 80 and title.isprintable()
    return users.add(
        conn, "identity-provider", name=name, email=email, grants=["viewer"], title=title if usable else None
    )


def _age_seconds(said: dict[str, Any]) -> float | None:
    """How long ago the person showed the provider who they are; None: it does not say."""
    at = said.get("auth_time")
    if isinstance(at, bool) or not isinstance(at, int | float):
        return None
    return max(0.0, clock.unix_seconds() - at)


def _is_the_same(journey: dict[str, Any], user: dict[str, Any], age: float | None) -> None:
    if user["id"] != journey["user_id"]:
        raise SignInRefused("that is somebody else: sign out first")
    if age is None or age > sessions.FRESH_SECONDS:
        raise SignInRefused("the identity provider did not ask you again")
