"""Reports: the week for a review, and what is not covered."""

from typing import TYPE_CHECKING

import typer

from console.commands import shared
from console.commands.shared import Json

if TYPE_CHECKING:
    from console import answers

report = typer.Typer(help="Reports: the week, and what is not covered.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(report, name="report")


@report.command("weekly")
def weekly(json: Json = False) -> None:
    """Sum up the last seven days, for a review."""
    from console.queries import weekly as their_rows
    from counterfoil import clock

    found = their_rows.read(clock.now())
    if json:
        return shared.put_json(found)
    shared.put(f"{found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC\n")
    for name, value in found:
        if name not in ("since", "until", "handlers", "classes", "rollouts", "coverage"):
            shared.put(f"{name.replace('_', ' '):24} {shared.shown(value) or '–'}")
    shared.put("\nBy handler")
    rows = [(one.handler, one.events, one.done, one.exceptions, one.written) for one in found.handlers]
    shared.put_table(("handler", "events", "done", "exceptions", "written"), rows, empty="None.")
    shared.put("\nCases")
    classes = [(one.failure_class, one.opened, one.closed, one.hours_to_close_p50) for one in found.classes]
    shared.put_table(("class", "opened", "closed", "hours to close"), classes, empty="None.")
    shared.put("")
    _put_coverage(found.coverage)


@report.command("coverage")
def coverage(json: Json = False) -> None:
    """Say what arrives and nobody handles, what is held back, and who has no deputy."""
    from console.queries import coverage as their_rows
    from counterfoil import clock

    found = their_rows.read(clock.now())
    if json:
        return shared.put_json(found)
    _put_coverage(found)


def _put_coverage(found: "answers.Coverage") -> None:
    shared.put(found.statement)
    for gap in found.gaps:
        shared.put(f"  - {gap.words}")
