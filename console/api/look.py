"""The functions behind every `GET`: each hands the validated question to a query."""

from typing import TypeVar
from uuid import UUID

from console import explain, problems
from console.answers import (
    Approval,
    Case,
    CaseDetail,
    Event,
    EventDetail,
    Explanation,
    Handler,
    Owner,
    Page,
    Replay,
    Request,
    Reversal,
    Run,
    Stats,
    Stub,
    Write,
)
from console.api.route import Asking
from console.queries import approvals, cases, events, replays, reversals, roster, runs, stats, stub, workflows, writes

Thing = TypeVar("Thing")


def list_events(asking: Asking) -> Page[Event]:
    return events.find_page(asking.query)


def show_event(asking: Asking) -> EventDetail:
    return event(asking.one)


def explain_event(asking: Asking) -> Explanation:
    return explain.explain(event(asking.one))


def list_runs(asking: Asking) -> Page[Run]:
    return runs.find_page(asking.query)


def show_run(asking: Asking) -> Run:
    return _found(runs.find(asking.one), "run", asking.one)


def list_writes(asking: Asking) -> Page[Write]:
    return writes.find_page(asking.query)


def show_stub(asking: Asking) -> Stub:
    return _found(stub.find(asking.one), "write", asking.one)


def list_approvals(asking: Asking) -> Page[Request]:
    return approvals.find_page(asking.query)


def show_approval(asking: Asking) -> Approval:
    return approval(asking.one)


def list_cases(asking: Asking) -> Page[Case]:
    return cases.find_page(asking.query)


def show_case(asking: Asking) -> CaseDetail:
    return case(asking.one)


def list_replays(asking: Asking) -> Page[Replay]:
    return replays.find_page(asking.query)


def show_replay(asking: Asking) -> Replay:
    return a_replay(asking.one)


def list_reversals(asking: Asking) -> Page[Reversal]:
    return reversals.find_page(asking.query)


def show_reversal(asking: Asking) -> Reversal:
    return reversal(asking.one)


def list_owners(asking: Asking) -> Page[Owner]:
    return Page(items=roster.every(), next_cursor=None)


def list_handlers(asking: Asking) -> Page[Handler]:
    return Page(items=workflows.every(), next_cursor=None)


def show_stats(asking: Asking) -> Stats:
    return stats.read(asking.query)


def event(event_id: UUID) -> EventDetail:
    """One event. Raises: NotFound."""
    return _found(events.find(event_id), "event", event_id)


def case(case_id: UUID, *, brief: int | None = None) -> CaseDetail:
    """One case; `brief`: as much of it as a page shows. Raises: NotFound."""
    return _found(cases.find(case_id, brief=brief), "case", case_id)


def approval(write_id: UUID) -> Approval:
    """The newest request about a write. Raises: NotFound."""
    return _found(approvals.find(write_id), "request for approval of a write", write_id)


def a_replay(replay_id: UUID) -> Replay:
    """One replay of many. Raises: NotFound."""
    return _found(replays.find(replay_id), "replay", replay_id)


def reversal(reversal_id: UUID) -> Reversal:
    """One reversal of many. Raises: NotFound."""
    return _found(reversals.find(reversal_id), "reversal", reversal_id)


def write(write_id: UUID) -> Write:
    """One write. Raises: NotFound."""
    return _found(writes.find(write_id), "write", write_id)


def _found(thing: Thing | None, noun: str, its_id: UUID) -> Thing:
    if thing is None:
        raise problems.NotFound(f"there is no {noun} {its_id}")
    return thing
