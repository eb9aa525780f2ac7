"""What a person can do with writes that went out: take them back, ask about them, settle a doubt.

The API and the commands call these and nothing else.
"""

from uuid import UUID

import destinations
from console import asks, problems
from console.answers import Probed, Undoing
from console.queries import writes
from counterfoil import database
from counterfoil.database import Connection
from counterfoil.lifecycle import WriteState
from engine import reversals
from engine.sending import previewing, reversing, settling


def reverse(conn: Connection, who: str, write_id: UUID, ask: asks.ReverseAsk) -> UUID:
    """Plan the inverse of a confirmed write; returns the inverse's id."""
    assert ask.reason is not None, "Bug: only a dry run needs no reason"
    return reversing.begin(conn, write_id, destinations.find(), who=who, reason=ask.reason)


def preview(write_id: UUID) -> Undoing:
    """The inverse as it would be shown, and what somebody changed since; nothing is kept or sent."""
    with problems.told(), database.transaction() as conn:
        seen = previewing.preview(conn, write_id, destinations.find())
    return Undoing(write_id=write_id, shown=seen.shown, changed=seen.changed, unknown=seen.unknown)


def is_in_doubt(write_id: UUID) -> bool:
    """Whether asking about it changes something. Raises: NotFound."""
    found = writes.find(write_id)
    if found is None:
        raise problems.NotFound(f"there is no write {write_id}")
    return found.status == WriteState.IN_DOUBT


def probe(conn: Connection, who: str, write_id: UUID, ask: asks.Change) -> None:
    """Have the destination asked now about a write in doubt."""
    settling.probe(conn, write_id, who=who, reason=ask.reason)


def standing(write_id: UUID) -> Probed:
    """Ask the destination whether a confirmed write stands as it was made; nothing changes."""
    with problems.told(), database.transaction() as conn:
        seen = previewing.standing(conn, write_id, destinations.find())
    return Probed.model_validate(
        {"write_id": write_id, "outcome": seen.outcome, "detail": seen.detail, "differences": seen.differences}
    )


def asked(write_id: UUID) -> Probed:
    """What is said once a write in doubt is going to be asked about."""
    return Probed(write_id=write_id, outcome="asked", detail="the destination is being asked now", differences=[])


def settle(conn: Connection, who: str, write_id: UUID, ask: asks.SettleAsk) -> None:
    """What the owner found out about a write in doubt."""
    settling.settle(conn, write_id, happened=ask.happened, reference=ask.reference, who=who, reason=ask.reason)


def plan_reversal(conn: Connection, who: str, ask: asks.ReversalsPlanAsk) -> UUID:
    """Count what a filter finds and, unless it is a dry run, start."""
    wanted = ask.filter.model_dump(mode="json", exclude_none=True)
    planned = reversals.plan_reversal(conn, wanted, destinations.find(), who=who, reason=ask.reason)
    if not ask.dry_run:
        reversals.start(conn, planned, who=who, reason=ask.reason)
    return planned


def start_reversal(conn: Connection, who: str, reversal_id: UUID, ask: asks.Change) -> None:
    """Start a planned reversal."""
    reversals.start(conn, reversal_id, who=who, reason=ask.reason)


def cancel_reversal(conn: Connection, who: str, reversal_id: UUID, ask: asks.Change) -> None:
    """Stop a reversal; what is on its way goes on."""
    reversals.cancel(conn, reversal_id, who=who, reason=ask.reason)


def pause_reversal(conn: Connection, who: str, reversal_id: UUID, ask: asks.Change) -> None:
    """Hold a running reversal; what is on its way goes on."""
    reversals.pause(conn, reversal_id, who=who, reason=ask.reason)


def resume_reversal(conn: Connection, who: str, reversal_id: UUID, ask: asks.Change) -> None:
    """Let a paused reversal go on where it was."""
    reversals.resume(conn, reversal_id, who=who, reason=ask.reason)
