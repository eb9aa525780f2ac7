"""Commit: everything that a group of passes decided, in one transaction: writes, books, runs, cases, states, audit.

Order matters. The events are locked first under their fences, so that a worker that lost its lease writes nothing.
Staleness and standing keys are judged inside, where nothing can slip between look and act. The audit comes last,
because its lane stays locked until the commit.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from counterfoil import audit, failpoints, keys
from counterfoil.database import Connection
from counterfoil.ledger import finish
from counterfoil.lifecycle import EventState, WriteState
from destinations.base import Destination, Effect
from engine.passing import Pass, Verdict
from exceptions_queue import cases, failures


def commit(
    conn: Connection, passes: Sequence[Pass], destinations: Mapping[str, Destination], *, worker: str
) -> list[Pass]:
    """Write what the passes decided; returns those that were still ours.

    All or nothing: an exception leaves no trace, and the caller commits the passes one by one to find the guilty one.
    """
    with conn.transaction():
        held = finish.hold(conn, [(one.event.id, one.event.fence) for one in passes])
        mine = [one for one in passes if one.event.id in held]
        if not mine:
            return []
        _supersede_stale(conn, mine)
        written = _write(conn, mine, destinations)
        finish.record_runs(conn, [_run_row(one, worker) for one in mine])
        blocked = _open_cases(conn, mine)
        freed = [one.event.id for one in mine if one.event.case_id and one.event.id not in blocked and _ended(one)]
        if freed:
            cases.clear(conn, freed, actor="engine")
        finish.settle(conn, [_settled(one, blocked) for one in mine])
        audit.append(conn, "engine", [_audit_entry(one, written) for one in mine])
    for _ in mine:
        failpoints.passing("run.recorded")
    return mine


def _verdict(one: Pass) -> Verdict:
    assert one.verdict is not None, "Bug: a pass without a verdict reached the commit"
    return one.verdict


def _ended(one: Pass) -> bool:
    return _verdict(one).status in (EventState.DONE, EventState.IGNORED, EventState.SUPERSEDED)


def _supersede_stale(conn: Connection, passes: Sequence[Pass]) -> None:
    """Handlers that keep a state apply only what is newest; one claim never holds two events of one subject."""
    keeping = [
        one
        for one in passes
        if one.effects and one.spec and one.spec.ordering == "latest" and one.event.subject and one.event.occurred_at
    ]
    newest = finish.advance_subjects(
        conn,
        [
            {
                "handler": one.spec.name,
                "subject": one.event.subject,
                "occurred_at": one.event.occurred_at,
                "event_key": one.event.key,
                "event_id": one.event.id,
            }
            for one in keeping
            if one.spec
        ],
    )
    for one in keeping:
        if one.event.id not in newest:
            one.effects = ()
            one.verdict = Verdict(EventState.SUPERSEDED, "something newer about this subject was already applied")


def _write(conn: Connection, passes: Sequence[Pass], destinations: Mapping[str, Destination]) -> set[UUID]:
    """Record effects under their keys and apply the new ones; a key that stands is never written again."""
    rows: dict[UUID, tuple[Pass, Effect]] = {keys.new_id(): (one, effect) for one in passes for effect in one.effects}
    if not rows:
        return set()
    new = finish.record_writes(conn, [_write_row(id, one, effect) for id, (one, effect) in rows.items()])
    _link_standing(conn, [pair for id, pair in rows.items() if id not in new])
    for _ in new:
        failpoints.passing("write.intended")
    for name, destination in destinations.items():
        batch = {id: effect for id, (_, effect) in rows.items() if id in new and effect.destination == name}
        if batch:
            destination.apply_many(conn, batch)
    for _ in new:
        failpoints.passing("write.sent")
    for _ in new:
        failpoints.passing("write.recorded")
    return new


def _link_standing(conn: Connection, pairs: Sequence[tuple[Pass, Effect]]) -> None:
    """A key that stands: the same content is done already; other content under it is for a person."""
    standing = finish.standing_writes(conn, [effect.key for _, effect in pairs])
    for one, effect in pairs:
        there = standing[effect.key]
        if there["digest"] == effect.digest:
            if there["event_id"] != one.event.id and one.verdict and one.verdict.status is EventState.DONE:
                one.verdict.outcome = f"{effect.key} was written already for event {there['event_id']}"
            continue
        refused = failures.WriteRefused(
            f"{effect.key} was written before with other content; compare write {there['id']}",
            rule="key_stands_with_other_content",
            destination=effect.destination,
            data={"write_id": str(there["id"]), "key": effect.key},
        )
        one.verdict = Verdict(EventState.EXCEPTION, str(refused), failure=refused)


def _write_row(id: UUID, one: Pass, effect: Effect) -> finish.WriteRow:
    return finish.WriteRow(
        id=id,
        key=effect.key,
        destination=effect.destination,
        operation=effect.operation,
        # In one transaction with the effect itself, so nobody ever sees the states between.
        status=WriteState.CONFIRMED.value,
        subject=effect.subject,
        amount_minor=effect.amount.amount_minor if effect.amount else None,
        currency=effect.amount.currency if effect.amount else None,
        action={"body": effect.body, "evidence": effect.evidence},
        digest=effect.digest,
        event_id=one.event.id,
        run_id=one.run_id,
        handler=one.spec.name if one.spec else None,
        attempts=1,
        receipt={"same_transaction": True, "row": str(id)},
        confirmed=True,
    )


def _run_row(one: Pass, worker: str) -> finish.RunRow:
    verdict = _verdict(one)
    return finish.RunRow(
        id=one.run_id,
        event_id=one.event.id,
        generation=one.event.generation,
        attempt=one.event.attempts,
        status=verdict.status.value,
        handler=one.spec.name if one.spec else None,
        handler_version=one.spec.version if one.spec else None,
        contract=one.contract_version,
        failure_class=verdict.failure.code if verdict.failure else None,
        detail=verdict.outcome,
        steps=one.steps,
        worker=worker,
        replay_id=one.event.replay_id,
        took_seconds=one.took_seconds,
    )


def _open_cases(conn: Connection, passes: Sequence[Pass]) -> dict[UUID, UUID]:
    """One incident per event that needs somebody; events that will try again by themselves open none yet."""
    incidents = [
        cases.Incident(
            event_id=one.event.id,
            run_id=one.run_id,
            failure_class=verdict.failure.code,
            source=one.event.source,
            handler=one.spec.name if one.spec else None,
            rule=verdict.failure.rule,
            destination=verdict.failure.destination,
            detail={"sentence": verdict.outcome, "type": one.event.type, **verdict.failure.data},
            amount_minor=verdict.failure.amount_minor or (one.money.amount_minor if one.money else None),
            currency=verdict.failure.currency or (one.money.currency if one.money else None),
        )
        for one in passes
        if (verdict := _verdict(one)).failure is not None and verdict.due_seconds is None
    ]
    return cases.open_many(conn, incidents) if incidents else {}


def _settled(one: Pass, blocked: Mapping[UUID, UUID]) -> finish.Settled:
    verdict = _verdict(one)
    return finish.Settled(
        id=one.event.id,
        fence=one.event.fence,
        status=verdict.status.value,
        outcome=verdict.outcome,
        handler=one.spec.name if one.spec else None,
        due_seconds=verdict.due_seconds,
        # An event that waits to look again stays in the case it came from, if it came from one.
        case_id=blocked.get(one.event.id, None if _ended(one) else one.event.case_id),
        ended=_ended(one),
    )


def _audit_entry(one: Pass, written: set[UUID]) -> audit.Entry:
    verdict = _verdict(one)
    detail: dict[str, object] = {"run": str(one.run_id), "attempt": one.event.attempts}
    if one.spec:
        detail["handler"] = f"{one.spec.name}@{one.spec.version}"
    if one.effects:
        detail["writes"] = [effect.key for effect in one.effects]
    if verdict.failure:
        detail["class"] = verdict.failure.code
    return audit.Entry("engine", f"event.{verdict.status.value}", f"event:{one.event.id}", detail)
