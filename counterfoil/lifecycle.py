"""Every state machine of Counterfoil, as data. `ledger.move` is the only writer of a state.

event      queued ──▶ running ──▶ done | ignored | superseded          (ends)
             ▲           ├──▶ waiting    for a person, or for a time (due_at)
             │           ├──▶ exception  a case is open
             └───────────┴──── retry, replay, crash

write      planned ─▶ awaiting_approval ─▶ approved ─▶ sending ─▶ confirmed ─▶ reversing ─▶ reversed
               ├▶ sending          ├▶ rejected         ├▶ refused                └▶ confirmed (kept)
               ├▶ shadow           └▶ expired          ├▶ planned | approved     certainly not done: again later
               └▶ superseded                           └▶ in_doubt ─▶ confirmed | refused | sending (it was not there)

case       open ─▶ acknowledged ─▶ snoozed ─▶ resolved | dismissed

replay     planned ─▶ running ─▶ finished | cancelled
                        └▶ paused ─▶ running | cancelled

fix        proposed ─▶ active ─▶ withdrawn
               └▶ withdrawn
"""

from collections.abc import Mapping
from enum import StrEnum


class EventState(StrEnum):
    """What became of one business event."""

    QUEUED = "queued"  #: recorded; moves by itself at `due_at`
    RUNNING = "running"  #: claimed by a worker until `lease_until`
    DONE = "done"  #: every effect of its plan is confirmed
    IGNORED = "ignored"  #: nothing to do, with the reason in `outcome`
    SUPERSEDED = "superseded"  #: something newer about the subject was already applied
    WAITING = "waiting"  #: for a named person (a case is open), or for a time (`due_at` is set)
    EXCEPTION = "exception"  #: failed; a case with an owner is open


class WriteState(StrEnum):
    """The life of one effect at one destination."""

    PLANNED = "planned"  #: recorded, nothing sent
    AWAITING_APPROVAL = "awaiting_approval"  #: policy asks for a person
    APPROVED = "approved"  #: a person said yes to this digest
    SENDING = "sending"  #: intent committed; may be on the wire
    CONFIRMED = "confirmed"  #: the destination has it
    SHADOW = "shadow"  #: would have been written
    REJECTED = "rejected"  #: a person said no
    EXPIRED = "expired"  #: nobody answered in time; silence never approves
    REFUSED = "refused"  #: the destination said no
    IN_DOUBT = "in_doubt"  #: sent, outcome unknown; never sent again blindly
    SUPERSEDED = "superseded"  #: something newer was written instead
    REVERSING = "reversing"  #: the inverse is on its way
    REVERSED = "reversed"  #: taken back, and read again


class CaseState(StrEnum):
    """The life of an item in the exceptions queue."""

    OPEN = "open"  #: nobody has looked yet; escalates at `due_at`
    ACKNOWLEDGED = "acknowledged"  #: the owner has it
    SNOOZED = "snoozed"  #: asleep until `snoozed_until`, then open again
    RESOLVED = "resolved"  #: put right
    DISMISSED = "dismissed"  #: nothing to put right; carries a reason and a name


class ReplayState(StrEnum):
    """The life of a replay of many events."""

    PLANNED = "planned"  #: counted and shown, nothing moved
    RUNNING = "running"  #: events go back to the queue in portions
    PAUSED = "paused"  #: a person holds it; what was queued before goes on, nothing more is sent
    FINISHED = "finished"  #: every item has its outcome
    CANCELLED = "cancelled"  #: a person stopped it; what was queued before stays queued


class FixState(StrEnum):
    """The life of a rule that fills in what payloads lack."""

    PROPOSED = "proposed"  #: somebody else has to say yes; it does nothing yet
    ACTIVE = "active"  #: applied to every event that it fits
    WITHDRAWN = "withdrawn"  #: taken back, or never wanted


E, W, C, R, F = EventState, WriteState, CaseState, ReplayState, FixState

