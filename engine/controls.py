"""How far a handler is let out, and what is paused: read by every commit, at most a second old.

A handler without a row is out fully. `partial` writes a stable share of subjects (always the same ones), or those
whose event has the members of a segment; the others are written in shadow: planned, recorded, never sent. A pause
stands beside the mode: when it ends, the mode is what it was.
"""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from counterfoil import clock, keys
from counterfoil.database import Connection

#: Changes take effect within five seconds; this leaves room for whatever is under way.
AGE_SECONDS_MAX = 1.0

Mode = Literal["shadow", "partial", "full"]


@dataclass(frozen=True, slots=True)
class Rollout:
    """One handler's setting."""

    mode: Mode
    share: float | None = None
    segment: Mapping[str, Any] | None = None


FULL = Rollout("full")


@dataclass(frozen=True, slots=True)
class Controls:
    """Everything that people set, as of one moment."""

    rollouts: Mapping[str, Rollout]
    pauses: frozenset[tuple[str, str]]

    def lets_out(self, handler: str, subject: str, body: str) -> bool:
        """Whether an event of this handler is written, or only recorded in shadow."""
        rollout = self.rollouts.get(handler, FULL)
        if rollout.mode == "full":
            return True
        if rollout.mode == "shadow":
            return False
        if rollout.segment:
            return _in_segment(body, rollout.segment)
        return share_of(handler, subject) < (rollout.share or 0.0)

    def parked_by(self, source: str, handler: str) -> str | None:
        """The pause that holds everything of an event, e.g. `handler:invoice_paid`."""
        if ("handler", handler) in self.pauses:
            return f"handler:{handler}"
        return f"source:{source}" if ("source", source) in self.pauses else None

    def holds(self, destination: str, operation: str) -> str | None:
        """The pause that holds writes of this kind, e.g. `destination:books`."""
        if ("destination", destination) in self.pauses:
            return f"destination:{destination}"
        action = f"{destination}.{operation}"
        return f"action:{action}" if ("action", action) in self.pauses else None


def share_of(handler: str, subject: str) -> float:
    """Where a subject stands between 0 and 1, always the same for one handler."""
    first = hashlib.sha256(f"{handler}/{subject}".encode()).digest()[:8]
    return int.from_bytes(first, "big") / 2**64


def _in_segment(body: str, segment: Mapping[str, Any]) -> bool:
    """Members of the event by dotted path; each must have its value, or one of a list."""
    document = msgspec.json.decode(body)
    for path, wanted in segment.items():
        value = document
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def load(conn: Connection) -> Controls:
    """What stands in the database now."""
    rollouts = conn.execute("SELECT handler, mode, share, segment FROM rollouts").fetchall()
    pauses = conn.execute("SELECT scope, name FROM pauses").fetchall()
    return Controls(
        {row["handler"]: Rollout(row["mode"], row["share"], row["segment"]) for row in rollouts},
        frozenset((row["scope"], row["name"]) for row in pauses),
    )


def record_change(
    conn: Connection,
    handler: str,
    mode: str,
    share: float | None = None,
    segment: Mapping[str, Any] | None = None,
    *,
    who: str,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
) -> None:
    """A line of the handler's history: a mode, or `paused`."""
    conn.execute(
        "INSERT INTO rollout_changes (id, handler, mode, share, segment, evidence, reason, changed_by)"
        " VALUES (%s, %s, %s, %s, %s::jsonb, %s::jsonb, %s, %s)",
        (keys.new_id(), handler, mode, share, _json(segment), _json(evidence or {}), reason, who),
    )


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


_lock = threading.Lock()
_known: tuple[float, Controls] | None = None


def current(conn: Connection) -> Controls:
    """What people set, at most `AGE_SECONDS_MAX` old; one look serves all commits of a process."""
    global _known
    now = clock.ticks_seconds()
    with _lock:
        if _known is not None and now - _known[0] < AGE_SECONDS_MAX:
            return _known[1]
    found = load(conn)
    with _lock:
        _known = (now, found)
    return found


def forget() -> None:
    """Look again at the next commit (a change was made in this process; tests)."""
    global _known
    with _lock:
        _known = None
