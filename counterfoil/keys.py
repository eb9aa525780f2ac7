"""Identifiers and digests: row ids that sort by time, canonical JSON, short fingerprints."""

import hashlib
import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

#: Chance for this many ids is fetched at once: each fetch is a system call, during which another thread takes over.
_IDS_PER_FETCH = 256
_ID_CHANCE_BYTES = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _fetch_chance() -> list[bytes]:
    """Ten fresh bytes per id; a list, because its `pop` is atomic between threads."""
    fetched = os.urandom(_IDS_PER_FETCH * _ID_CHANCE_BYTES)
    return [fetched[at : at + _ID_CHANCE_BYTES] for at in range(0, len(fetched), _ID_CHANCE_BYTES)]


_chance: list[bytes] = []
# Two processes must never draw from one store.
os.register_at_fork(after_in_child=_chance.clear)


def new_id() -> UUID:
    """A version 7 UUID: 48 bits of milliseconds, then chance; neighbours in time are neighbours in the index."""
    try:
        chance = _chance.pop()
    except IndexError:
        _chance.extend(_fetch_chance())
        chance = os.urandom(_ID_CHANCE_BYTES)
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(chance, "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def id_at(moment: datetime) -> UUID:
    """The smallest id that is made at this moment; a moment outside of what ids can say is the nearest they can."""
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    return UUID(int=min(max(milliseconds, 0), (1 << 48) - 1) << 80)


def canonical_json(value: Any) -> str:
    """One text per value: sorted members, no white space; what digests and audit hashes are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(value: Any) -> str:
    """SHA-256 (hex) of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def sent(key: str, revision: int) -> str:
    """What a destination gets as key: the write's own, for ever; a new plan after a refusal gets a new one."""
    return key if revision == 0 else f"{key}~{revision}"


def short_hash(text: str) -> str:
    """The first 16 hex characters of a text's SHA-256: enough to see that two runs looked at the same thing."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def fingerprint(*parts: str | None) -> str:
    """A short stable key (20 hex characters) for things that belong together."""
    return hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:20]
