"""An export of the audit chain, spoilt in every way: what is wrong is named, without a database."""

import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from console import sealed
from console.queries import audit as queries
from counterfoil import audit, database

ROOT = Path(__file__).parents[2]
ENTRIES = {"desk": 9, "door": 10, "engine": 11}
#: Text that JSON writes in more than one way, numbers of every kind, nothing at all.
DETAILS: Sequence[dict[str, Any]] = ({}, {"reason": 'a "é" \\ \n € \u2028'}, {"n": [1, -2.50, 1e30, None, True]})


def chained(conn: database.Connection, entries: dict[str, int]) -> list[bytes]:
    """A chain with so many entries per lane, exported."""
    for lane, count in entries.items():
        for number in range(count):
            entry = audit.Entry("ines", "case.opened", f"case:{number}", DETAILS[number % len(DETAILS)])
            audit.append(conn, lane, [entry])
    conn.commit()
    with queries.whole() as (heads, rows):
        return list(sealed.lines(heads, rows))


@pytest.fixture
def export(conn: database.Connection) -> list[bytes]:
    """Thirty entries over three lanes behind their seal."""
    return chained(conn, ENTRIES)


def names(entries: dict[str, int]) -> list[str]:
    """What each line holds."""
    return [sealed.SEAL, *(f"{lane}/{seq}" for lane, count in entries.items() for seq in range(1, count + 1))]


def named(raw: bytes) -> str | None:
    """What is found wrong with a file."""
    return sealed.verified(io.BytesIO(raw)).altered


def test_an_export_holds(export: list[bytes]) -> None:
    """As it was written, nothing is wrong; every lane is counted."""
    found = sealed.verified(export)
    assert (found.altered, found.why, found.lanes) == (None, None, ENTRIES)


def test_every_flipped_byte_is_named(export: list[bytes]) -> None:
    """At every position of the file, the seal and the line ends included, another byte: that line's entry is named."""
    chance = random.Random(11)
    raw, known = b"".join(export), names(ENTRIES)
    ends = list(accumulate(len(line) for line in export))
    line = 0
    for position, byte in enumerate(raw):
        line += position >= ends[line]
        # Another case too: what a reader may take for the same.
        for other in (byte ^ 0x20, byte ^ chance.randrange(1, 256)):
            assert named(raw[:position] + bytes([other]) + raw[position + 1 :]) == known[line], (position, byte, other)


def test_a_flipped_byte_of_a_large_export_is_named(conn: database.Connection) -> None:
    """Wherever it is among thousands of entries, and whatever it becomes."""
    entries = {"door": 1500, "engine": 1500}
    export, known, chance = chained(conn, entries), names(entries), random.Random(12)
    for _ in range(60):
        line = chance.randrange(len(export))
        at = chance.randrange(len(export[line]))
        spoilt = bytearray(export[line])
        spoilt[at] ^= 1 << chance.randrange(8)
        assert named(b"".join([*export[:line], bytes(spoilt), *export[line + 1 :]])) == known[line]


def test_every_cut_tail_is_named(export: list[bytes]) -> None:
    """Cut anywhere, the first entry that is not whole any more."""
    raw, known = b"".join(export), names(ENTRIES)
    ends = list(accumulate(len(line) for line in export))
    for length in range(0, len(raw), 7):
        whole = sum(end <= length for end in ends)
        assert named(raw[:length]) == known[whole], length
    for whole in range(len(export)):
        assert named(b"".join(export[:whole])) == known[whole]


def test_lines_put_in_taken_out_exchanged_or_repeated_are_named(export: list[bytes]) -> None:
    """By the place where the first wrong one stands."""
    known = names(ENTRIES)
    for at in range(1, len(export)):
        assert named(b"".join([*export[:at], b"{}\n", *export[at:]])) == known[at]
        assert named(b"".join([*export[:at], *export[at + 1 :]])) == known[at]
        if at + 1 < len(export):
            assert named(b"".join([*export[:at], export[at + 1], export[at], *export[at + 2 :]])) == known[at]
            assert named(b"".join([*export[:at], export[at], export[at], *export[at + 1 :]])) == known[at + 1]
    for more in (b"\n", b"x", export[-1]):
        assert named(b"".join([*export, more])) == "end"


