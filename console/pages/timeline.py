"""What happened to one event, from its delivery to its stubs, in the order in which it happened."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from console import masking
from console.answers import Case, Classification, EventDetail, Notification, Run, Step, Write
from console.fields import Money, moment
from console.pages.render import words
from console.pages.wording import telling
from exceptions_queue import owners

Kind = Literal["good", "bad", "wait", "calm"]

#: What people did, or what the door did with copies; the engine's own entries say what the runs say.
_TOLD = ("event.replayed", "event.edited", "event.readmitted", "event.channel", "event.unstorable", "data.revealed")
_WORDS = {
    "event.replayed": "Replayed",
    "event.edited": "Payload corrected",
    "event.readmitted": "Admitted after all",
    "event.channel": "Also came by another way",
    "event.unstorable": "A copy could not be kept",
    "data.revealed": "Personal data looked at",
    "case.acknowledged": "Case acknowledged",
    "case.assigned": "Case given to somebody",
    "case.snoozed": "Case put to sleep",
    "case.escalated": "Case escalated",
    "case.accepted": "Newer content accepted",
    "write.approved": "Write approved",
    "write.rejected": "Write rejected",
    "write.edited": "Write edited",
    "write.asked_about": "Destination asked about a doubt",
    "write.found_absent": "It was not there",
    "write.kept": "Kept: somebody changed it since",
    "write.reversing": "Taking back begun",
    "write.reversed": "Taken back",
    "write.reviewed": "Reviewed",
}
_GOOD = {"done", "confirmed", "resolved", "sent"}
_BAD = {"exception", "failed", "refused", "in_doubt", "crashed"}


class Moment(NamedTuple):
    """One thing that happened."""

    at: datetime
    kind: Kind
    title: str
    detail: str = ""
    href: str = ""
    amount: Money | None = None
    steps: tuple[Step, ...] = ()
    by: str = ""


def of_event(event: EventDetail) -> list[Moment]:
    """Everything, oldest first."""
    first = event.runs[0].started_at if event.runs else event.received_at
    found = [
        *_received(event),
        *(_ran(number, run) for number, run in enumerate(event.runs, 1)),
        *map(_decided, event.classifications),
        *(each for write in event.writes for each in _written(write, _begun(event, write.run_id))),
        *(each for case in event.cases for each in _stood(case, first)),
        *map(_notified, event.notifications),
        *_acted(event),
    ]
    return sorted(found, key=lambda one: one.at)


def _begun(event: EventDetail, run_id: UUID | None) -> datetime:
    """Nothing comes of a run before it began; what shares its transaction has the time at which that was opened."""
    return next((run.started_at for run in event.runs if run.id == run_id), event.received_at)


def _kind(state: str) -> Kind:
    return "good" if state in _GOOD else "bad" if state in _BAD else "calm"


def _received(event: EventDetail) -> Iterator[Moment]:
    times = "" if event.deliveries == 1 else f"It arrived {event.deliveries} times in all; the copies were folded."
    fault = f" The door found: {masking.text(_fault(event.fault))}." if event.fault else ""
    if event.occurred_at is not None and event.occurred_at < event.received_at:
        yield Moment(event.occurred_at, "calm", f"It happened at {event.source}")
    yield Moment(event.received_at, "bad" if event.fault else "good", "Received and recorded", times + fault)


def _fault(fault: Mapping[str, Any]) -> str:
    return str(fault.get("detail") or fault.get("rule") or fault.get("class") or "it cannot be read")


def _ran(number: int, run: Run) -> Moment:
    who = run.handler or "no handler"
    said = run.failure_class.replace("_", " ") if run.failure_class else run.status
    return Moment(
        run.started_at,
        "bad" if run.failure_class else _kind(run.status),
        f"Run {number} by {who}: {said}",
        masking.text(run.detail or ""),
        f"/runs/{run.id}",
        steps=tuple(run.steps),
    )


def _decided(one: Classification) -> Moment:
    label = (one.settled_label if one.status == "settled" else one.label) or "no answer"
    by = one.settled_by or one.tier
    return Moment(
        one.settled_at or one.created_at,
        "wait" if one.status == "asked" else "calm",
        f"{one.question.replace('_', ' ').capitalize()} of {one.item}: {label.replace('_', ' ')}",
        masking.text(one.why),
        amount=one.amount,
        by=by,
    )


def _written(write: Write, begun: datetime) -> Iterator[Moment]:
    what, href = f"{write.operation.replace('_', ' ')} in {write.destination}", f"/writes/{write.id}"
    kind = _kind(write.status)
    if write.confirmed_at is None:
        kind = "wait" if kind == "calm" and write.status not in ("shadow", "rejected", "superseded") else kind
        title = f"Write {write.status.replace('_', ' ')}: {what}"
        yield Moment(max(begun, write.created_at), kind, title, masking.text(write.detail or ""), href, write.amount)
        return
    # It was there from its first moment on where it was written with the run, else it took its time.
    if write.confirmed_at > write.created_at:
        yield Moment(max(begun, write.created_at), "calm", f"Write planned: {what}", "", href)
    yield Moment(max(begun, write.confirmed_at), "good", f"Written: {what}", "", href, write.amount)


def _stood(case: Case, first: datetime) -> Iterator[Moment]:
    href = f"/cases/{case.id}"
    title, whose = f"Case opened: {words(case.title)}", f"It is {owners.called(case.owner)}'s."
    yield Moment(max(first, case.opened_at), "bad", title, whose, href)
    if case.closed_at is not None:
        yield Moment(
            case.closed_at, "good", f"Case {case.status}", case.close_reason or "", href, by=case.closed_by or ""
        )


def _notified(note: Notification) -> Moment:
    said = {"sent": "told", "failed": "not reached", "fallback": "not reached, another way was taken"}
    channel = f" by {note.channel}" if note.channel else ""
    title = f"{owners.called(note.recipient)} {said.get(note.status, 'is being told')}{channel}: {telling(note.kind)}"
    return Moment(note.sent_at or note.created_at, _kind(note.status), title, masking.text(note.detail or ""))


def _acted(event: EventDetail) -> Iterable[Moment]:
    for entry in event.audit:
        if entry.action not in _WORDS or not (entry.action in _TOLD or entry.lane == "desk"):
            continue
        detail = entry.detail if isinstance(entry.detail, dict) else {}
        said = str(detail.get("reason") or "")
        yield Moment(moment(entry.at), "calm", _WORDS[entry.action], masking.text(said), by=entry.actor)