#: from -> the states it may move to. Anything else is refused by `ledger.move`.
EVENT_MOVES: Mapping[EventState, frozenset[EventState]] = {
    E.QUEUED: frozenset({E.RUNNING}),
    E.RUNNING: frozenset({E.QUEUED, E.RUNNING, E.DONE, E.IGNORED, E.SUPERSEDED, E.WAITING, E.EXCEPTION}),
    # Its writes went their own way meanwhile: confirmed, superseded, refused.
    E.WAITING: frozenset({E.QUEUED, E.RUNNING, E.IGNORED, E.DONE, E.SUPERSEDED, E.EXCEPTION}),
    E.EXCEPTION: frozenset({E.QUEUED, E.IGNORED}),
    E.DONE: frozenset({E.QUEUED}),
    E.IGNORED: frozenset({E.QUEUED}),
    E.SUPERSEDED: frozenset({E.QUEUED}),
}

WRITE_MOVES: Mapping[WriteState, frozenset[WriteState]] = {
    W.PLANNED: frozenset({W.AWAITING_APPROVAL, W.SENDING, W.SHADOW, W.SUPERSEDED, W.CONFIRMED, W.REFUSED}),
    # Planned anew where the plan has changed; what was said about the old one is over.
    W.AWAITING_APPROVAL: frozenset({W.APPROVED, W.REJECTED, W.EXPIRED, W.SUPERSEDED, W.PLANNED}),
    W.APPROVED: frozenset({W.SENDING, W.AWAITING_APPROVAL, W.EXPIRED, W.SUPERSEDED, W.REFUSED, W.PLANNED}),
    W.SENDING: frozenset({W.CONFIRMED, W.REFUSED, W.IN_DOUBT, W.APPROVED, W.PLANNED}),
    W.IN_DOUBT: frozenset({W.CONFIRMED, W.REFUSED, W.SENDING}),
    W.CONFIRMED: frozenset({W.REVERSING}),
    W.REVERSING: frozenset({W.REVERSED, W.CONFIRMED}),
    W.SHADOW: frozenset({W.PLANNED}),
    # Asked again only for other content, or by a person's replay; it then needs an approval whatever the policy says.
    W.REJECTED: frozenset({W.PLANNED}),
    W.EXPIRED: frozenset({W.PLANNED}),
    W.REFUSED: frozenset({W.PLANNED, W.SUPERSEDED}),
    W.SUPERSEDED: frozenset({W.PLANNED}),
    W.REVERSED: frozenset(),
}

CASE_MOVES: Mapping[CaseState, frozenset[CaseState]] = {
    C.OPEN: frozenset({C.ACKNOWLEDGED, C.SNOOZED, C.RESOLVED, C.DISMISSED}),
    C.ACKNOWLEDGED: frozenset({C.OPEN, C.SNOOZED, C.RESOLVED, C.DISMISSED}),
    C.SNOOZED: frozenset({C.OPEN, C.ACKNOWLEDGED, C.RESOLVED, C.DISMISSED}),
    C.RESOLVED: frozenset(),
    C.DISMISSED: frozenset(),
}

REPLAY_MOVES: Mapping[ReplayState, frozenset[ReplayState]] = {
    R.PLANNED: frozenset({R.RUNNING, R.CANCELLED}),
    R.RUNNING: frozenset({R.PAUSED, R.FINISHED, R.CANCELLED}),
    R.PAUSED: frozenset({R.RUNNING, R.CANCELLED}),
    R.FINISHED: frozenset(),
    R.CANCELLED: frozenset(),
}

FIX_MOVES: Mapping[FixState, frozenset[FixState]] = {
    F.PROPOSED: frozenset({F.ACTIVE, F.WITHDRAWN}),
    F.ACTIVE: frozenset({F.WITHDRAWN}),
    F.WITHDRAWN: frozenset(),
}

#: States from which a write moves by itself or by a person's word; in the others it rests.
WRITE_LIVE = frozenset({W.PLANNED, W.AWAITING_APPROVAL, W.APPROVED, W.SENDING, W.IN_DOUBT})
#: States in which a case still has somebody's attention.
CASE_LIVE = frozenset({C.OPEN, C.ACKNOWLEDGED, C.SNOOZED})


def origins(moves: Mapping[StrEnum, frozenset[StrEnum]] | Mapping, to: StrEnum) -> list[str]:  # type: ignore[type-arg]
    """The states from which `to` may be reached; what the compare-and-set compares with."""
    return sorted(str(state) for state, targets in moves.items() if to in targets)
