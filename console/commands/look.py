"""Looking: events, runs, writes, explain, owners, handlers, stats."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import shared
from console.commands.shared import Cursor, Json, Limit, Since, Text, Until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from console import answers

Id = Annotated[str | None, typer.Argument(help="one of them, with everything that is known")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (events, runs, writes, explain, owners, handlers, stats):
        app.command()(command)


def events(
    event: Id = None,
    source: Annotated[str | None, typer.Option(help="e.g. stripe")] = None,
    type: Annotated[str | None, typer.Option(help="e.g. invoice.paid")] = None,
    subject: Annotated[str | None, typer.Option(help="e.g. stripe:in_123")] = None,
    status: Annotated[str | None, typer.Option(help="state of the event")] = None,
    key: Annotated[str | None, typer.Option(help="the provider's identity")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    since: Since = None,
    until: Until = None,
    q: Text = None,
    json: Json = False,
) -> None:
    """List events, or show one.

    Newest first. One is named by its id, its key or its object.
    """
    from console import asks
    from console.api import look
    from console.queries import events as their_rows

    if event is not None:
        shared.put_json(look.event(get_event(event))) if json else _one_event(get_event(event))
        return
    ask = shared.asked(
        asks.EventsAsk,
        source=source,
        type=type,
        subject=subject,
        status=status,
        key=key,
        **listing(limit, cursor, since, until, q),
    )
    shared.put_page(
        their_rows.find_page(ask),
        json,
        ("id", "source", "type", "subject", "status", "deliveries", "received", "owner"),
        lambda e: (e.id, e.source, e.type, e.subject, e.status, e.deliveries, e.received_at, e.owner),
        empty="No events.",
    )


def runs(
    run: Id = None,
    event: Annotated[str | None, typer.Option(help="id of the event")] = None,
    handler: Annotated[str | None, typer.Option(help="name of the handler")] = None,
    status: Annotated[str | None, typer.Option(help="how it ended")] = None,
    failure_class: Annotated[str | None, typer.Option("--class", help="failure class")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    since: Since = None,
    until: Until = None,
    q: Text = None,
    json: Json = False,
) -> None:
    """List runs, or show one with its steps."""
    from console import asks, problems
    from console.queries import runs as their_rows

    if run is not None:
        found = their_rows.find(shared.uuid(run, "run"))
        if found is None:
            raise problems.NotFound(f"there is no run {run}")
        return shared.put_json(found) if json else _one_run(found)
    ask = shared.asked(
        asks.RunsAsk,
        event=event,
        handler=handler,
        status=status,
        class_=failure_class,
        **listing(limit, cursor, since, until, q),
    )
    shared.put_page(
        their_rows.find_page(ask),
        json,
        ("id", "event", "handler", "status", "class", "attempt", "finished"),
        lambda r: (r.id, r.event_id, r.handler, r.status, r.failure_class, r.attempt, r.finished_at),
        empty="No runs.",
    )


def writes(
    write: Id = None,
    status: Annotated[str | None, typer.Option(help="state of the write")] = None,
    destination: Annotated[str | None, typer.Option(help="e.g. books")] = None,
    subject: Annotated[str | None, typer.Option(help="what it is about")] = None,
    event: Annotated[str | None, typer.Option(help="id of the event")] = None,
    key: Annotated[str | None, typer.Option(help="the write key")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    since: Since = None,
    until: Until = None,
    q: Text = None,
    json: Json = False,
) -> None:
    """List writes, or print the proof of one."""
    from console import asks, problems
    from console.queries import stub
    from console.queries import writes as their_rows

    if write is not None:
        found = stub.find(shared.uuid(write, "write"))
        if found is None:
            raise problems.NotFound(f"there is no write {write}")
        # A stub is a document; there is no shorter form that proves anything.
        return shared.put_json(found)
    ask = shared.asked(
        asks.WritesAsk,
        status=status,
        destination=destination,
        subject=subject,
        event=event,
        key=key,
        **listing(limit, cursor, since, until, q),
    )
    shared.put_page(their_rows.find_page(ask), json, WRITE_TITLES, write_row, empty="No writes.")


def explain(event: Annotated[str, typer.Argument(help="id, key or object of the event")], json: Json = False) -> None:
    """Answer the five questions about an event.

    What ran, what succeeded, what failed, which records, who was told.
    """
    from console import explain as explaining
    from console.api import look

    found = explaining.explain(look.event(get_event(event)))
    if json:
        return shared.put_json(found)
    shared.put(found.summary)
    for question, answered in explaining.in_order(found):
        shared.put(f"\n{question.upper()}  {answered.summary}")
        for fact in answered.facts:
            told = ((name, _told(name, value, fact)) for name, value in fact.items() if value)
            shared.put("  - " + ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in told))


def owners(json: Json = False) -> None:
    """Say who answers for which failure, and how they are reached."""
    from console.answers import Page
    from console.queries import roster

    lines = roster.every()
    if json:
        return shared.put_json(Page(items=lines, next_cursor=None))
    rows = [(line.failure_class, line.role, line.name, line.deputies, line.respond_within) for line in lines]
    shared.put_table(("class", "role", "owner", "deputies", "answers within"), rows, empty="No classes.")
    shared.put("")
    ways = [(person, way.channel, way.status or "none yet", way.at, way.detail) for person, way in roster.ways()]
    shared.put_table(("person", "reached by", "last message", "when", "what was wrong"), ways, empty="Nobody.")


def handlers(json: Json = False) -> None:
    """List the workflows."""
    from console.answers import Page
    from console.queries import workflows

    found = workflows.every()
    if json:
        return shared.put_json(Page(items=found, next_cursor=None))
    rows = [(one.name, one.version, one.source, one.types, one.description) for one in found]
    shared.put_table(("name", "version", "source", "types", "what"), rows, empty="No handlers.")


def stats(since: Since = None, until: Until = None, json: Json = False) -> None:
    """Count the last day, and what is open.

    Or the window between --since and --until.
    """
    from console import asks
    from console.queries import stats as their_rows

    ask = shared.asked(asks.StatsAsk, since=shared.moment(since, "--since"), until=shared.moment(until, "--until"))
    found = their_rows.read(ask)
    if json:
        return shared.put_json(found)
    for name, value in found:
        said = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else value
        shared.put(f"{name.replace('_', ' '):24} {shared.shown(said) or '–'}")


def _one_event(event_id: "UUID") -> None:
    from console import explain as explaining
    from console.api import look
    from exceptions_queue import owners as their

    found = look.event(event_id)
    shared.put(explaining.explain(found).summary)
    shared.put(f"\nid {found.id}, subject {found.subject or '–'}, API version {found.api_version or '–'}")
    if found.runs:
        shared.put("\nRuns")
        rows = [(run.id, run.handler, run.status, run.failure_class, run.detail) for run in found.runs]
        shared.put_table(("id", "handler", "status", "class", "detail"), rows, empty="")
    if found.writes:
        shared.put("\nWrites")
        shared.put_table(WRITE_TITLES, map(write_row, found.writes), empty="No writes.")
    for case in found.cases:
        shared.put(
            f"\nCase {case.id} “{case.title}”: {case.status}, owned by {their.called(case.owner)}. {case.advice}"
        )
    shared.put("\nPayload and audit: with --json")


def _one_run(run: "answers.Run") -> None:
    shared.put(
        f"Run {run.id} of event {run.event_id} by {run.handler or 'no handler'} ({run.contract or 'no contract'})"
    )
    shared.put(f"ended {run.status}{f': {run.detail}' if run.detail else ''}")
    for step in run.steps:
        told = step.model_dump(exclude={"step", "attempt", "code_version"}, exclude_none=True)
        shared.put(f"  {step.step}  {', '.join(f'{name}: {_fact(value)}' for name, value in told.items())}")


WRITE_TITLES = ("id", "key", "destination", "status", "amount", "confirmed")


def write_row(write: "answers.Write") -> "Sequence[Any]":
    """A write as a line."""
    return (write.id, write.key, write.destination, write.status, write.amount, write.confirmed_at)


#: Members of facts that hold somebody's key.
_PEOPLE = ("owner", "recipient", "by")


def _told(name: str, value: Any, fact: dict[str, Any]) -> str:
    """One member of a fact as people say it: who by name, money as they write it, what broke as a sentence."""
    from console import rules_told
    from console.fields import Money
    from exceptions_queue import owners

    if name in _PEOPLE:
        return owners.called(value)
    if isinstance(value, dict) and value.keys() == {"amount_minor", "currency"}:
        return shared.shown(Money.model_validate(value))
    if name == "wrong" and value.get("violations"):
        currency = (fact.get("blocks") or {}).get("currency")
        return "; ".join(rules_told.sentence(one, currency) for one in value["violations"])
    if name == "wrong" and value.get("sentence"):
        return str(value["sentence"])
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    if name in ("class", "status", "title", "operation", "kind"):
        return str(value).replace("_", " ")
    return _fact(value)


def _fact(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def listing(limit: int, cursor: str | None, since: str | None, until: str | None, q: str | None) -> dict[str, Any]:
    """The options of every list as its question's members."""
    return {
        "limit": limit,
        "cursor": cursor,
        "since": shared.moment(since, "--since"),
        "until": shared.moment(until, "--until"),
        "q": q,
    }


def get_event(text: str) -> "UUID":
    """An event by its id, its key or its object, when that names exactly one. Raises: NotFound, NotAsked."""
    from uuid import UUID

    from console import asks, problems
    from console.queries import events as their_rows

    try:
        return UUID(text)
    except ValueError:
        found = their_rows.find_page(shared.asked(asks.EventsAsk, q=text, limit=10)).items
    if not found:
        raise problems.NotFound(f"no event has the id, key or object {text!r}")
    if len(found) > 1:
        listed = ", ".join(f"{event.id} ({event.type})" for event in found)
        raise problems.NotAsked(f"{text!r} is in several events; name one: {listed}")
    return found[0].id
