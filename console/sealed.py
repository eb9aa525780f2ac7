"""The audit chain as a file: one entry per line behind a first line, the seal, that says where each lane ends.

Each line is the only way to write its entry, so every byte of it counts; the seal says which entry belongs on which
line, so what was cut off, put in or exchanged is named too. Reading needs no database and no setting.

Whoever writes every line anew, the seal included, makes a file that holds in itself. Only a seal that was kept where
they could not reach it (an earlier export, or its first line) shows that: `against`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from console.chain import Place, Verified
from counterfoil import audit

#: What a broken seal is called, where an entry has its lane and number.
SEAL = "seal"
_ENTRY = ("lane", "seq", "at", "actor", "action", "subject", "detail", "hash")
_VERSION = 1


class NotSealed(ValueError):
    """The line is no seal, or not as it was written."""


def lines(heads: Mapping[str, Place], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The file's lines. `rows` are all entries up to the heads, by lane and number."""
    yield _seal(heads)
    for row in rows:
        yield _line({**row, "hash": bytes(row["hash"]).hex()})


def heads_of(line: bytes) -> dict[str, Place]:
    """Where each lane ends, as a seal says. Raises: NotSealed."""
    try:
        told = json.loads(line)
        heads = {str(lane): (end["entries"], bytes.fromhex(end["hash"])) for lane, end in told["lanes"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NotSealed("the first line is no seal") from None
    if line != _seal(heads):
        raise NotSealed("the seal is not as it was written")
    return heads


def verified(lines: Iterable[bytes], *, against: Mapping[str, Place] | None = None) -> Verified:
    """Follow an exported file; `against` are the heads of a seal that was kept elsewhere."""
    found, rest = Verified(), iter(lines)
    try:
        heads = heads_of(next(rest, b""))
    except NotSealed as why:
        return found.broken(SEAL, str(why))
    known, hash_before = dict(against or {}), b""
    for place, line in zip_longest(_places(heads), rest):
        if place is None:
            return found.broken("end", "lines follow where the seal says that the last lane ends")
        (lane, seq), name = place, f"{place[0]}/{place[1]}"
        row = _read(line)
        hash_before = b"" if seq == 1 else hash_before
        if row is None or (row["lane"], row["seq"]) != place:
            return found.broken(name, "another line stands there" if line else "the file ends before it")
        if audit.entry_hash(hash_before, row) != row["hash"]:
            return found.broken(name, "it is not what was written")
        for ends, told in ((heads, "the seal says"), (known, "was kept elsewhere")):
            if lane in ends and ends[lane][0] == seq and ends[lane][1] != row["hash"]:
                return found.broken(name, f"its lane was written anew: the hash is not the one that {told}")
        hash_before = row["hash"]
        found.lanes[lane] = seq
    return _missing(found, known)


def _missing(found: Verified, known: Mapping[str, Place]) -> Verified:
    """What was there when the other seal was written has to be there still."""
    for lane, (entries, _) in sorted(known.items()):
        if found.lanes.get(lane, 0) < entries:
            return found.broken(f"{lane}/{found.lanes.get(lane, 0) + 1}", "it was there before, and is gone")
    return found


def _places(heads: Mapping[str, Place]) -> Iterator[tuple[str, int]]:
    """Which entry belongs on each line."""
    for lane in sorted(heads):
        for seq in range(1, heads[lane][0] + 1):
            yield lane, seq


def _read(line: bytes | None) -> dict[str, Any] | None:
    """The entry of a line, if it is one and is written as we write it."""
    try:
        told = json.loads(line or b"")
        row = {**{name: told[name] for name in _ENTRY}, "hash": bytes.fromhex(told["hash"])}
        # Hex has two cases, JSON has many forms: only the one that we write will do.
        written = line == _line({**row, "hash": row["hash"].hex()})
        return row if written and type(row["seq"]) is int else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _seal(heads: Mapping[str, Place]) -> bytes:
    lanes = {lane: {"entries": heads[lane][0], "hash": heads[lane][1].hex()} for lane in sorted(heads)}
    told = {"counterfoil": "audit", "version": _VERSION, "lanes": lanes}
    return _line({**told, "sha256": hashlib.sha256(_line(told)).hexdigest()})


def _line(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False) + "\n").encode()
