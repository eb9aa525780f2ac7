"""Who is asking: the bearer token, and the name that goes into the audit."""

import hmac
import re
from typing import NamedTuple

from starlette.datastructures import Headers

from console.access import tokens
from console.access.people import Person
from console.access.rights import ALL
from console.problems import NotAsked, NotKnown, told
from counterfoil import database
from counterfoil.settings import settings

#: The header in which the holder of a token names the person or script behind a change.
ACTOR_HEADER = "X-Counterfoil-Actor"
#: Recorded when the setup token is used without that header.
SETUP_TOKEN = "setup-token"  # noqa: S105 - a name for the audit, not a secret
#: Visible at both ends, no control characters in between, at most 80 characters.
ACTOR_PATTERN = r"^[!-~\u00a1-\u00ff]([ -~\u00a0-\u00ff]{0,78}[!-~\u00a1-\u00ff])?$"

_NO_TOKEN = "the API needs a token: make one with `counterfoil token create`, or set COUNTERFOIL_API_TOKEN"  # noqa: S105
_HOW = {"WWW-Authenticate": 'Bearer realm="counterfoil"'}


class Actor(NamedTuple):
    """Whose name a change bears."""

    name: str
    rights: frozenset[str] = frozenset()


class Caller(NamedTuple):
    """Who sent a request, and what they may."""

    actor: Actor
    person: Person
    #: The setup token stands for whoever set this machine up; nobody can ask it for a password.
    is_setup: bool = False


def authenticate(headers: Headers) -> Caller:
    """The holder of the bearer token. Raises: NotKnown; NotAsked when the actor's name is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() == "bearer":
        if _is_setup_token(token):
            name = _actor(headers)
            return Caller(Actor(name), Person(name, name, (ALL,)), is_setup=True)
        person = _stored(token)
        if person is not None:
            if headers.getlist(ACTOR_HEADER):
                raise NotAsked(f"{ACTOR_HEADER} goes with the setup token only: this token acts as {person.name}")
            return Caller(Actor(person.name), person)
    if settings().api_token is None and not token:
        raise NotKnown(_NO_TOKEN, headers=_HOW)
    raise NotKnown("send the header `Authorization: Bearer <token>` with a valid token", headers=_HOW)


def _is_setup_token(token: str) -> bool:
    expected = settings().api_token
    if expected is None or not expected.get_secret_value():
        return False
    # On bytes: a header with characters beyond ASCII must be wrong, not an exception.
    return hmac.compare_digest(token.encode("utf-8", "replace"), expected.get_secret_value().encode())


def _stored(token: str) -> Person | None:
    if not token.startswith(tokens.PREFIX):
        return None
    with told(), database.transaction() as conn:
        return tokens.find(conn, token)


def _actor(headers: Headers) -> str:
    values = headers.getlist(ACTOR_HEADER)
    if not values:
        return SETUP_TOKEN
    if len(values) > 1 or not re.fullmatch(ACTOR_PATTERN, values[0]):
        raise NotAsked(f"{ACTOR_HEADER} must be given once and be a name of 1 to 80 characters")
    try:
        # HTTP hands out latin-1; names are usually sent as UTF-8.
        return values[0].encode("latin-1").decode()
    except UnicodeDecodeError:
        return values[0]
