"""Who asks, and whether the token's scopes let them.

Any token that begins with `pat-` may do everything, or only read if it ends with `-ro`; the account can name tokens
with scopes of their own.
"""

from sandbox.hubspot.account import Account
from sandbox.hubspot.reading import kind_of
from sandbox.hubspot.refusals import Refusal, missing_scopes
from sandbox.standin.base import Ask

#: Requests that only read, although they are posted.
_READS = ("search", "read")


def let_in(account: Account, ask: Ask, parts: list[str]) -> str:
    """Find the token of a request that may pass. Raises: Refusal, a 401 or 403."""
    scheme, _, token = ask.headers.get("authorization", "").partition(" ")
    granted = account.scopes.get(token)
    if scheme.lower() != "bearer" or (granted is None and not token.startswith("pat-")):
        raise Refusal(401, "INVALID_AUTHENTICATION", "Authentication credentials not found or invalid.")
    is_read = ask.method == "GET" or (ask.method == "POST" and parts[-1] in _READS)
    if granted is not None:
        needed = _scope(parts, "read" if is_read else "write")
        if needed is not None and needed not in granted:
            raise missing_scopes([needed])
    elif not is_read and token.endswith("-ro"):
        raise missing_scopes([_scope(parts, "write") or "crm.objects.contacts.write"])
    return token


def _scope(parts: list[str], verb: str) -> str | None:
    match parts:
        case ["crm", "v3", "properties", kind, *_]:
            return f"crm.schemas.{kind_of(kind).scope_name}.{verb}"
        case ["crm", "v3", "owners", *_]:
            return "crm.objects.owners.read"
        case ["crm", _, "objects" | "associations", kind, *_]:
            return f"crm.objects.{kind_of(kind).scope_name}.{verb}"
    return None
