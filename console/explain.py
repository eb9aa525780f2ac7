"""The five answers about an event - what ran, succeeded, failed, which records, who was told - from its detail.

And which events belong to it: those that tell the same, the write of ours that caused it, and what its own caused.

Everything is already in the detail, so the API, the commands and the tests say the same; only what people are called is
asked of the roster. Sentences name people as others do, facts by their keys.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from console import answers
from console.answers import Answered, EventDetail
from counterfoil.clock import rfc3339
from counterfoil.lifecycle import CASE_LIVE, EventState, WriteState
from exceptions_queue import owners

_LIFE = {
    EventState.QUEUED: "is queued and moves by itself",
    EventState.RUNNING: "is being worked on",
    EventState.DONE: "is done",
    EventState.IGNORED: "was ignored",
    EventState.SUPERSEDED: "was superseded by something newer about the same subject",
    EventState.WAITING: "waits",
    EventState.EXCEPTION: "failed and is on somebody's desk",
}


def explain(event: EventDetail) -> answers.Explanation:
    """What became of an event, in five answers."""
    return answers.Explanation(
        event_id=event.id,
        summary=_summary(event),
        ran=_ran(event),
        succeeded=_succeeded(event),
        failed=_failed(event),
        records=_records(event),
        notified=_notified(event),
        same_fact=_same_fact(event),
        caused_by=_caused_by(event),
        caused=_caused(event),
    )


def _summary(event: EventDetail) -> str:
    parts = [f"{event.source} {event.type} {event.key} {_LIFE[event.status]}"]
    if event.outcome:
        parts.append(f": {event.outcome}")
    if event.owner:
        parts.append(f"; {owners.called(event.owner)} owns it")
    if event.due_at is not None:
        parts.append(f"; it moves by itself at {event.due_at:%Y-%m-%d %H:%M:%S} UTC")
    times = "once" if event.deliveries == 1 else f"{event.deliveries} times"
    return "".join(parts) + f". It arrived {times}, first at {event.received_at:%Y-%m-%d %H:%M:%S} UTC."


def _ran(event: EventDetail) -> Answered:
    if not event.runs:
        return Answered(summary="Nothing has run yet.", facts=[])
    last = event.runs[-1]
    who = last.handler or "no handler"
    return Answered(
        summary=f"{_counted(len(event.runs), 'run')}; the last one, by {who}, ended {last.status}."
        + _judged(event.classifications),
        facts=[_run_facts(run) for run in event.runs] + [_decision_facts(each) for each in event.classifications],
    )


def _judged(found: list[answers.Classification]) -> str:
    """How its items were decided, in one more sentence."""
    if not found:
        return ""
    by_people = sum(each.status == "settled" for each in found)
    waiting = sum(each.status == "asked" for each in found)
    parts = [f"{len(found) - by_people - waiting} by a judge", f"{by_people} by people"]
    more = [f"{waiting} not yet"] if waiting else []
    return f" {_counted(len(found), 'item')} decided: {', '.join(parts + more)}."


def _decision_facts(found: answers.Classification) -> dict[str, Any]:
    return _plain(
        {
            "classification_id": found.id,
            "question": found.question,
            "item": found.item,
            "status": found.status,
            "label": found.settled_label if found.status == "settled" else found.label,
            "by": found.settled_by or found.tier,
            "confidence": found.confidence,
            "why": found.why,
        }
    )


def _succeeded(event: EventDetail) -> Answered:
    confirmed = [write for write in event.writes if write.status == WriteState.CONFIRMED]
    facts = [{"write": write.key, "destination": write.destination} for write in confirmed]
    if not event.writes:
        ended = event.status in (EventState.IGNORED, EventState.SUPERSEDED)
        return Answered(
            summary=f"Nothing was to be written: {event.outcome}." if ended else "Nothing has been written.",
            facts=facts,
        )
    return Answered(
        summary=f"{len(confirmed)} of {_counted(len(event.writes), 'write')} confirmed by the destination.",
        facts=facts,
    )


def _failed(event: EventDetail) -> Answered:
    broken = [run for run in event.runs if run.failure_class]
    live = [case for case in event.cases if case.status in CASE_LIVE]
    facts: list[dict[str, Any]] = [
        {"run_id": run.id, "class": run.failure_class, "detail": run.detail, "at": rfc3339(run.finished_at)}
        for run in broken
    ]
    incidents = {incident.case_id: incident for incident in event.incidents}
    facts += [_case_facts(case, incidents.get(case.id)) for case in event.cases]
    if event.fault:
        facts.append({"found_at_the_door": event.fault})
    if not facts:
        return Answered(summary="Nothing failed.", facts=[])
    desk = "; ".join(
        f"“{case.title.replace('_', ' ')}” is {case.status}, owned by {owners.called(case.owner)}" for case in live
    )
    return Answered(
        summary=f"{_counted(len(broken), 'failed run')}, {_counted(len(event.cases), 'case')}"
        + (f": {desk}." if desk else "; none is open."),
        facts=[_plain(fact) for fact in facts],
    )


def _records(event: EventDetail) -> Answered:
    facts = [
        {
            "key": write.key,
            "destination": write.destination,
            "operation": write.operation,
            "status": write.status,
            "amount": write.amount.model_dump() if write.amount else None,
            "receipt": write.receipt,
            "confirmed_at": rfc3339(write.confirmed_at),
        }
        for write in event.writes
    ]
    if not facts:
        return Answered(summary="No record exists at any destination.", facts=[])
    shown = ", ".join(f"{write.key} ({write.status})" for write in event.writes)
    return Answered(summary=f"{_counted(len(facts), 'record')}: {shown}.", facts=facts)


def _notified(event: EventDetail) -> Answered:
    if not event.notifications:
        return Answered(summary="Nobody had to be told.", facts=[])
    told = sorted({owners.called(note.recipient) for note in event.notifications if note.status == "sent"})
    facts = [
        _plain(note.model_dump(include={"recipient", "kind", "channel", "status", "detail", "sent_at", "case_id"}))
        for note in event.notifications
    ]
    missed = sum(note.status == "failed" for note in event.notifications)
    said = f"Told: {', '.join(told)}." if told else "Nobody has been reached yet."
    return Answered(summary=said + (f" {_counted(missed, 'attempt')} failed." if missed else ""), facts=facts)


def _same_fact(event: EventDetail) -> Answered:
    if not event.same_fact:
        return Answered(summary="No other event tells the same.", facts=[])
    shown = ", ".join(sorted({f"{other.type} {other.key} ({other.status})" for other in event.same_fact}))
    count = _counted(len({other.event_id for other in event.same_fact}), "other event")
    return Answered(summary=f"{count} told the same: {shown}.", facts=[_all(other) for other in event.same_fact])


def _caused_by(event: EventDetail) -> Answered:
    cause = event.caused_by
    if cause is None:
        return Answered(summary="No write of ours is known to have caused it.", facts=[])
    sentence = f"Our own write {cause.write} at {cause.destination}, made for event {cause.event_id}, came back as it."
    return Answered(summary=sentence, facts=[_all(cause)])


def _caused(event: EventDetail) -> Answered:
    if not event.caused:
        return Answered(summary="No event is known to have come of its writes.", facts=[])
    shown = ", ".join(f"{other.type} {other.key} ({other.status})" for other in event.caused)
    count = _counted(len(event.caused), "event")
    return Answered(summary=f"{count} came of its writes: {shown}.", facts=[_all(other) for other in event.caused])


def _all(shown: BaseModel) -> dict[str, Any]:
    return shown.model_dump(mode="json")


def _run_facts(run: answers.Run) -> dict[str, Any]:
    return _plain(
        {
            "run_id": run.id,
            "handler": run.handler,
            "version": run.handler_version,
            "contract": run.contract,
            "status": run.status,
            "attempt": run.attempt,
            "generation": run.generation,
            "from": rfc3339(run.started_at),
            "to": rfc3339(run.finished_at),
            "steps": [step.step for step in run.steps],
        }
    )


def _case_facts(case: answers.Case, incident: answers.CaseMember | None) -> dict[str, Any]:
    return {
        "case_id": case.id,
        "class": case.failure_class,
        "title": case.title,
        "status": case.status,
        "owner": case.owner,
        "advice": case.advice,
        "blocks": incident.amount.model_dump() if incident and incident.amount else None,
        "wrong": incident.detail if incident else {},
    }


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """Identifiers as text, so that facts are plain JSON."""
    return {name: value if _is_plain(value) else str(value) for name, value in facts.items()}


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | dict)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def in_order(found: answers.Explanation) -> Iterable[tuple[str, Answered]]:
    """The five answers in their order, for printing; after them which events belong to it, where there are any."""
    for question in ("ran", "succeeded", "failed", "records", "notified"):
        yield question, getattr(found, question)
    for question in ("same_fact", "caused_by", "caused"):
        related = getattr(found, question)
        if related.facts:
            yield question.replace("_", " "), related
