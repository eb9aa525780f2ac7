"""Control: what is paused, how far a handler is let out, how destinations are; as the API's routes do it."""

import json as as_json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import shared
from console.commands.shared import As, Json, Reason

if TYPE_CHECKING:
    from console import answers


Scope = Annotated[str, typer.Argument(help="source, handler, destination or action")]
Name = Annotated[str, typer.Argument(help="its name; an action is named destination.operation")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (pause, resume, pauses, rollout, review, destinations):
        app.command()(command)


def pause(scope: Scope, name: Name, reason: Reason, as_: As = None, json: Json = False) -> None:
    """Hold everything of a source, a handler, a destination or an action class."""
    from console import actions, asks, controlling
    from console.queries import controls

    ask = shared.asked(asks.PauseAsk, scope=scope, name=name, reason=reason)
    with actions.doing() as conn:
        controlling.pause(conn, shared.actor(as_), ask)
        (made,) = controls.pauses(conn, ask.scope, ask.name)
    return shared.put_json(made) if json else shared.put(f"{scope} {name} is paused by {made.paused_by}")


def resume(scope: Scope, name: Name, reason: Reason, as_: As = None, json: Json = False) -> None:
    """Let it go; what was parked goes on in its order."""
    from console import answers, asks, controlling

    ask = shared.asked(asks.PauseAsk, scope=scope, name=name, reason=reason)
    freed = shared.do(controlling.resume, as_, ask)
    if json:
        return shared.put_json(answers.Lifted(scope=scope, name=name, events_due=freed))
    shared.put(f"{scope} {name} goes on; {freed} events are due again")


def pauses(json: Json = False) -> None:
    """What is paused, and by whom."""
    from console.answers import Page
    from console.queries import controls
    from counterfoil import database

    with database.transaction() as conn:
        found = controls.pauses(conn)
    if json:
        return shared.put_json(Page(items=found, next_cursor=None))
    rows = [(one.scope, one.name, one.events_parked, one.paused_by, one.paused_at, one.reason) for one in found]
    shared.put_table(("scope", "name", "events", "by", "since", "reason"), rows, empty="Nothing is paused.")


def rollout(
    handler: Annotated[str, typer.Argument(help="name of the handler")],
    mode: Annotated[
        str | None, typer.Argument(help="shadow, partial, full or paused; without it: how it stands")
    ] = None,
    share: Annotated[float | None, typer.Option(help="partial: of the subjects, e.g. 0.1")] = None,
    segment: Annotated[
        list[str] | None, typer.Option(metavar="PATH=VALUE", help="partial: members of the event; may be repeated")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="wider without the evidence for it")] = False,
    report: Annotated[bool, typer.Option("--report", help="what it would have written, in shadow")] = False,
    reason: Annotated[str | None, typer.Option("--reason", "-r", help="why; a change needs it")] = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """How far a handler is let out; or let it out further, or less far."""
    from console import asks, controlling
    from console.queries import controls

    controlling.a_handler(handler)
    if report:
        shadow = controls.shadow(handler)
        return shared.put_json(shadow) if json else _put_shadow(shadow)
    if mode is None:
        if share is not None or segment or force or reason:
            raise typer.BadParameter("name the mode", param_hint="MODE")
    else:
        named = {"share": share, "segment": _members(segment) if segment else None, "force": force, "reason": reason}
        ask = shared.asked(asks.RolloutAsk, mode=mode, **named)
        shared.do(controlling.let_out, as_, handler, ask)
    found = controls.of_handler(handler)
    return shared.put_json(found) if json else _put_rollout(found)


def review(
    write: Annotated[str, typer.Argument(metavar="WRITE", help="id of the write")],
    reason: Reason,
    agree: Annotated[bool | None, typer.Option("--agree/--disagree", help="whether it is right")] = None,
    digest: Annotated[
        str | None, typer.Option(help="of what was judged; without it, of the write as it stands")
    ] = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """Say whether a handler's write is right, sent or in shadow: the evidence of its rollout."""
    from console import asks, controlling, problems
    from console.queries import controls

    if agree is None:
        raise typer.BadParameter("say --agree or --disagree")
    write_id = shared.uuid(write, "write")
    known = controls.reviewed(write_id)
    if known is None:
        raise problems.NotFound(f"there is no write {write_id} of a handler")
    ask = shared.asked(asks.ReviewAsk, digest=digest or known.digest, agrees=agree, reason=reason)
    shared.do(controlling.review, as_, write_id, ask)
    found = controls.reviewed(write_id)
    assert found is not None, "Bug: a write is gone"
    if json:
        return shared.put_json(found)
    shared.put(f"{found.key}: {found.agreed} agree, {found.disagreed} disagree")


def destinations(json: Json = False) -> None:
    """How destinations are, and what waits for them."""
    from console.answers import Page
    from console.queries import controls

    found = controls.every_destination()
    if json:
        return shared.put_json(Page(items=found, next_cursor=None))
    rows = [(one.name, _state(one), one.tokens, one.waiting, _age(one.oldest_seconds), one.detail) for one in found]
    shared.put_table(("name", "answers", "tokens", "waiting", "oldest", "detail"), rows, empty="No destinations.")


def _state(one: "answers.Destination") -> str:
    if one.paused_by:
        return f"paused by {one.paused_by}"
    return {"closed": "yes", "open": "no", "half_open": "is being asked"}[one.breaker]


def _age(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.0f} s"


def _members(segment: list[str]) -> dict[str, Any]:
    """`data.object.currency=eur` as a segment; a path that is given twice may have either value."""
    members: dict[str, list[Any]] = {}
    for item in segment:
        path, separator, text = item.partition("=")
        if not separator:
            raise typer.BadParameter(f"{item!r} is not PATH=VALUE", param_hint="--segment")
        members.setdefault(path, []).append(_value(text))
    return {path: values[0] if len(values) == 1 else values for path, values in members.items()}


def _value(text: str) -> Any:
    """A whole number, true, false, or else text as it stands."""
    try:
        value = as_json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | str) else text


def _put_rollout(found: "answers.Rollout") -> None:
    how = f", {found.share:.0%} of all subjects" if found.share else ""
    how += f", where {as_json.dumps(found.segment, ensure_ascii=False)}" if found.segment else ""
    shared.put(f"{found.handler}: {found.mode}{how}")
    if found.paused:
        shared.put(
            f"paused by {found.paused.paused_by}: {found.paused.reason}; {found.paused.events_parked} events wait"
        )
    if found.next_step:
        may = "may be taken" if found.next_step.allowed else "not yet"
        shared.put(f"Next step {found.next_step.mode}: {may}; {found.next_step.because}")
    rows = [(one.changed_at, one.mode, one.share, one.changed_by, one.reason) for one in found.history]
    shared.put_table(("when", "mode", "share", "by", "reason"), rows, empty="It was never changed.")


def _put_shadow(found: "answers.Shadow") -> None:
    shared.put(f"{found.handler} would have made {found.writes} writes for {found.events} events")
    rows = [(one.destination, one.operation, one.writes, one.records, one.sums) for one in found.totals]
    shared.put_table(("destination", "operation", "count", "records", "amount"), rows, empty="Nothing is in shadow.")
    for one in found.examples:
        shared.put(f"\n{one.write_id}  {one.title}: {one.key}, {one.agreed} agree, {one.disagreed} disagree")
        for line in one.lines:
            shared.put(f"  {line}")
