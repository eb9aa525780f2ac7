"""The audit chain: verify it where it stands or from an export, and export it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from console.commands import shared
from console.commands.shared import Json

if TYPE_CHECKING:
    from console.chain import Place, Verified

Read = TypeVar("Read")
_AGAINST = "an earlier export, or its first line, that was kept elsewhere"
chain = typer.Typer(help="The audit chain: export it, verify it anywhere.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(chain, name="audit")


@chain.command("verify")
def verify(
    file: Annotated[Path | None, typer.Argument(help="an export; without one, the database")] = None,
    against: Annotated[Path | None, typer.Option(help=_AGAINST)] = None,
    json: Json = False,
) -> None:
    """Follow every hash from the first entry on. Needs no database for an export."""
    kept = _kept(against) if against is not None else None
    found = _followed(kept) if file is None else _from(file, lambda lines: _verified(lines, kept))
    if json:
        shared.put_json(found.as_json())
    elif found.altered is not None:
        shared.put(f"Broken at {found.altered}: {found.why}.")
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
    """Write the whole chain, one entry per line, as JSON; the first line says where each lane ends."""
    from console import sealed
    from console.queries import audit

    with audit.whole() as (heads, rows):
        lines = sealed.lines(heads, rows)
        if str(file) == "-":
            sys.stdout.flush()
            sys.stdout.buffer.writelines(lines)
            return
        with file.open("wb") as out:
            out.writelines(lines)
    count = sum(entries for entries, _ in heads.values())
    if json:
        shared.put_json({"entries": count, "file": str(file)})
    else:
        shared.put(f"{count} entries written to {file}")


def _followed(kept: "dict[str, Place] | None") -> "Verified":
    from console import chain as chains
    from console.queries import audit

    return chains.verified(heads=audit.heads(), rows=audit.chain(), against=kept)


def _verified(lines: Iterator[bytes], kept: "dict[str, Place] | None") -> "Verified":
    from console import sealed

    return sealed.verified(lines, against=kept)


def _kept(file: Path) -> "dict[str, Place]":
    from console import problems, sealed

    try:
        return _from(file, lambda lines: sealed.heads_of(next(lines, b"")))
    except sealed.NotSealed as why:
        raise problems.NotAcceptable(f"{file} says nothing of where the lanes ended: {why}") from None


def _from(file: Path, read: "Callable[[Iterator[bytes]], Read]") -> Read:
    """What a file's lines say. Raises: NotAcceptable when it cannot be read."""
    from console import problems

    try:
        with file.open("rb") as lines:
            return read(iter(lines))
    except OSError as failure:
        raise problems.NotAcceptable(f"{file} cannot be read: {failure.strerror}") from None
