"""How far a handler is let out: by steps, each with evidence; narrowed by anybody at any time, and by itself.

    shadow ─▶ partial ─▶ full        wider: enough people agreed with its plans since the step before; or by force,
       ◀──────── ◀────────           with a reason     narrower: at once, with a reason
    paused                           not a step: a pause beside the mode (`engine.pausing`)

What was planned and not sent when a handler goes into shadow is withdrawn: recorded as what would have been written.
Coming out of shadow writes nothing by itself; a replay does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from counterfoil import audit
from counterfoil.database import Connection
from engine import controls, evidence, pausing
from engine.controls import Mode, Rollout
from engine.withdrawing import withdraw
from exceptions_queue.refusals import NotLikeThat, NotNow, signed

#: Decisions before anything is concluded from them.
SAMPLE_MIN = 30
#: The agreement that must be certain: thirty of thirty are enough (0.89), twenty-nine of thirty are not (0.83).
AGREEMENT_MIN = 0.85
#: The first step out of shadow, and where a demotion from full leads.
FIRST_SHARE = 0.1

RANKS: Mapping[Mode, int] = {"shadow": 0, "partial": 1, "full": 2}
#: An arbitrary constant: changes of rollouts are made one at a time in a deployment.
_LOCK = 7_203_411_866


class RolloutUnclear(NotLikeThat):
    """The setting does not say what is meant."""


class EvidenceMissing(NotNow):
    """Too little speaks for a wider rollout; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A handler's setting, the evidence since it was made, and what would come next."""

    rollout: Rollout
    #: None: it was never changed.
    changed_at: datetime | None
    changed_by: str | None
    reason: str | None
    decisions: evidence.Decisions | None
    next_step: Rollout | None

    @property
    def missing(self) -> str | None:
        """What is missing for the next step, in words; None: nothing."""
        found = self.decisions
        if self.next_step is None or found is None:
            return "it is out fully"
        if found.count < SAMPLE_MIN:
            return (
                f"{found.count} of {SAMPLE_MIN} decisions since this step; {SAMPLE_MIN - found.count} more are needed"
            )
        if found.agreement_lower < AGREEMENT_MIN:
            return (
                f"people agreed with {found.agreed} of {found.count} plans, which makes {found.agreement_lower:.1%}"
                f" certain; {AGREEMENT_MIN:.0%} are needed"
            )
        return None

    @property
    def words(self) -> str:
        """What speaks for the next step, or against it."""
        if self.missing is not None or self.decisions is None:
            return str(self.missing)
        found = self.decisions
        return f"people agreed with {found.agreed} of {found.count} plans: {found.agreement_lower:.1%} are certain"


def read(conn: Connection, handler: str) -> Standing:
    """How a handler stands now."""
    row = conn.execute(
        "SELECT mode, share, segment, changed_at, changed_by, reason FROM rollouts WHERE handler = %s", (handler,)
    ).fetchone()
    if row is None:
        return Standing(controls.FULL, None, None, None, None, None)
    rollout = Rollout(row["mode"], row["share"], row["segment"])
    decisions = evidence.decisions(conn, handler, row["changed_at"])
    return Standing(rollout, row["changed_at"], row["changed_by"], row["reason"], decisions, _next(rollout))


def change(conn: Connection, handler: str, wanted: Rollout, *, who: str, reason: str, force: bool = False) -> None:
    """Let a handler out as far as wanted; if it is paused, it goes on. Ring the bell after the commit.

    Raises: RolloutUnclear, EvidenceMissing, ReasonMissing.
    """
    who, reason = signed(who, reason)
    _check(wanted)
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    standing = read(conn, handler)
    entries = pausing.lift_if_paused(conn, "handler", handler, who=who, reason=reason)
    if wanted != standing.rollout or standing.changed_at is None:
        forced = False
        if is_wider(standing.rollout, wanted):
            against = _against(standing, wanted)
            if against and not force:
                raise EvidenceMissing(f"{handler} is not let out further: {against}; or `force` it, with your reason")
            forced = against is not None
        because = {"forced": True} if forced else {}
        entries += put(conn, handler, standing, wanted, who=who, reason=reason, because=because)
    elif entries:
        controls.record_change(conn, handler, wanted.mode, wanted.share, wanted.segment, who=who, reason=reason)
    audit.append(conn, "desk", entries)


