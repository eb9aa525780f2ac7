"""Keys that stand already: a key is never written again, and what stands under it decides what its event becomes.

written            the same content: done, and linked; other content: a person compares
on its way         the event waits for it; a plan that changed before anything was sent takes its place
given up unsent    (the destination was away for too long) it goes out again under the same key
never had effect   (shadow, rejected, expired, refused, superseded) planned anew, after a no by people only

A plan stands or falls as one: while people are asked about a part of it nothing else of it is made, and after a no to
a part the same plan makes none of the others either.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import finish, planning
from counterfoil.lifecycle import EventState, WriteState
from destinations.base import Destination
from engine.passing import Pass, Verdict
from engine.steps.placing import Placed, ask, looks_first, planned_row, tell, use_of
from exceptions_queue import caps, failures
from exceptions_queue.policy import Decision

W = WriteState
#: Nothing of these ever had an effect, so their key is free for a new plan.
FREE = frozenset({W.SHADOW, W.REJECTED, W.EXPIRED, W.REFUSED, W.SUPERSEDED})
#: Recorded and not sent yet: a plan that changed meanwhile takes its place.
UNSENT = frozenset({W.PLANNED, W.AWAITING_APPROVAL, W.APPROVED})
WRITTEN = frozenset({W.CONFIRMED, W.REVERSING, W.REVERSED})
#: An event that meets another event's write on its way looks again after so long (seconds).
MEET_SECONDS = 15.0


def hold_together(conn: Connection, placed: Sequence[Placed], destinations: Mapping[str, Destination]) -> None:
    """What is ours waits for the parts of its plan that people are asked about, now or because they were before.

    What is looked at first is judged by the sender, and holds what comes after it.
    """
    judged = [found for found in placed if not looks_first(found, destinations)]
    parts = Counter(id(found.one) for found in judged)
    several = [found for found in judged if parts[id(found.one)] > 1 and found.status is not W.SHADOW]
    if not any(found.status is W.CONFIRMED for found in several):
        return
    standing = finish.standing_writes(conn, [found.effect.key for found in several])
    asked = {
        id(found.one)
        for found in several
        if found.status is W.AWAITING_APPROVAL or _was_asked(standing.get(found.effect.key))
    }
    for found in several:
        if found.status is W.CONFIRMED and id(found.one) in asked:
            found.status = W.PLANNED


def _was_asked(there: Mapping[str, Any] | None) -> bool:
    return there is not None and there["approvals_needed"] > 0 and there["status"] not in WRITTEN


def meet_standing(
    conn: Connection, late: Sequence[Placed], destinations: Mapping[str, Destination]
) -> list[audit.Entry]:
    """Keys that stand already, each by what stands under it."""
    standing = finish.standing_writes(conn, [found.effect.key for found in late])
    declined = {id(found.one) for found in late if _is_declined(found, standing[found.effect.key])}
    again: list[Placed] = []
    given_up = []
    for found in late:
        there = standing[found.effect.key]
        same = _is_same(found, there)
        state = WriteState(there["status"])
        if found.status is W.SHADOW and state in FREE:
            tell(found)
        elif state in FREE and id(found.one) in declined and not (state is W.REJECTED and same):
            continue  # the part that people said no to tells how its event ends
        elif (state in FREE and not (state is W.REJECTED and same)) or (
            state in UNSENT and not same and there["event_id"] == found.one.event.id
        ):
            found.id = there["id"]
            again.append(_asked_again(found, there, destinations))
        else:
            if there["event_id"] == found.one.event.id:
                given_up.append(there["id"])
            _link(found, there, state, same)
    planning.try_again(conn, given_up)
    rows = [planned_row(found, destinations) for found in again]
    done = planning.plan_again(conn, rows, standing=[state.value for state in FREE | UNSENT])
    ready = [found for found in again if found.id in done]
    caps.count(conn, [use_of(found, destinations) for found in ready if found.counts and found.status is W.PLANNED])
    entries = ask(conn, ready, destinations)
    for found in again:
        if found.id in done:
            tell(found)
        else:
            _meet_later(found.one, "its write is being sent just now")
    return entries


def _is_same(found: Placed, there: Mapping[str, Any]) -> bool:
    """Whether that is what stands; what a person edited after it was planned is no other plan."""
    return found.effect.digest in (there["digest"], there["planned_digest"])


def _is_declined(found: Placed, there: Mapping[str, Any]) -> bool:
    return there["status"] == W.REJECTED and _is_same(found, there) and found.status is not W.SHADOW


def _asked_again(found: Placed, there: Mapping[str, Any], destinations: Mapping[str, Destination]) -> Placed:
    """What people were asked about before, only people let through, and no fewer; whatever the policy says."""
    if found.status is W.SHADOW:
        return found
    if there["approvals_needed"] > found.decision.needed:
        rule = found.decision.rule if found.decision.needed else "asked_before"
        found.decision = Decision(there["approvals_needed"], rule, found.decision.expires_hours)
        found.status = W.PLANNED if looks_first(found, destinations) else W.AWAITING_APPROVAL
    elif found.status is W.CONFIRMED:
        found.status = W.PLANNED  # applied by the sender's next round, in its own transaction
    return found


def _link(found: Placed, there: Mapping[str, Any], state: WriteState, same: bool) -> None:
    """The key stands for good, or is on its way: the same content is done already, other content is for a person."""
    one, effect = found.one, found.effect
    assert one.verdict is not None, "Bug: a pass without a verdict"
    if not same:
        refused = failures.WriteRefused(
            f"{effect.key} was written before with other content; compare it with write {there['id']}",
            rule="key_stands_with_other_content",
            destination=effect.destination,
            data={"write_id": str(there["id"]), "key": effect.key},
        )
        one.verdict = Verdict(EventState.EXCEPTION, str(refused), failure=refused)
    elif one.verdict.failure is not None:
        return
    elif state is W.REJECTED:
        one.verdict = Verdict(EventState.IGNORED, f"{effect.key} was rejected; nothing about it has changed")
    elif state in WRITTEN:
        if there["event_id"] != one.event.id and one.verdict.status is EventState.DONE:
            one.verdict.outcome = f"{effect.key} was written already for event {there['event_id']}"
    elif there["event_id"] == one.event.id:
        one.verdict = Verdict(EventState.WAITING, "its writes are on their way")
    else:
        _meet_later(one, f"{effect.key} is on its way for event {there['event_id']}")


def _meet_later(one: Pass, why: str) -> None:
    one.verdict = Verdict(EventState.WAITING, why, due_seconds=MEET_SECONDS)
