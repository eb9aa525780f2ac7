"""Whose address a request counts against: the last one on its way that is no proxy of ours.

Every proxy writes down who came to it, behind what it was told. So the list is read from its end, as far as our own
proxies wrote it; what stands before that is what a visitor says about themselves.
"""

import ipaddress
from typing import Final

from starlette.datastructures import Headers

from counterfoil.settings import Network, settings

#: The one header that is a list; any other holds what one proxy saw.
LIST: Final = "x-forwarded-for"

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address(peer: str, headers: Headers) -> str:
    """The visitor's address, as text; that of the last proxy of ours where none of them says."""
    header, trusted = settings().address_header.lower(), settings().proxies
    at = _read(peer)
    if at is None or not _is_ours(at, trusted):
        return peer
    said = [part for line in headers.getlist(header) for part in line.split(",")]
    if header != LIST and len(said) > 1:
        # Whoever sets it replaces what was there: a second one was not set by them.
        said = []
    for part in reversed(said):
        before = _read(part)
        if before is None:
            break
        at = before
        if not _is_ours(at, trusted):
            break
    return str(at)


def _is_ours(at: _Address, trusted: tuple[Network, ...]) -> bool:
    return any(at.version == network.version and at in network for network in trusted)


def _read(text: str) -> _Address | None:
    """`192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]:443`"""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found
