"""`counterfoil`: the commands put together, and the one place where a failure becomes a sentence and an exit code.

0 done, 1 refused or failed, 2 wrong usage.
"""

import json
import sys
from collections.abc import Sequence

import typer

from console.commands import (
    act,
    approve,
    audit,
    books,
    control,
    evaluate,
    fix,
    judge,
    label,
    look,
    people,
    processes,
    replay,
    report,
    reverse,
    send,
    set_up,
    shared,
    trial,
)

app = typer.Typer(
    name="counterfoil",
    help="Every webhook becomes one correct write, or an item on a named person's desk.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def prepare() -> None:
    """Read the settings and send log lines to stderr, so that what is printed is the answer and nothing else."""
    if "--help" in sys.argv:
        return
    from counterfoil import telemetry

    telemetry.configure("command", shared.config())


for part in (
    processes,
    set_up,
    send,
    look,
    books,
    act,
    approve,
    control,
    replay,
    reverse,
    fix,
    judge,
    label,
    evaluate,
    trial,
    audit,
    people,
    report,
):
    part.register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(arguments, prog_name="counterfoil")
    except Exception as failure:
        _tell(failure, as_json="--json" in arguments)
        sys.exit(1)


def _tell(failure: Exception, *, as_json: bool) -> None:
    from console.commands.failing import problem_of

    problem = problem_of(failure)
    if as_json:
        sys.stdout.write(json.dumps(problem.shown().model_dump(exclude_none=True)) + "\n")
    sys.stderr.write(f"counterfoil: {problem.detail}\n")
    for fault in problem.errors:
        more = "".join(f" {part}" for part in (f"({fault.rule})" if fault.rule else "", fault.advice) if part)
        sys.stderr.write(f"  {fault.field}: {fault.detail}{more}\n")


if __name__ == "__main__":
    main()
