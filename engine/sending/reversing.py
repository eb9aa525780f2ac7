"""Taking back a write: the inverse is a write of its own, with its own key, and goes the same way.

    confirmed ─▶ reversing ─┬─ the inverse is confirmed ──────────────▶ reversed
                            └─ changed since, refused, not approved ──▶ confirmed (kept, with the reason)

Before it is sent the target is read again: what somebody changed since is never overwritten. The policy asks people
about an inverse as about any other write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from counterfoil import audit, clock, keys
from counterfoil.database import Connection
from counterfoil.ledger import move, planning
from counterfoil.ledger.outbox import ClaimedWrite, Result
from counterfoil.lifecycle import WriteState
from destinations.base import Destination, Effect
from destinations.remote import is_remote
from engine.sending import approving
from engine.sending.inverses import NotReversible, WriteNotFound, inverse_of, read
from exceptions_queue import approvals, cases, failures
from exceptions_queue.policy import Decision, policy
from exceptions_queue.refusals import signed

#: Of what a reversal fails with: it stands beside whatever the event itself waits for.
RULE = "reversal"
_NOBODY = Decision(0, "none")


def begin(conn: Connection, write_id: UUID, destinations: Mapping[str, Destination], *, who: str, reason: str) -> UUID:
    """Plan the inverse of a confirmed write; returns the id of the inverse. Ring the bell after the commit.

    Raises: WriteNotFound, NotReversible, ReasonMissing.
    """
    who, reason = signed(who, reason)
    row = read(conn, [write_id], lock=True).get(write_id)
    if row is None:
        raise WriteNotFound(f"there is no write {write_id}")
    planned = plan(conn, row, destinations, who=who, reason=reason)
    audit.append(conn, "desk", planned.entries + open_cases(conn, [planned]))
    return planned.id


@dataclass(frozen=True, slots=True)
class Planned:
    """An inverse that was planned, what the audit says of it, and the case in which people are asked about it."""

    id: UUID
    entries: list[audit.Entry]
    incident: cases.Incident | None


def open_cases(conn: Connection, planned: Sequence[Planned]) -> list[audit.Entry]:
    """Tell the owners of those that wait for people, all in one go; returns the audit entries."""
    return cases.open_many(conn, [one.incident for one in planned if one.incident is not None]).entries


def plan(
    conn: Connection,
    row: Mapping[str, Any],
    destinations: Mapping[str, Destination],
    *,
    who: str,
    reason: str,
    is_one_of_many: bool = False,
) -> Planned:
    """Plan the inverse of a write that the caller has locked; one of many takes a lower share of what may be sent.

    Raises: NotReversible, before anything is changed.
    """
    original, effect = inverse_of(row, destinations[row["destination"]])
    effect = replace(effect, evidence={"reverses": str(row["id"]), "asked_by": who, "reason": reason})
    decision = decide(effect, destinations[effect.destination], row["handler"])
    inverse = _planned(row, original, effect, destinations[effect.destination], decision)
    inverse.replayed = is_one_of_many
    if not planning.plan_writes(conn, [inverse]):
        raise NotReversible(f"the key {effect.key} stands already")
    move(conn, "write", [row["id"]], WriteState.REVERSING, sets={"detail": f"being taken back: {reason}"})
    detail = {"reason": reason, "by": str(inverse.id), "key": effect.key}
    entries = [audit.Entry(who, "write.reversing", f"write:{row['id']}", detail)]
    asked = {"reason": reason, "key": effect.key, "reverses": str(row["id"])}
    entries.append(audit.Entry(who, f"write.{inverse.status}", f"write:{inverse.id}", asked))
    if not decision.needed:
        return Planned(inverse.id, entries, None)
    shown = approving.shown(effect, effect.digest, destinations[effect.destination], None, decision)
    request = approvals.Request(inverse.id, shown, decision.rule, decision.needed, decision.expires_hours)
    entries += approvals.request_many(conn, [request])
    return Planned(inverse.id, entries, _waiting(row, inverse, decision))


def decide(effect: Effect, destination: Destination, handler: str | None) -> Decision:
    """Who must agree before it goes on. What is behind a network is looked at first, and judged then."""
    if is_remote(destination):
        return _NOBODY
    return policy().decide(approving.proposed(effect, destination, handler, set(), None))


def finish(conn: Connection, done: Sequence[tuple[ClaimedWrite, Result]]) -> list[audit.Entry]:
    """What became of inverses decides what becomes of their originals. Returns the audit entries."""
    entries = []
    for write, result in done:
        if write.reverses is not None:
            entries += settle(conn, write.reverses, write.event_id, WriteState(result.status), result.detail)
    return entries


def settle(
    conn: Connection, original_id: UUID, event_id: UUID, inverse: WriteState, detail: str, *, actor: str = "engine"
) -> list[audit.Entry]:
    """Bring the original to rest once its inverse is: taken back, or kept with the reason. Returns the entries."""
    if inverse is WriteState.CONFIRMED:
        to, told = WriteState.REVERSED, "write.reversed"
    elif inverse in (WriteState.SUPERSEDED, WriteState.REFUSED, WriteState.REJECTED, WriteState.EXPIRED):
        to, told = WriteState.CONFIRMED, "write.kept"
    else:
        return []
    moved = move(conn, "write", [original_id], to, sets={"detail": detail})
    entries = [audit.Entry(actor, told, f"write:{one}", {"detail": detail}) for one in sorted(moved)]
    if inverse in (WriteState.CONFIRMED, WriteState.SUPERSEDED):
        entries += cases.clear_reversals(conn, [event_id], actor=actor)
    return entries


def _planned(
    row: Mapping[str, Any],
    original: Effect,
    effect: Effect,
    destination: Destination,
    decision: Decision,
) -> planning.PlannedWrite:
    return planning.PlannedWrite(
        id=keys.new_id(),
        key=effect.key,
        destination=effect.destination,
        operation=effect.operation,
        status=(WriteState.AWAITING_APPROVAL if decision.needed else WriteState.PLANNED).value,
        subject=effect.subject,
        amount_minor=effect.amount.amount_minor if effect.amount else None,
        currency=effect.amount.currency if effect.amount else None,
        action={
            "body": effect.body,
            "evidence": effect.evidence,
            "original": {"effect": original.as_json(), "receipt": row["receipt"] or {}},
        },
        digest=effect.digest,
        event_id=row["event_id"],
        run_id=None,
        handler=row["handler"],
        # The record as the original named it: its other writers meet it there. It comes last among them, so that
        # nothing older slips in between look and send.
        target=row["target"] or approving.target_of(effect, destination),
        order_at=clock.now(),
        order_key=effect.key,
        approval_rule=decision.rule if decision.needed else None,
        approvals_needed=decision.needed,
        reverses=row["id"],
        due=not decision.needed,
    )


def _waiting(row: Mapping[str, Any], inverse: planning.PlannedWrite, decision: Decision) -> cases.Incident:
    needed = failures.ApprovalNeeded(
        f"{inverse.key} waits for approval ({decision.rule})",
        rule=decision.rule,
        destination=inverse.destination,
        data={"write_id": str(inverse.id), "key": inverse.key},
        amount_minor=inverse.amount_minor,
        currency=inverse.currency,
    )
    return incident_of(needed, row["event_id"], row["source"], row["handler"])


def incident_of(failure: failures.Failure, event_id: UUID, source: str, handler: str | None) -> cases.Incident:
    """The failure of an inverse: a case beside the event's own, because the event itself may be done."""
    return cases.Incident(
        event_id=event_id,
        failure_class=failure.code,
        source=source,
        handler=handler,
        rule=f"{RULE}:{failure.rule}",
        destination=failure.destination,
        detail={"sentence": str(failure), **failure.data},
        amount_minor=failure.amount_minor,
        currency=failure.currency,
        beside=True,
    )
