"""Replay: one event, or many by filter as a job on the server with a plan first."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import look, shared
from console.commands.shared import As, Json, Why

if TYPE_CHECKING:
    from console import answers

replays = typer.Typer(cls=shared.WithDefault, help="Run events again: one, or many by filter.")

JobId = Annotated[str, typer.Argument(metavar="REPLAY", help="id of the replay")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(replays, name="replay")


@replays.command("run")
def run(
    event: Annotated[str | None, typer.Argument(help="one event: id, key or object")] = None,
    failure_class: Annotated[str | None, typer.Option("--class", help="failure class of the open case")] = None,
    source: Annotated[str | None, typer.Option(help="source")] = None,
    type: Annotated[str | None, typer.Option(help="type")] = None,
    handler: Annotated[str | None, typer.Option(help="handler")] = None,
    status: Annotated[str | None, typer.Option(help="state of the event")] = None,
    case: Annotated[str | None, typer.Option(help="id of a case")] = None,
    subject: Annotated[str | None, typer.Option(help="subject")] = None,
    since: Annotated[str | None, typer.Option(help="received not before: 24h, 30d, or a time")] = None,
    until: Annotated[str | None, typer.Option(help="received before")] = None,
    from_: Annotated[str, typer.Option("--from", help="start or failed_step")] = "start",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="one event: show the difference, change nothing")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="many: count and show, start later")] = False,
    reason: Why = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """Run one event again, or all that a filter finds. Meant when no command is named."""
    wanted = {
        "class": failure_class,
        "source": source,
        "type": type,
        "handler": handler,
        "status": status,
        "case": case,
        "subject": subject,
        "since": shared.moment(since, "--since"),
        "until": shared.moment(until, "--until"),
    }
    filters = shared.one_or_many("event", event, wanted, dry_run=dry_run, plan=plan)
    if event is not None:
        return _one(event, from_, dry_run, reason, as_, json)
    _many(filters, from_, plan, reason, as_, json)


@replays.command("show")
def show(replay: JobId, json: Json = False) -> None:
    """How far a replay is, and what failed."""
    from console.api import look as api

    put_replay(api.a_replay(shared.uuid(replay, "replay")), json)


@replays.command("start")
def start(replay: JobId, reason: Why = None, as_: As = None, json: Json = False) -> None:
    """Start a replay that was planned."""
    from console import actions

    _moved(actions.start_replay, replay, reason, as_, json)


@replays.command("pause")
def pause(replay: JobId, reason: Why = None, as_: As = None, json: Json = False) -> None:
    """Hold a running replay; what was queued already goes on."""
    from console import actions

    _moved(actions.pause_replay, replay, reason, as_, json)


@replays.command("resume")
def resume(replay: JobId, reason: Why = None, as_: As = None, json: Json = False) -> None:
    """Let a paused replay go on where it was."""
    from console import actions

    _moved(actions.resume_replay, replay, reason, as_, json)


@replays.command("cancel")
def cancel(replay: JobId, reason: Why = None, as_: As = None, json: Json = False) -> None:
    """Stop a replay; what was queued already stays queued."""
    from console import actions

    _moved(actions.cancel_replay, replay, reason, as_, json)


def _moved(action: Callable[..., None], replay: str, reason: str | None, as_: str | None, json: bool) -> None:
    from console import asks
    from console.api import look as api

    job, ask = shared.uuid(replay, "replay"), shared.asked(asks.Change, reason=reason)
    shared.do(action, as_, job, ask)
    put_replay(api.a_replay(job), json)


def _one(event: str, from_: str, dry_run: bool, reason: str | None, as_: str | None, json: bool) -> None:
    from console import actions, asks

    ask = shared.asked(asks.ReplayAsk, dry_run=dry_run, from_=from_, reason=reason)
    event_id = look.get_event(event)
    if dry_run:
        return _put_difference(actions.difference(event_id), json)
    queued = shared.do(actions.replay_event, as_, event_id, ask)
    if json:
        return shared.put_json(queued)
    shared.put(
        f"Event {event_id} is queued again (generation {queued.generation}); see: counterfoil explain {event_id}"
    )


def _many(
    filters: Mapping[str, object], from_: str, plan: bool, reason: str | None, as_: str | None, json: bool
) -> None:
    from console import actions, asks
    from console.api import look as api

    ask = shared.asked(asks.ReplaysPlanAsk, filter=filters, from_=from_, dry_run=plan, reason=reason)
    job = shared.do(actions.plan_replay, as_, ask)
    put_replay(api.a_replay(job), json)


def _put_difference(found: "answers.Difference", json: bool) -> None:
    if json:
        return shared.put_json(found)
    shared.put(f"Now: {found.was['status']} ({found.was['outcome'] or '–'})")
    shared.put(f"Would be: {found.would['status']} ({found.would['outcome'] or '–'})")
    for one in found.difference:
        shared.put(f"  {one['change']:18} {one['key']}")
    shared.put(f"Requests to others: {found.outbound_calls}. Nothing was written.")


def _plan(plan: Mapping[str, Any]) -> str:
    """What it would touch, in one line."""
    parts = [f"{plan.get('events', 0)} events"]
    if plan.get("money"):
        parts.append(f"blocked {', '.join(_money(amount) for amount in plan['money'])}")
    for written in plan.get("written", []):
        amount = f", {_money(written['amount'])}" if written.get("amount") else ""
        parts.append(f"{written['writes']} writes stand at {written['destination']} and are not repeated{amount}")
    parts.append(f"{plan.get('approvals', 0)} approvals needed")
    return "; ".join(parts)


def _money(amount: Mapping[str, Any]) -> str:
    from console.fields import Money

    return shared.shown(Money.model_validate(amount))


def put_replay(found: "answers.Replay", json: bool) -> None:
    """Print one replay of many."""
    if json:
        return shared.put_json(found)
    shared.put(f"Replay {found.id} is {found.status}, by {found.author}: {found.reason}")
    shared.put(f"  plan: {_plan(found.plan)}")
    shared.put("  so far: " + (", ".join(f"{count} {name}" for name, count in found.progress.items()) or "nothing"))
    for failure in found.failures:
        shared.put(f"  failed: {failure['event_id']} {failure['detail'] or ''}")
    if found.status == "planned":
        shared.put(f"  start it: counterfoil replay start {found.id}")
