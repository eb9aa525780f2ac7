"""Acting: cases and replays. Each command does what the API's route of the same name does, by the same function."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import look, shared
from console.commands.shared import As, Cursor, Json, Limit, Reason, Since, Text, Until

if TYPE_CHECKING:
    from uuid import UUID

    from console import answers

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="id of the case")]

cases = typer.Typer(cls=shared.WithDefault, help="The exceptions queue: look, and act.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(cases, name="cases")


@cases.command("show")
def show(
    case: Annotated[str | None, typer.Argument(help="one case, with its events")] = None,
    status: Annotated[str | None, typer.Option(help="state of the case")] = None,
    failure_class: Annotated[str | None, typer.Option("--class", help="failure class")] = None,
    owner: Annotated[str | None, typer.Option(help="id of the person who owns it now")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    since: Since = None,
    until: Until = None,
    q: Text = None,
    json: Json = False,
) -> None:
    """Cases, newest first; or one with its events, money and advice. Meant when no command is named."""
    from console import asks
    from console.queries import cases as their_rows

    if case is not None:
        return put_case(shared.uuid(case, "case"), json)
    ask = shared.asked(
        asks.CasesAsk,
        status=status,
        class_=failure_class,
        owner=owner,
        **look.listing(limit, cursor, since, until, q),
    )
    shared.put_page(
        their_rows.find_page(ask),
        json,
        ("id", "class", "title", "status", "owner", "count", "at stake", "due"),
        lambda c: (c.id, c.failure_class, c.title, c.status, c.owner, c.count, c.at_stake, c.due_at),
        empty="No cases: nothing waits.",
    )


@cases.command("ack")
def acknowledge(case: CaseId, reason: Reason = "", as_: As = None, json: Json = False) -> None:
    """Say that you have it."""
    from console import actions, asks

    _do(case, as_, json, actions.acknowledge, asks.Change, reason=reason or "acknowledged")


@cases.command("assign")
def assign(
    case: CaseId,
    to: Annotated[str, typer.Argument(help="id of a person in the owners file")],
    reason: Reason,
    as_: As = None,
    json: Json = False,
) -> None:
    """Give it to a person."""
    from console import actions, asks

    _do(case, as_, json, actions.assign, asks.AssignAsk, to=to, reason=reason)


@cases.command("snooze")
def snooze(
    case: CaseId,
    until: Annotated[str, typer.Argument(help="for how long (4h, 2d), or until when (2026-01-31T09:30:00Z)")],
    reason: Reason,
    as_: As = None,
    json: Json = False,
) -> None:
    """Let it sleep; it opens again by itself."""
    from console import actions, asks

    _do(case, as_, json, actions.snooze, asks.SnoozeAsk, until=shared.ahead(until, "UNTIL"), reason=reason)


@cases.command("resolve")
def resolve(case: CaseId, reason: Reason, as_: As = None, json: Json = False) -> None:
    """Close it; nothing is blocked by it any more."""
    from console import actions, asks

    _do(case, as_, json, actions.resolve, asks.Change, reason=reason)


@cases.command("dismiss")
def dismiss(case: CaseId, reason: Reason, as_: As = None, json: Json = False) -> None:
    """Close it and ignore what it blocks, with your name and reason."""
    from console import actions, asks

    _do(case, as_, json, actions.dismiss, asks.Change, reason=reason)


@cases.command("edit")
def edit(
    case: CaseId,
    file: Annotated[typer.FileBinaryRead, typer.Option(help="the whole corrected payload, as JSON (- reads it)")],
    reason: Reason,
    event: Annotated[str | None, typer.Option(help="which event, when the case has several")] = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """Put a corrected copy beside a payload and run it again; the original stays."""
    from console import actions, asks

    payload = shared.document(file.read(), "--file")
    _do(case, as_, json, actions.edit, asks.EditAsk, event_id=event, payload=payload, reason=reason)


@cases.command("accept")
def accept(
    case: CaseId,
    reason: Reason,
    event: Annotated[str | None, typer.Option(help="which event, when the case has several")] = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """Take the newer of two contents of one identity; it becomes a corrected copy of the first event."""
    from console import actions, asks

    _do(case, as_, json, actions.accept, asks.AcceptAsk, event_id=event, reason=reason)


@cases.command("replay")
def replay(
    case: CaseId,
    reason: Reason,
    from_: Annotated[str, typer.Option("--from", help="start or failed_step")] = "start",
    as_: As = None,
    json: Json = False,
) -> None:
    """Run every event that it blocks again."""
    from console import actions, asks
    from console.api import look as api
    from console.commands.replay import put_replay

    ask = shared.asked(asks.CaseReplayAsk, from_=from_, reason=reason)
    job = shared.do(actions.replay_case, as_, shared.uuid(case, "case"), ask)
    put_replay(api.a_replay(job), json)


def put_case(case_id: "UUID", json: bool) -> None:
    """Print one case."""
    from console.api import look as api
    from exceptions_queue import owners

    found = api.case(case_id)
    if json:
        return shared.put_json(found)
    shared.put(f"Case {found.id}: {found.title}")
    kind = found.failure_class.replace("_", " ")
    shared.put(f"{kind}, {found.status}, owned by {owners.called(found.owner)}, {found.count} events")
    shared.put(f"at stake: {shared.shown(found.at_stake)}; opened {shared.shown(found.opened_at)}, {_next(found)}")
    shared.put(f"What to do: {found.advice}\n")
    rows = [(m.event_id, m.type, m.key, m.status, m.amount, m.cleared_at) for m in found.members]
    shared.put_table(("id", "type", "key", "status", "amount", "cleared"), rows, empty="No events.")
    for item in found.open_items:
        _put_open(item)
    for note in found.notifications:
        shared.put(f"told {note.recipient}: {note.status}{f' ({note.detail})' if note.detail else ''}")


def _put_open(item: "answers.ClassificationDetail") -> None:
    """What a person is asked to say, and how."""
    said = "; ".join(f"{name}: {value}" for name, value in (item.fields or {}).items())
    shared.put(f"\n{item.question} of {item.item} ({item.event_id}): {said}")
    guess = f"{item.label} ({item.confidence:.2f})" if item.label and item.confidence is not None else "none"
    shared.put(f"  suggestion {guess}, else {item.runner_up or '–'}; {item.why}")
    shared.put(f"  counterfoil correct {item.id} {'|'.join(item.labels)} --reason …   (or --none)")


def _next(case: "answers.CaseDetail") -> str:
    if case.closed_at is not None:
        return f"closed by {case.closed_by}: {case.close_reason}"
    if case.snoozed_until is not None:
        return f"asleep until {shared.shown(case.snoozed_until)}"
    return f"due {shared.shown(case.due_at)}"


def _do(case: str, as_: str | None, json: bool, action: Callable[..., None], model: Any, **values: Any) -> None:
    """One change to one case, and what it looks like afterwards."""

    case_id, ask = shared.uuid(case, "case"), shared.asked(model, **values)
    shared.do(action, as_, case_id, ask)
    put_case(case_id, json)