def forged(
    export: Sequence[bytes], *, lane: str, seq: int
) -> tuple[list[dict[str, Any]], dict[str, tuple[int, bytes]]]:
    """The rows with one entry's actor replaced and every hash after it made to fit, and where the lanes end then."""
    rows, heads, before = [], {}, b""
    for line in export[1:]:
        row = json.loads(line)
        if (row["lane"], row["seq"]) == (lane, seq):
            row["actor"] = "somebody else"
        before = audit.entry_hash(b"" if row["seq"] == 1 else before, row)
        rows.append({**row, "hash": before})
        heads[row["lane"]] = (row["seq"], before)
    return rows, heads


def test_a_lane_that_was_written_anew_does_not_end_as_the_seal_says(export: list[bytes]) -> None:
    """Every hash fits the one before; only the end gives it away."""
    rows, _ = forged(export, lane="door", seq=4)
    found = sealed.verified(sealed.lines(sealed.heads_of(export[0]), rows))
    assert found.altered == "door/10"
    assert "written anew" in (found.why or "")


def test_a_forged_seal_needs_one_that_was_kept_elsewhere(export: list[bytes], conn: database.Connection) -> None:
    """Lines and seal written anew hold in themselves; against an earlier seal they do not, also when the lane grew."""
    kept = sealed.heads_of(export[0])
    longer = chained(conn, {"door": 3})
    assert sealed.verified(longer, against=kept).altered is None
    rows, heads = forged(longer, lane="door", seq=4)
    assert sealed.verified(sealed.lines(heads, rows)).altered is None
    assert sealed.verified(sealed.lines(heads, rows), against=kept).altered == "door/10"
    short = [row for row in rows if row["lane"] != "door" or row["seq"] < 4]
    heads["door"] = (3, short[-12]["hash"])
    found = sealed.verified(sealed.lines(heads, short), against=kept)
    assert (found.altered, found.why) == ("door/4", "it was there before, and is gone")


def test_an_export_is_one_view_while_others_write(conn: database.Connection) -> None:
    """What is written after the seal was read is not in the file."""
    chained(conn, {"door": 2})
    with queries.whole() as (heads, rows):
        audit.append(conn, "door", [audit.Entry("ines", "case.opened", None, {})])
        conn.commit()
        found = sealed.verified(sealed.lines(heads, rows))
    assert (found.altered, found.lanes) == (None, {"door": 2})


@pytest.fixture
def offline(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `counterfoil` in an empty folder, without a setting and without anything that it could connect to."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        code = (
            "import socket, sys\n"
            "def none(*a, **k): raise AssertionError('it must not connect')\n"
            "socket.socket.connect = none\n"
            "from console import cli\n"
            f"cli.main({list(words)!r})\n"
        )
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
        return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)

    return run


def test_verifying_needs_no_database_and_no_setting(
    export: list[bytes], tmp_path: Path, offline: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """On any machine, from the file alone; nothing is made there."""
    (tmp_path / "audit.jsonl").write_bytes(b"".join(export))
    (tmp_path / "kept.jsonl").write_bytes(export[0])
    before = sorted(os.listdir(tmp_path))
    held = offline("audit", "verify", "audit.jsonl", "--against", "kept.jsonl")
    assert (held.returncode, held.stdout) == (0, "The chain holds: desk 9, door 10, engine 11.\n"), held.stderr
    (tmp_path / "audit.jsonl").write_bytes(b"".join(export).replace(b"ines", b"inez", 1))
    broken = offline("audit", "verify", "audit.jsonl")
    assert (broken.returncode, broken.stdout) == (1, "Broken at desk/1: it is not what was written.\n")
    assert sorted(os.listdir(tmp_path)) == before
    (tmp_path / "kept.jsonl").write_bytes(b"{}\n")
    assert offline("audit", "verify", "audit.jsonl", "--against", "kept.jsonl").returncode == 1
