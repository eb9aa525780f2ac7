"""What all commands share: options that mean the same everywhere, groups with a default, printing."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar
from uuid import UUID

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta
    from typing import Concatenate

    from pydantic import BaseModel

    from console.answers import Page
    from counterfoil.database import Connection
    from counterfoil.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="why; kept in the audit for ever")]
Why = Annotated[str | None, typer.Option("--reason", "-r", help="why; kept in the audit for ever")]
As = Annotated[str | None, typer.Option("--as", help="who does it (the user of this machine)")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="rows")]
Cursor = Annotated[str | None, typer.Option(help="`next_cursor` of the page before")]
Since = Annotated[str | None, typer.Option(help="not older: 24h, 30d, or 2026-01-31T09:30:00Z")]
Until = Annotated[str | None, typer.Option(help="older than: 24h, 30d, or a time")]
Text = Annotated[str | None, typer.Option("--q", help="an id or key exactly, else text inside")]

What = ParamSpec("What")
Outcome = TypeVar("Outcome")

_SPAN = re.compile(r"(\d{1,5})(m|h|d)", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class WithDefault(TyperGroup):
    """A group whose first command is meant when none is named: `counterfoil cases 0190…` is `cases show 0190…`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default's name in front where no command is named."""
        named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if named else [next(iter(self.commands)), *args])


def config() -> "Settings":
    """The settings; what is wrong with them is said by name."""
    from pydantic import ValidationError

    from console import problems
    from counterfoil.settings import settings

    try:
        return settings()
    except ValidationError as failure:
        raise problems.NotAcceptable("the settings are wrong", problems.faults(failure)) from None


def actor(given: str | None) -> str:
    """Who acts: as said, else the user of this machine."""
    import getpass

    name = (getpass.getuser() if given is None else given).strip()
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise typer.BadParameter("must be a name of 1 to 80 characters", param_hint="--as")
    return name


def one_or_many(
    noun: str, one: str | None, filters: Mapping[str, object], *, dry_run: bool, plan: bool
) -> dict[str, object]:
    """What was said of a filter, empty where one thing is named; each is looked at in its own way first.

    Raises: BadParameter.
    """
    said = {name: value for name, value in filters.items() if value is not None}
    if (one is None) == (not said):
        raise typer.BadParameter(f"name one {noun}, or at least one filter, not both", param_hint=noun.upper())
    if one is not None and plan:
        raise typer.BadParameter(f"is for many {noun}s; for one take --dry-run", param_hint="--plan")
    if one is None and dry_run:
        raise typer.BadParameter(f"is for one {noun}; for many take --plan", param_hint="--dry-run")
    return said


def do(
    action: "Callable[Concatenate[Connection, str, What], Outcome]",
    as_: str | None,
    *what: "What.args",
    **how: "What.kwargs",
) -> "Outcome":
    """One change, signed by who acts, by the function that the API's route calls too."""
    from console import actions

    who = actor(as_)
    with actions.doing() as conn:
        return action(conn, who, *what, **how)


def moment(text: str | None, name: str) -> "datetime | None":
    """`24h` ago, or a time; None stays None."""
    from console import fields
    from counterfoil import clock

    if text is None:
        return None
    span = _span(text)
    try:
        return fields.moment(text) if span is None else clock.now() - span
    except (ValueError, OverflowError):
        raise typer.BadParameter("is neither a span such as 24h nor a time", param_hint=name) from None


def ahead(text: str, name: str) -> "datetime":
    """In `4h`, or at a time."""
    from console import fields
    from counterfoil import clock

    span = _span(text)
    try:
        return fields.moment(text) if span is None else clock.now() + span
    except (ValueError, OverflowError):
        raise typer.BadParameter("is neither a span such as 4h nor a time", param_hint=name) from None


def document(raw: bytes, name: str) -> str:
    """A JSON file's content as it is written. Raises: BadParameter."""
    from console import strict

    try:
        strict.check(raw)
    except strict.NotJson as wrong:
        raise typer.BadParameter(str(wrong), param_hint=name) from None
    return raw.decode()


def _span(text: str) -> "timedelta | None":
    from datetime import timedelta

    found = _SPAN.fullmatch(text)
    return None if found is None else timedelta(**{_UNITS[found[2]]: int(found[1])})


def asked(model: "type[BaseModel]", **values: Any) -> Any:
    """Options as the question that the API would validate too; what is wrong is wrong usage."""
    from pydantic import ValidationError

    from console import problems

    present = {name.rstrip("_"): value for name, value in values.items() if value is not None}
    try:
        return model.model_validate(present, strict=False)
    except ValidationError as failure:
        found = problems.faults(failure)
        raise typer.BadParameter("; ".join(f"{fault.field}: {fault.detail}" for fault in found)) from None


def uuid(text: str, noun: str) -> UUID:
    """An id. Raises: BadParameter."""
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not the id of a {noun}: ids are UUIDs") from None


def put(text: str) -> None:
    """A line for the person at the terminal."""
    sys.stdout.write(text + "\n")


def put_json(model: "BaseModel | Mapping[str, Any] | Sequence[Any]") -> None:
    """An answer for programs; the same JSON as the API's."""
    import json

    from pydantic import BaseModel

    put(model.model_dump_json(by_alias=True) if isinstance(model, BaseModel) else json.dumps(model, default=str))


def put_table(titles: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Rows in columns; ids are never cut, because people copy them."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Plain

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        ends = title in ("amount", "count", "deliveries")
        table.add_column(title, justify="right" if ends else "left", no_wrap=title == "id", overflow="fold")
    found = False
    for row in rows:
        found = True
        # As plain text: what a sender wrote must not be read as markup.
        table.add_row(*(Plain(shown(value)) for value in row))
    console = Console()
    if not found:
        console.print(empty, markup=False)
        return
    # A pipe has no width; nothing is folded there.
    console = console if console.is_terminal else Console(width=220)
    console.print(table)


def shown(value: Any) -> str:
    """One value for a person."""
    from datetime import datetime

    from console.fields import Money
    from contracts.money import CurrencyUnknown, decimal_text

    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, Money):
        try:
            return f"{decimal_text(value.amount_minor, value.currency)} {value.currency}"
        except CurrencyUnknown:
            return f"{value.amount_minor} minor units of {value.currency}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value) or "–"
    return str(value)


def put_page(
    page: "Page[Any]", json: bool, titles: Sequence[str], row: "Callable[[Any], Sequence[Any]]", *, empty: str
) -> None:
    """One page of a list: for programs as the API answers it, for people in columns and with how to see more."""
    if json:
        return put_json(page)
    looked = "None among those that were looked through; older ones may fit."
    put_table(titles, [row(item) for item in page.items], empty=empty if page.next_cursor is None else looked)
    if page.next_cursor is not None:
        put(f"More: --cursor {page.next_cursor}")
