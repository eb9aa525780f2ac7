"""Approving: what waits for a person, yes and no, another action, many at once; as the API's routes do it."""

import json as as_json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import look, shared
from console.commands.shared import As, Cursor, Json, Limit, Reason, Since, Text, Until

if TYPE_CHECKING:
    from uuid import UUID

    from console import answers

WriteId = Annotated[str, typer.Argument(metavar="WRITE", help="id of the write")]
_DIGEST = "of what was shown; without it, it is shown now and asked for"

approvals = typer.Typer(cls=shared.WithDefault, help="What waits for approval: look, edit, or approve many.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(approve)
    app.command()(reject)
    app.add_typer(approvals, name="approvals")


def approve(
    write: WriteId,
    reason: Reason,
    digest: Annotated[str | None, typer.Option(help=_DIGEST)] = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """Say yes to exactly what was shown."""
    from console import actions, approving, asks

    write_id, who = shared.uuid(write, "write"), shared.actor(as_)
    ask = shared.asked(asks.ApproveAsk, digest=digest or _confirmed(write_id), reason=reason)
    with actions.doing() as conn:
        approving.approve(conn, who, write_id, ask)
    put_request(write_id, json)


def reject(write: WriteId, reason: Reason, as_: As = None, json: Json = False) -> None:
    """Say no: the write is not made, nor the rest of its plan."""
    from console import approving, asks

    write_id, ask = shared.uuid(write, "write"), shared.asked(asks.Change, reason=reason)
    shared.do(approving.reject, as_, write_id, ask)
    put_request(write_id, json)


@approvals.command("show")
def show(
    write: Annotated[str | None, typer.Argument(help="one write, with exactly what is shown")] = None,
    destination: Annotated[str | None, typer.Option(help="e.g. stripe")] = None,
    operation: Annotated[str | None, typer.Option(help="e.g. create_draft_invoice")] = None,
    handler: Annotated[str | None, typer.Option(help="name of the handler")] = None,
    rule: Annotated[str | None, typer.Option(help="rule of the policy that asks")] = None,
    event: Annotated[str | None, typer.Option(help="id of the event")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    since: Since = None,
    until: Until = None,
    q: Text = None,
    json: Json = False,
) -> None:
    """What waits for approval; or one of them, as it is shown. Meant when no command is named."""
    from console import asks
    from console.queries import approvals as their_rows

    if write is not None:
        return put_request(shared.uuid(write, "write"), json)
    ask = shared.asked(
        asks.ApprovalsAsk,
        destination=destination,
        operation=operation,
        handler=handler,
        rule=rule,
        event=event,
        **look.listing(limit, cursor, since, until, q),
    )
    shared.put_page(
        their_rows.find_page(ask),
        json,
        ("id", "title", "amount", "rule", "votes", "expires", "digest"),
        lambda r: (r.write_id, r.title, r.amount, r.rule, f"{r.given} of {r.needed}", r.expires_at, r.digest),
        empty="Nothing waits for approval.",
    )


@approvals.command("edit")
def edit(
    write: WriteId,
    file: Annotated[typer.FileBinaryRead, typer.Option(help="the whole corrected action, as JSON (- reads it)")],
    reason: Reason,
    amount_minor: Annotated[int | None, typer.Option(help="what it amounts to now, in minor units")] = None,
    currency: Annotated[str | None, typer.Option(help="and in which currency, when that changed")] = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """Put another action in the place of the planned one; somebody else has to approve it."""
    from console import approving, asks
    from console.api import look as api

    write_id = shared.uuid(write, "write")
    amount: dict[str, Any] | None = None
    if amount_minor is not None:
        known = api.approval(write_id).amount
        amount = {"amount_minor": amount_minor, "currency": currency or (known.currency if known else None)}
    body = as_json.loads(shared.document(file.read(), "--file"))
    ask = shared.asked(asks.ActionAsk, body=body, amount=amount, reason=reason)
    shared.do(approving.edit, as_, write_id, ask)
    put_request(write_id, json)


@approvals.command("batch")
def batch(
    items: Annotated[list[str], typer.Argument(metavar="WRITE=DIGEST...", help="each with the digest that was shown")],
    reason: Reason,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="count and sum, change nothing")] = False,
    as_: As = None,
    json: Json = False,
) -> None:
    """Say yes to many, each under its own digest; what is refused does not stop the others."""
    from console import actions, approving, asks

    named = [dict(zip(("write_id", "digest"), item.partition("=")[::2], strict=True)) for item in items]
    ask = shared.asked(asks.BatchAsk, items=named, reason=reason, dry_run=dry_run)
    who = shared.actor(as_)
    if dry_run:
        found = approving.try_many(who, ask)
    else:
        with actions.doing() as conn:
            found = approving.approve_many(conn, who, ask)
    _put_batch(found, json)
    if any(one.outcome == "refused" for one in found.items):
        raise typer.Exit(1)


def put_request(write_id: "UUID", json: bool) -> None:
    """Print the newest request about a write."""
    from console.api import look as api

    found = api.approval(write_id)
    return shared.put_json(found) if json else _put_shown(found)


def _put_shown(found: "answers.Approval") -> None:
    shared.put(f"{found.title}: {found.key}")
    for line in found.shown.get("lines", []):
        shared.put(f"  {line}")
    shared.put(f"  amount {shared.shown(found.amount)}; undone: {found.shown.get('can_be_undone') or 'it cannot be'}")
    for title, member in (("before", "before"), ("because", "evidence"), ("confidence", "confidence")):
        if found.shown.get(member) not in (None, {}):
            shared.put(f"  {title}: {as_json.dumps(found.shown[member], ensure_ascii=False)}")
    for one in found.with_it:
        shared.put(f"  with it: {one.operation} {one.key} ({one.status})")
    asked = f"rule {found.rule}, {found.given} of {found.needed} agree, until {shared.shown(found.expires_at)}"
    shared.put(f"The request is {found.status}, the write {found.write_status}: {asked}")
    for vote in found.votes:
        shared.put(f"  {vote.person}: {vote.decision}, {vote.reason}")
    if found.status == "open":
        shared.put(f"  you may: {'; '.join(found.shown.get('alternatives', []))}")
    shared.put(f"Digest: {found.digest}")


def _put_batch(found: "answers.Batch", json: bool) -> None:
    if json:
        return shared.put_json(found)
    would = "would be " if found.dry_run else ""
    shared.put(f"{found.count} of {len(found.items)} {would}approved, {shared.shown(found.sums)}")
    for one in found.items:
        shared.put(f"  {one.write_id} {one.outcome}: {one.detail}")


def _confirmed(write_id: "UUID") -> str:
    """Show what would be approved and ask; where nobody can answer, nothing is approved."""
    from console import problems
    from console.api import look as api

    found = api.approval(write_id)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise problems.NotAcceptable(
            f"say what you approve: --digest, from `counterfoil approvals {write_id}`; nobody is here to be asked"
        )
    _put_shown(found)
    if not typer.confirm("Approve exactly this?", default=False):
        raise problems.Conflict("not approved")
    return found.digest
