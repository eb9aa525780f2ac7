"""What the identity provider says: where its doors are, its keys, and an ID token that is believed or not.

OpenID Connect with the authorization code, PKCE and a nonce. The protocol is Authlib's; what is demanded of an ID
token stands here, and nothing is taken from one that was not checked.
"""

import ssl
import threading
from functools import lru_cache
from typing import Any, Final, NamedTuple

import httpx

from console.access import links
from console.problems import SignInRefused, Unavailable
from counterfoil import clock
from counterfoil.settings import settings

#: Signed with a key of the provider's. `none` and keys that we share are no signatures of theirs.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
SCOPE: Final = "openid email profile"
TIMEOUT_SECONDS: Final = 10.0
#: Providers roll their keys over days.
KEPT_SECONDS: Final = 600.0
#: A token with a key that is not known makes us look again, but not for every stranger's token.
LOOK_AGAIN_SECONDS: Final = 10.0
#: Clocks of two machines.
LEEWAY_SECONDS: Final = 60


class Known(NamedTuple):
    """What the provider publishes about itself, and when it was read (`clock.ticks_seconds`)."""

    metadata: dict[str, Any]
    keys: Any
    read_at: float
    issuer: str


_lock = threading.Lock()
_known: Known | None = None


def is_on() -> bool:
    """Whether people can sign in elsewhere."""
    return bool(settings().oidc_issuer and settings().oidc_client_id)


def redirect_uri() -> str:
    """Where the provider sends people back to; it must be told beforehand."""
    return f"{links.console_url()}/sign-in/oidc/callback"


def authorization_url(*, state: str, nonce: str, verifier: str, again: bool) -> str:
    """Where the browser goes. Raises: Unavailable."""
    asked = {"prompt": "login", "max_age": "0"} if again else {}
    with _client() as client:
        url, _ = client.create_authorization_url(
            _address(known().metadata, "authorization_endpoint"), state, code_verifier=verifier, nonce=nonce, **asked
        )
    return str(url)


def claims(code: str, *, nonce: str, verifier: str) -> dict[str, Any]:
    """What the provider says about the person who brought this code. Raises: SignInRefused, Unavailable."""
    from authlib.integrations.base_client import OAuthError

    try:
        with _client() as client:
            found = client.fetch_token(_address(known().metadata, "token_endpoint"), code=code, code_verifier=verifier)
    except (OAuthError, ValueError, TypeError) as failure:
        raise SignInRefused("the identity provider did not take its own code: begin again") from failure
    except httpx.HTTPError as failure:
        raise _away() from failure
    token = found.get("id_token")
    if not isinstance(token, str):
        raise SignInRefused("the identity provider sent no ID token")
    return _believed(token, nonce=nonce, access_token=found.get("access_token"))


def _believed(token: str, *, nonce: str, access_token: Any) -> dict[str, Any]:
    """The claims of an ID token; signature first, then who made it, for whom, when, and in answer to what."""
    from authlib.oidc.core import CodeIDToken
    from joserfc.errors import JoseError

    header, payload = _opened(token)
    theirs, ours = known().metadata["issuer"], settings().oidc_client_id
    options = {
        "iss": {"essential": True, "value": theirs},
        "aud": {"essential": True, "value": ours},
        "sub": {"essential": True},
    }
    params = {"nonce": nonce, "client_id": ours, "access_token": access_token}
    try:
        CodeIDToken(payload, header, options, params).validate(now=int(clock.unix_seconds()), leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as failure:
        raise SignInRefused(f"the identity provider's answer is not for us, or not now ({_what(failure)})") from failure
    except Exception as failure:
        if not type(failure).__module__.startswith("authlib."):
            raise
        raise SignInRefused(f"the identity provider's answer is not for us, or not now ({_what(failure)})") from failure
    subject = payload["sub"]
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
        raise SignInRefused("the identity provider's answer names nobody")
    return payload


def _opened(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    from joserfc import jwt
    from joserfc.errors import JoseError

    for attempt in (1, 2):
        try:
            found = jwt.decode(token, known(again=attempt == 2).keys, algorithms=list(ALGORITHMS))
            return dict(found.header), dict(found.claims)
        except (JoseError, ValueError, TypeError, KeyError) as failure:
            if attempt == 2:
                raise SignInRefused("the identity provider's answer is not signed with a key of theirs") from failure
    raise AssertionError("Bug: two attempts without an end")


def _what(failure: Exception) -> str:
    """Which claim, without its value."""
    return str(failure).rpartition(": ")[2][:80] or type(failure).__name__


def _client() -> Any:
    from authlib.integrations.httpx_client import OAuth2Client

    config = settings()
    secret = config.oidc_client_secret.get_secret_value() if config.oidc_client_secret else None
    ways = known().metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    way = "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
    return OAuth2Client(
        config.oidc_client_id,
        secret,
        token_endpoint_auth_method=way if secret else "none",
        scope=SCOPE,
        redirect_uri=redirect_uri(),
        code_challenge_method="S256",
        timeout=TIMEOUT_SECONDS,
        follow_redirects=False,
        verify=_trusted(),
    )


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Reading the world's certificates takes longer than a whole sign-in."""
    return httpx.create_ssl_context()


def known(*, again: bool = False) -> Known:
    """What the provider publishes, read at most every few minutes. Raises: Unavailable."""
    global _known
    issuer = settings().oidc_issuer
    assert issuer is not None, "Bug: nobody is to be asked"
    with _lock:
        patience = LOOK_AGAIN_SECONDS if again else KEPT_SECONDS
        if _known and _known.issuer == issuer and clock.ticks_seconds() - _known.read_at < patience:
            return _known
        _known = _read(issuer)
        return _known


def forget() -> None:
    """Read everything anew; for tests that switch providers."""
    global _known
    with _lock:
        _known = None


def _read(issuer: str) -> Known:
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, verify=_trusted()) as client:
            metadata = client.get(f"{issuer}/.well-known/openid-configuration").raise_for_status().json()
            # Who answers for another would sign in everybody of theirs.
            if str(metadata["issuer"]).rstrip("/") != issuer:
                raise Unavailable("the identity provider says that it is another one: compare COUNTERFOIL_OIDC_ISSUER")
            found = client.get(_address(metadata, "jwks_uri")).raise_for_status().json()
        keys = KeySet.import_key_set({"keys": [key for key in found["keys"] if key.get("kty") != "oct"]})
    except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError, AttributeError) as failure:
        raise _away() from failure
    return Known(metadata, keys, clock.ticks_seconds(), issuer)


def _address(metadata: dict[str, Any], name: str) -> str:
    """One of the provider's doors; behind TLS as the provider itself is."""
    url, issuer = metadata.get(name), str(settings().oidc_issuer)
    if not isinstance(url, str) or not url.startswith("https://" if issuer.startswith("https://") else "http"):
        raise Unavailable(f"the identity provider publishes no usable {name}")
    return url


def _away() -> Unavailable:
    return Unavailable("the identity provider does not answer as it should; try again", headers={"Retry-After": "5"})
