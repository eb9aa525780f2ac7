"""Taking back what was written, one or many; asking about a write; settling a doubt. As the API's routes do it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import shared
from console.commands.shared import As, Json, Reason, Why

if TYPE_CHECKING:
    from console import answers

WriteId = Annotated[str, typer.Argument(metavar="WRITE", help="id of the write")]
JobId = Annotated[str, typer.Argument(metavar="REVERSAL", help="id of the reversal")]

reversals = typer.Typer(cls=shared.WithDefault, help="Take back what was written: one write, or many by filter.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(reversals, name="reverse")
    app.command()(probe)
    app.command()(settle)


@reversals.command("run")
def run(
    write: Annotated[str | None, typer.Argument(help="id of one write")] = None,
    destination: Annotated[str | None, typer.Option(help="destination")] = None,
    operation: Annotated[str | None, typer.Option(help="operation")] = None,
    handler: Annotated[str | None, typer.Option(help="handler that planned it")] = None,
    event: Annotated[str | None, typer.Option(help="id of the event that caused it")] = None,
    subject: Annotated[str | None, typer.Option(help="what it is about")] = None,
    since: Annotated[str | None, typer.Option(help="confirmed not before: 24h, 30d, or a time")] = None,
    until: Annotated[str | None, typer.Option(help="confirmed before")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="one write: show the inverse, change nothing")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="many: count and show, start later")] = False,
    reason: Why = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """Take back one write, or all that a filter finds. Meant when no command is named."""
    wanted = {
        "destination": destination,
        "operation": operation,
        "handler": handler,
        "event": event,
        "subject": subject,
        "since": shared.moment(since, "--since"),
        "until": shared.moment(until, "--until"),
    }
    filters = shared.one_or_many("write", write, wanted, dry_run=dry_run, plan=plan)
    if write is not None:
        return _one(write, dry_run, reason, as_, json)
    _many(filters, plan, reason, as_, json)


@reversals.command("show")
def show(reversal: JobId, json: Json = False) -> None:
    """How far a reversal is: taken back, kept because somebody changed it since, could not."""
    from console.api import look as api

    put_reversal(api.reversal(shared.uuid(reversal, "reversal")), json)


@reversals.command("start")
def start(reversal: JobId, reason: Why = None, as_: As = None, json: Json = False) -> None:
    """Start a reversal that was planned."""
    from console import taking_back

    _moved(taking_back.start_reversal, reversal, reason, as_, json)


@reversals.command("pause")
def pause(reversal: JobId, reason: Why = None, as_: As = None, json: Json = False) -> None:
    """Hold a running reversal; what is on its way goes on."""
    from console import taking_back

    _moved(taking_back.pause_reversal, reversal, reason, as_, json)


@reversals.command("resume")
def resume(reversal: JobId, reason: Why = None, as_: As = None, json: Json = False) -> None:
    """Let a paused reversal go on where it was."""
    from console import taking_back

    _moved(taking_back.resume_reversal, reversal, reason, as_, json)


@reversals.command("cancel")
def cancel(reversal: JobId, reason: Why = None, as_: As = None, json: Json = False) -> None:
    """Stop a reversal; what is on its way goes on."""
    from console import taking_back

    _moved(taking_back.cancel_reversal, reversal, reason, as_, json)


def _moved(action: Callable[..., None], reversal: str, reason: str | None, as_: str | None, json: bool) -> None:
    from console import asks
    from console.api import look as api

    job, ask = shared.uuid(reversal, "reversal"), shared.asked(asks.Change, reason=reason)
    shared.do(action, as_, job, ask)
    put_reversal(api.reversal(job), json)


def probe(write: WriteId, reason: Reason, as_: As = None, json: Json = False) -> None:
    """Ask the destination now: what became of a write in doubt, or whether a confirmed one still stands."""
    from console import asks, taking_back

    write_id, ask = shared.uuid(write, "write"), shared.asked(asks.Change, reason=reason)
    if taking_back.is_in_doubt(write_id):
        shared.do(taking_back.probe, as_, write_id, ask)
        found = taking_back.asked(write_id)
    else:
        found = taking_back.standing(write_id)
    if json:
        return shared.put_json(found)
    shared.put(f"{found.outcome}: {found.detail}")
    for difference in found.differences:
        shared.put(f"  {difference}")


def settle(
    write: WriteId,
    reason: Reason,
    happened: Annotated[bool, typer.Option("--happened/--absent", help="whether it stands at the destination")],
    reference: Annotated[str | None, typer.Option(help="where: the id that the destination gave it")] = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """Say what became of a write in doubt that no probe could settle; what is absent is sent again."""
    from console import asks, taking_back
    from console.api import look as api

    write_id = shared.uuid(write, "write")
    ask = shared.asked(asks.SettleAsk, happened=happened, reference=reference, reason=reason)
    shared.do(taking_back.settle, as_, write_id, ask)
    found = api.write(write_id)
    if json:
        return shared.put_json(found)
    shared.put(f"Write {found.id} is {found.status}: {found.detail}")


def _one(write: str, dry_run: bool, reason: str | None, as_: str | None, json: bool) -> None:
    from console import asks, taking_back
    from console.api import look as api

    write_id, ask = shared.uuid(write, "write"), shared.asked(asks.ReverseAsk, dry_run=dry_run, reason=reason)
    if dry_run:
        return _put_undoing(taking_back.preview(write_id), json)
    inverse = shared.do(taking_back.reverse, as_, write_id, ask)
    found = api.write(inverse)
    if json:
        return shared.put_json(found)
    shared.put(f"Write {write_id} is being taken back by {found.id}, which is {found.status} ({found.key})")


def _many(filters: Mapping[str, object], plan: bool, reason: str | None, as_: str | None, json: bool) -> None:
    from console import asks, taking_back
    from console.api import look as api

    ask = shared.asked(asks.ReversalsPlanAsk, filter=filters, dry_run=plan, reason=reason)
    job = shared.do(taking_back.plan_reversal, as_, ask)
    put_reversal(api.reversal(job), json)


def _put_undoing(found: "answers.Undoing", json: bool) -> None:
    if json:
        return shared.put_json(found)
    for line in found.shown.get("lines", []):
        shared.put(line)
    for change in found.changed:
        shared.put(f"It would be kept: {change}")
    if found.unknown is not None:
        shared.put(f"The destination could not be asked: {found.unknown}")
    shared.put("Nothing was written.")


def _plan(plan: Mapping[str, Any]) -> str:
    """What it would touch, in one line."""
    from console.fields import Money

    money = ", ".join(shared.shown(Money.model_validate(amount)) for amount in plan.get("money", []))
    parts = [f"{plan.get('reversible', 0)} of {plan.get('writes', 0)} writes can be taken back"]
    return "; ".join([*parts, *([money] if money else []), f"{plan.get('approvals', 0)} approvals needed"])


def put_reversal(found: "answers.Reversal", json: bool) -> None:
    """Print one reversal of many."""
    if json:
        return shared.put_json(found)
    report = found.report
    shared.put(f"Reversal {found.id} is {found.status}, by {found.author}: {found.reason}")
    shared.put(f"  plan: {_plan(found.plan)}")
    shared.put(
        f"  reversed {report.reversed} / kept because someone changed it since {report.kept}"
        f" / could not {report.could_not}; {report.left} left"
    )
    for title, items in (("kept", found.kept), ("could not", found.could_not)):
        for item in items:
            shared.put(f"  {title}: {item.key} ({item.write_id}) {item.detail or ''}")
    if found.status == "planned":
        shared.put(f"  start it: counterfoil reverse start {found.id}")
