"""Commit: everything that a group of passes decided, in one transaction: writes, books, runs, cases, states, audit.

Order matters. The events are locked first under their fences, so that a worker that lost its lease writes nothing.
Staleness and standing keys are judged inside, where nothing can slip between look and act. The audit comes last,
because its lane stays locked until the commit.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from counterfoil import audit, database, failpoints, telemetry
from counterfoil.database import Connection
from counterfoil.ledger import finish
from counterfoil.ledger.echoes import record_facts
from counterfoil.lifecycle import EventState
from destinations.base import Destination
from engine import fixing
from engine.passing import Pass, Verdict
from engine.steps import echoes, writes
from engine.steps.placing import order_key
from exceptions_queue import cases


def commit(
    conn: Connection, passes: Sequence[Pass], destinations: Mapping[str, Destination], *, worker: str
) -> list[Pass]:
    """Write what the passes decided; returns those that were still ours.

    All or nothing: an exception leaves no trace, and the caller commits the passes one by one to find the guilty one.
    """
    with database.transacting(conn):
        with database.together(conn):
            conn.execute("BEGIN")
            held = finish.hold(conn, [(one.event.id, one.event.fence) for one in passes])
        mine = [one for one in passes if one.event.id in held]
        if not mine:
            return []
        fixing.hold_back(conn, mine)
        echoes.recognise(conn, mine, destinations)
        _supersede_stale(conn, mine)
        planned = writes.write(conn, mine, destinations)
        with database.together(conn):
            finish.record_runs(conn, [_run_row(one, worker) for one in mine])
            blocked = _open_cases(conn, mine)
            freed = [one.event.id for one in mine if one.event.case_id and one.event.id not in blocked and _ended(one)]
            finish.settle(conn, [_settled(one, blocked) for one in mine])
            record_facts(conn, [(fact, one.event.id) for one in mine for fact in one.facts])
            # After opening: whoever takes locks on cases takes them in one order.
            resolved = cases.clear(conn, freed, actor="engine") if freed else []
            entries = [_audit_entry(one) for one in mine] + planned + blocked.entries + resolved
            audit.append(conn, "engine", entries)
            conn.execute("COMMIT")
    for _ in mine:
        failpoints.passing("run.recorded")
    for case in blocked.new:
        telemetry.metrics.cases_opened.labels(case.failure_class).inc()
        telemetry.wide("case.opened", case_id=str(case.id), failure_class=case.failure_class, owner=case.owner)
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
        if one.effects and one.spec and one.spec.keeps_state and one.event.subject and one.event.occurred_at
    ]
    newest = finish.advance_subjects(
        conn,
        [
            {
                "handler": one.spec.name,
                # What is read anew is the state of whatever the plan is about, which may be more than the event's.
                "subject": one.effects[0].subject if one.spec.ordering == "reread" else one.event.subject,
                "occurred_at": one.event.occurred_at,
                "event_key": order_key(one),
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


def _run_row(one: Pass, worker: str) -> finish.RunRow:
    verdict = _verdict(one)
    if one.effects:
        # Its own duration is its group's; what it came to stands in the writes.
        one.steps.append({"step": "commit", "input_hash": one.steps[-1]["input_hash"], "output": verdict.outcome})
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


def _open_cases(conn: Connection, passes: Sequence[Pass]) -> cases.Opened:
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
    return cases.open_many(conn, incidents)


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
        parked=one.parked,
        ended=_ended(one),
    )


def _audit_entry(one: Pass) -> audit.Entry:
    verdict = _verdict(one)
    detail: dict[str, object] = {"run": str(one.run_id), "attempt": one.event.attempts}
    if one.caused_by:
        detail["caused_by"] = one.caused_by
    if one.spec:
        detail["handler"] = f"{one.spec.name}@{one.spec.version}"
    if one.effects:
        detail["writes"] = [effect.key for effect in one.effects]
    if verdict.failure:
        detail["class"] = verdict.failure.code
    return audit.Entry("engine", f"event.{verdict.status.value}", f"event:{one.event.id}", detail)
