"""The audit chain: verify it where it stands or from an export, and export it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from console.commands import shared
from console.commands.shared import Json

chain = typer.Typer(help="The audit chain: export it, verify it anywhere.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(chain, name="audit")


@chain.command("verify")
def verify(
    file: Annotated[Path | None, typer.Argument(help="an export; without one, the database")] = None,
    json: Json = False,
) -> None:
    """Follow every hash from the first entry on. Needs no database for an export."""
    from console import chain as chains
    from console import problems
    from console.queries import audit

    if file is not None:
        found = chains.verified(_entries(file))
        if not found.lanes and found.altered is None:
            raise problems.NotAcceptable(f"{file} holds no entries; there is nothing to verify")
    else:
        found = chains.verified(heads=audit.heads(), rows=audit.chain())
    if json:
        shared.put_json(found.as_json())
    elif found.altered is not None:
        shared.put(f"Broken at {found.altered}: what stands there is not what was written.")
    else:
        lanes = ", ".join(f"{lane} {count}" for lane, count in sorted(found.lanes.items())) or "no entries"
        shared.put(f"The chain holds: {lanes}.")
    if found.altered is not None:
        raise typer.Exit(1)


@chain.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="write to this file (- for the screen)")],
    json: Json = False,
) -> None:
    """Write the whole chain, one entry per line, as JSON."""
    from json import dumps

    from console.queries import audit

    rows = (dumps({**row, "hash": bytes(row["hash"]).hex()}, ensure_ascii=False) + "\n" for row in audit.chain())
    if str(file) == "-":
        sys.stdout.writelines(rows)
        return
    count = 0
    with file.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(row)
            count += 1
    if json:
        shared.put_json({"entries": count, "file": str(file)})
    else:
        shared.put(f"{count} entries written to {file}")


def _entries(file: Path) -> Iterator[dict[str, Any]]:
    """The entries of an export. Raises: NotAcceptable at the first line that is none."""
    import json

    from console import problems

    names = {"lane", "seq", "at", "actor", "action", "subject", "detail", "hash"}
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                row = json.loads(line)
                if not isinstance(row, dict) or row.keys() != names or type(row["seq"]) is not int:
                    raise ValueError(f"line {number} is no audit entry")
                yield {**row, "hash": bytes.fromhex(row["hash"])}
    except (OSError, ValueError, TypeError) as failure:
        raise problems.NotAcceptable(f"{file} is not an export of the audit chain: {failure}") from None
