"""Who is asking: the bearer token, and the name that goes into the audit."""

import hmac
import re
from typing import NamedTuple

from starlette.datastructures import Headers

from console.problems import NotAllowed, NotAsked, NotKnown
from counterfoil.settings import settings

#: The header in which the holder of a token names the person or script behind a change.
ACTOR_HEADER = "X-Counterfoil-Actor"
#: Recorded when the setup token is used without that header.
SETUP_TOKEN = "setup-token"  # noqa: S105 - a name for the audit, not a secret
#: Visible at both ends, no control characters in between, at most 80 characters.
ACTOR_PATTERN = r"^[!-~\u00a1-\u00ff]([ -~\u00a0-\u00ff]{0,78}[!-~\u00a1-\u00ff])?$"

_HOW = {"WWW-Authenticate": 'Bearer realm="counterfoil"'}


class Actor(NamedTuple):
    """Somebody who may do something."""

    name: str
    rights: frozenset[str]


def authenticate(headers: Headers) -> Actor:
    """The holder of the bearer token. Raises: NotKnown; NotAsked when the actor's name is none."""
    expected = settings().api_token
    if expected is None:
        raise NotKnown("the API has no token yet: set COUNTERFOIL_API_TOKEN and start again", headers=_HOW)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    # On bytes: a header with characters beyond ASCII must be wrong, not an exception.
    given, known = token.strip().encode("utf-8", "replace"), expected.get_secret_value().encode()
    matches = hmac.compare_digest(given, known)
    if scheme.lower() != "bearer" or not known or not matches:
        raise NotKnown("send the header `Authorization: Bearer <token>` with a valid token", headers=_HOW)
    return Actor(_actor(headers), frozenset({"look", "act"}))


def require(actor: Actor, right: str) -> None:
    """Raises: NotAllowed without the right."""
    if right not in actor.rights:
        raise NotAllowed(f"{actor.name} does not have the right to {right}")


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
