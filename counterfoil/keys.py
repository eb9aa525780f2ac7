"""Identifiers and digests: row ids that sort by time, canonical JSON, short fingerprints."""

import hashlib
import json
import os
import time
from typing import Any
from uuid import UUID


def new_id() -> UUID:
    """A version 7 UUID: 48 bits of milliseconds, then chance; neighbours in time are neighbours in the index."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def canonical_json(value: Any) -> str:
    """One text per value: sorted members, no white space; what digests and audit hashes are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(value: Any) -> str:
    """SHA-256 (hex) of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def fingerprint(*parts: str | None) -> str:
    """A short stable key (20 hex characters) for things that belong together."""
    return hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:20]