def put(
    conn: Connection,
    handler: str,
    standing: Standing,
    wanted: Rollout,
    *,
    who: str,
    reason: str,
    because: Mapping[str, Any],
) -> list[audit.Entry]:
    """Set it, with its line in the history; what shadow must not send is withdrawn. Returns the audit entries."""
    conn.execute(
        "INSERT INTO rollouts (handler, mode, share, segment, reason, changed_by, changed_at)"
        " VALUES (%(handler)s, %(mode)s, %(share)s, %(segment)s::jsonb, %(reason)s, %(who)s, clock_timestamp())"
        " ON CONFLICT (handler) DO UPDATE SET mode = excluded.mode, share = excluded.share, segment = excluded.segment,"
        " reason = excluded.reason, changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        {
            "handler": handler,
            "mode": wanted.mode,
            "share": wanted.share,
            "segment": None if wanted.segment is None else msgspec.json.encode(wanted.segment).decode(),
            "reason": reason,
            "who": who,
        },
    )
    kept = dict(because)
    if standing.decisions is not None:
        kept.setdefault("decisions", standing.decisions.as_json())
    controls.record_change(
        conn, handler, wanted.mode, wanted.share, wanted.segment, who=who, reason=reason, evidence=kept
    )
    entries = withdraw(conn, handler=handler) if wanted.mode == "shadow" else []
    controls.forget()
    detail = {"from": said(standing.rollout), "to": said(wanted), "reason": reason, **kept}
    return [*entries, audit.Entry(who, "rollout.changed", f"handler:{handler}", detail)]


def is_wider(now: Rollout, wanted: Rollout) -> bool:
    """Whether something may be written afterwards that may not be now. Another segment may hold anything."""
    if RANKS[wanted.mode] != RANKS[now.mode]:
        return RANKS[wanted.mode] > RANKS[now.mode]
    if wanted.mode != "partial":
        return False
    if now.segment or wanted.segment:
        return now.segment != wanted.segment
    return (wanted.share or 0.0) > (now.share or 0.0)


def said(rollout: Rollout) -> str:
    """A setting in words."""
    if rollout.mode != "partial":
        return rollout.mode
    if rollout.segment:
        return "partial, where " + ", ".join(f"{path} is {value}" for path, value in sorted(rollout.segment.items()))
    return f"partial, {rollout.share or 0.0:.0%} of all subjects"


def _against(standing: Standing, wanted: Rollout) -> str | None:
    """What forbids a wider rollout; None: nothing."""
    if standing.rollout.mode == "shadow" and wanted.mode == "full":
        return "from shadow the way leads by partial"
    return standing.missing


def _next(rollout: Rollout) -> Rollout | None:
    if rollout.mode == "shadow":
        return Rollout("partial", FIRST_SHARE)
    return controls.FULL if rollout.mode == "partial" else None


def _check(wanted: Rollout) -> None:
    if wanted.mode != "partial":
        if wanted.share is not None or wanted.segment is not None:
            raise RolloutUnclear(f"{wanted.mode} takes neither a share nor a segment; only partial does")
        return
    if (wanted.share is None) == (not wanted.segment):
        raise RolloutUnclear("partial takes either a share of the subjects or a segment of the events")
    if wanted.share is not None and not 0 < wanted.share < 1:
        raise RolloutUnclear("a share lies between 0 and 1; for all or nothing there are full and shadow")
    for path, value in (wanted.segment or {}).items():
        values = value if isinstance(value, list) else [value]
        if not _is_text(path) or not values or not all(_is_plain(one) for one in values):
            raise RolloutUnclear(
                "a segment names members of the event by dotted path, each with a value or a list of some"
            )


def _is_plain(value: object) -> bool:
    """Whether an event's member can be compared with it: text, a whole number, true or false."""
    return isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**53) or _is_text(value)


def _is_text(value: object) -> bool:
    """What Postgres can keep, and nobody mistakes for nothing."""
    return isinstance(value, str) and bool(value.strip()) and "\x00" not in value and value.isprintable()
