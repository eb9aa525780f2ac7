"""Column kinds that the tables share: states as text with a CHECK, moments, documents."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field


def one_of(column: str, values: Iterable[str], name: str) -> CheckConstraint:
    """Text with a CHECK: a native enum could never lose a member."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


def moment(*, default_now: bool = False, nullable: bool = True) -> Any:
    """A timestamptz; with `default_now` the database's clock fills it."""
    extra: dict[str, Any] = {"server_default": text("now()")} if default_now else {}
    return Field(
        default=None,
        sa_type=DateTime(timezone=True),
        nullable=nullable and not default_now,
        sa_column_kwargs=extra,
    )


def document(*, default: str | None = None) -> Any:
    """A jsonb column; `default` is the SQL literal, e.g. `'[]'`."""
    extra: dict[str, Any] = {"server_default": text(f"{default}::jsonb")} if default else {}
    return Field(
        default=None,
        sa_type=JSONB,
        nullable=default is None,
        sa_column_kwargs=extra,
    )


def number(default: int = 0) -> Any:
    """A non-null integer with a server default."""
    return Field(default=default, sa_column_kwargs={"server_default": text(str(default))})


Moment = datetime | None
