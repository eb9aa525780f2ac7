"""The books: the trial balance, and the journal in the forms that accountants take elsewhere."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from console.commands import shared
from console.commands.shared import Json

if TYPE_CHECKING:
    from destinations.books import Balance

To = Annotated[Path | None, typer.Option(help="write to this file (- for the screen)")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(books)


def books(csv: To = None, beancount: To = None, json: Json = False) -> None:
    """Print the trial balance, or export.

    All entries as CSV, or as a plain-text ledger in beancount's syntax.
    """
    from counterfoil import database
    from destinations.books import trial_balance
    from destinations.books_export import export_beancount, export_csv

    if csv is not None and beancount is not None:
        raise typer.BadParameter("is one form too many: take --csv or --beancount", param_hint="--beancount")
    with database.transaction() as conn:
        if csv is not None:
            return _export(csv, lambda out: export_csv(conn, out), "lines")
        if beancount is not None:
            return _export(beancount, lambda out: export_beancount(conn, out), "entries")
        balance = trial_balance(conn)
    if json:
        return shared.put_json(_as_json(balance))
    _put(balance)


def _export(to: Path, write: Callable[[TextIO], int], noun: str) -> None:
    if str(to) == "-":
        write(sys.stdout)
        return
    # The csv module ends its lines itself.
    with to.open("w", encoding="utf-8", newline="") as out:
        count = write(out)
    shared.put(f"{count} {noun} written to {to}")


def _totals(balance: "list[Balance]") -> dict[str, int]:
    totals: dict[str, int] = {}
    for line in balance:
        totals[line.currency] = totals.get(line.currency, 0) + line.balance_minor
    return totals


def _as_json(balance: "list[Balance]") -> dict[str, object]:
    money = {"items": [], "total": [{"amount_minor": a, "currency": c} for c, a in sorted(_totals(balance).items())]}
    items: list[dict[str, object]] = [
        {
            "account": line.account,
            "kind": line.kind,
            "title": line.title,
            "balance": {"amount_minor": line.balance_minor, "currency": line.currency},
            "lines": line.lines,
        }
        for line in balance
    ]
    return {**money, "items": items}


def _put(balance: "list[Balance]") -> None:
    from console.fields import Money

    rows = [
        (line.account, line.title, Money(amount_minor=line.balance_minor, currency=line.currency), line.lines)
        for line in balance
    ]
    totals = [
        ("total", "debits and credits", Money(amount_minor=amount, currency=currency), "")
        for currency, amount in sorted(_totals(balance).items())
    ]
    shared.put_table(("account", "title", "amount", "lines"), [*rows, *totals], empty="The books are empty.")
