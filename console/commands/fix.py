"""Rules that fill in what payloads lack: look ahead, propose, approve, withdraw; as the API's routes do it."""

import json as as_json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import shared
from console.commands.shared import As, Json, Reason

if TYPE_CHECKING:
    from console import answers

rules = typer.Typer(cls=shared.WithDefault, help="Rules that fill in what payloads lack, agreed to by two people.")

FixId = Annotated[str, typer.Argument(metavar="RULE", help="id of the rule")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(rules, name="fix")


@rules.command("list")
def list_(
    status: Annotated[str | None, typer.Option(help="proposed, active or withdrawn")] = None,
    source: Annotated[str | None, typer.Option(help="source")] = None,
    q: shared.Text = None,
    limit: shared.Limit = 50,
    cursor: shared.Cursor = None,
    json: Json = False,
) -> None:
    """Every rule, the newest first. Meant when no command is named."""
    from console.asks import FixesAsk
    from console.queries import fixes

    found = fixes.find_page(shared.asked(FixesAsk, status=status, source=source, q=q, limit=limit, cursor=cursor))
    if json:
        return shared.put_json(found)
    lines = [(one.id, one.status.value, one.author, one.approver, one.words) for one in found.items]
    shared.put_table(("id", "state", "proposed by", "approved by", "says"), lines, empty="There are no rules.")


@rules.command("show")
def show(rule: FixId, json: Json = False) -> None:
    """What a rule says, who made it, and what it would have done."""
    from console.api import fix

    _put(fix.fix(shared.uuid(rule, "rule")), json)


@rules.command("propose")
def propose(
    source: Annotated[str, typer.Option(help="source, e.g. stripe")],
    type: Annotated[list[str], typer.Option(help="type of event; may be repeated")],
    when: Annotated[list[str], typer.Option(metavar="PATH=VALUE", help="condition; null is missing; may be repeated")],
    set: Annotated[list[str], typer.Option(metavar="PATH=TEXT", help="what stands there instead; may be repeated")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what it would do")] = False,
    reason: Annotated[str | None, typer.Option("--reason", "-r", help="why; kept in the audit for ever")] = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """Propose a rule, which somebody else approves; or show what it would do."""
    from console import fixing
    from console.api import fix
    from console.asks import FixAsk

    conditions = {path: _value(text) for path, text in _parts(when, "--when").items()}
    settings = _parts(set, "--set")
    ask = shared.asked(FixAsk, source=source, types=type, when=conditions, set=settings, dry_run=dry_run, reason=reason)
    if dry_run:
        found = fixing.preview(ask)
        return shared.put_json(found) if json else _put_preview(found)
    made = shared.do(fixing.propose, as_, ask)
    _put(fix.fix(made), json)


@rules.command("approve")
def approve(
    rule: FixId,
    reason: Reason,
    digest: Annotated[str | None, typer.Option(help="of what was shown; without it, of the rule as it stands")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="also run again what it clears")] = False,
    as_: As = None,
    json: Json = False,
) -> None:
    """Say yes to somebody else's rule: it is applied from now on."""
    from console import fixing
    from console.api import fix
    from console.asks import FixApproveAsk

    standing = fix.fix(shared.uuid(rule, "rule"))
    ask = shared.asked(FixApproveAsk, digest=digest or standing.digest, replay=replay, reason=reason)
    shared.do(fixing.approve, as_, standing.id, ask)
    _put(fix.fix(standing.id), json)


@rules.command("withdraw")
def withdraw(rule: FixId, reason: Reason, as_: As = None, json: Json = False) -> None:
    """Take a rule back, or drop a proposal; what was written stands."""
    from console import asks, fixing
    from console.api import fix

    fix_id = shared.uuid(rule, "rule")
    shared.do(fixing.withdraw, as_, fix_id, shared.asked(asks.Change, reason=reason))
    _put(fix.fix(fix_id), json)


def _parts(given: list[str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in given:
        path, separator, text = item.partition("=")
        if not separator or path in found:
            raise typer.BadParameter(f"{item!r} is not PATH=VALUE, each path once", param_hint=option)
        found[path] = text
    return found


def _value(text: str) -> Any:
    """null, true, false, a whole number, or text; quoted, each of them is text."""
    try:
        value = as_json.loads(text)
    except ValueError:
        return text
    return value if value is None or isinstance(value, bool | int | str) else text


def _put(found: "answers.Fix", json: bool) -> None:
    if json:
        return shared.put_json(found)
    from console import fixing

    shared.put(f"{found.id}  {found.status}, proposed by {found.author}: {found.reason}")
    shared.put(found.words)
    if found.preview:
        shared.put(f"When it was proposed: {fixing.summary(found.preview)}")
    if found.approver:
        shared.put(f"Approved by {found.approver}: {found.approval_reason}")
    if found.replay_id:
        shared.put(f"What it cleared is replayed: counterfoil replay show {found.replay_id}")
    if found.withdrawn_by:
        shared.put(f"Withdrawn by {found.withdrawn_by}: {found.withdrawal_reason}")


def _put_preview(found: "answers.FixPreview") -> None:
    shared.put(found.words)
    shared.put(found.summary)
    lines = [(one.event_id, one.fate, one.why) for one in found.blocked if one.fate != "clears"]
    if lines:
        shared.put_table(("event", "what becomes of it", "why"), lines, empty="")
    changed = [(one.key, one.change.replace("_", " "), one.event_id) for one in found.changed]
    if changed:
        shared.put_table(("past write", "would be", "event"), changed, empty="")
