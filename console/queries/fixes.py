"""Rules: a page of them, and one."""

from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from console import answers
from console.asks import FixesAsk
from console.queries import page
from counterfoil import database, tables

#: Columns that are called otherwise where people see them.
_OTHERWISE = {"when": "conditions", "set": "settings"}


def find_page(ask: FixesAsk) -> answers.Page[answers.Fix]:
    """One page of rules."""
    wanted = page.narrowed(select(tables.Fix), (tables.Fix.status, ask.status), (tables.Fix.source, ask.source))
    if ask.q is not None:
        wanted = wanted.where(page.holding(ask.q, tables.Fix.reason, tables.Fix.author))
    with Session(database.engine()) as session:
        rows, following = page.read(session, wanted, at=col(tables.Fix.proposed_at), row_id=col(tables.Fix.id), ask=ask)
    return answers.Page(items=[_shown(row) for row in rows], next_cursor=following)


def find(fix_id: UUID) -> answers.Fix | None:
    """One rule."""
    with Session(database.engine()) as session:
        row = session.get(tables.Fix, fix_id)
    return None if row is None else _shown(row)


def _shown(row: tables.Fix) -> answers.Fix:
    copied = answers.Fix.model_fields.keys() - {"words", "preview"}
    fields: dict[str, Any] = {name: getattr(row, _OTHERWISE.get(name, name)) for name in copied}
    words = sentence(row.source, row.types, row.conditions, row.settings)
    return answers.Fix(**fields, words=words, preview=row.preview or None)


def sentence(source: str, types: list[str], when: dict[str, Any], set: dict[str, str]) -> str:
    """What a rule says, as a person would."""
    conditions = [f"{path} is {said(value)}" for path, value in sorted(when.items()) if path not in set]
    settings = [f"{path} becomes {said(text)} where it is {said(when.get(path))}" for path, text in sorted(set.items())]
    where = f" where {' and '.join(conditions)}" if conditions else ""
    return f"In {', '.join(sorted(types))} of {source}{where}: {' and '.join(settings)}."


def said(value: Any) -> str:
    """One value of a rule, for people."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"“{value}”" if isinstance(value, str) else str(value)
