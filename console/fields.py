"""The kinds of value that questions and answers are made of: moments, money, words; checked in one place."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic import WithJsonSchema as AsJsonSchema

from contracts.money import decimal_text
from counterfoil import clock

#: RFC 3339, and nothing that only looks like it. A blank before the offset is a `+` that nobody escaped in a URL.
_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}):(\d{2})(?:\.(\d{1,12}))?([Zz]|[+\- ]\d{2}:\d{2})", re.ASCII
)


def moment(text: str) -> datetime:
    """An RFC 3339 text as an aware moment in UTC. Raises: ValueError in words."""
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError("not an RFC 3339 time such as 2026-01-31T09:30:00Z")
    day, minute, second, fraction, offset = found.groups()
    # Postgres and Python know no leap second; the last instant before it is the nearest thing.
    second, fraction = ("59", "999999") if second == "60" else (second, (fraction or "0")[:6].ljust(6, "0"))
    offset = "+00:00" if offset in "Zz" else offset.replace(" ", "+")
    try:
        local = datetime.fromisoformat(f"{day}T{minute}:{second}.{fraction}{offset}")
    except ValueError:
        raise ValueError("not a time that exists, in the years 1 to 9999") from None
    try:
        return local.astimezone(UTC)
    except OverflowError:
        # Hours outside of all years, in UTC: the first or the last moment that there is.
        return datetime.min.replace(tzinfo=UTC) if local.year == 1 else datetime.max.replace(tzinfo=UTC)


def _moment(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("not an RFC 3339 time such as 2026-01-31T09:30:00Z")
    return moment(value)


_DATE_TIME = AsJsonSchema({"type": "string", "format": "date-time"})

#: A moment as people send it.
MomentIn = Annotated[datetime, BeforeValidator(_moment), _DATE_TIME]
#: A moment as the API writes it: RFC 3339 in UTC.
Moment = Annotated[datetime, PlainSerializer(clock.rfc3339, return_type=str), _DATE_TIME]


def stripped(text: str) -> str:
    """Without white space at the ends."""
    return text.strip()


#: Text that a person wrote: not blank, no NUL (Postgres cannot keep one), bounded.
Words = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*[^\x00-\x20][^\x00]*$"),
    AfterValidator(stripped),
]
#: The value of a filter or a name: as above, shorter; keys are at most 500 characters long.
Word = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*[^\x00-\x20][^\x00]*$")]


def _object(text: str) -> str:
    if not text.lstrip(" \t\r\n").startswith("{"):
        raise ValueError("must be a JSON object")
    return text


#: A JSON object as the text that somebody wrote: parsed and written again, a number could come out as another one.
Document = Annotated[str, AfterValidator(_object), AsJsonSchema({"type": "object", "additionalProperties": True})]


class Shown(BaseModel):
    """Base of every answer: what is not declared cannot be answered."""

    model_config = ConfigDict(extra="forbid")


class Asked(BaseModel):
    """Base of every question: unknown members are refused, so that a misspelt filter never means `everything`."""

    #: Members that are kept as they are written (`Document`).
    verbatim: ClassVar[tuple[str, ...]] = ()

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Money(Shown):
    """An amount in minor units (cents, yen, fils) and its ISO currency."""

    amount_minor: int
    currency: str


def written(minor: int, currency: str) -> str:
    """An amount as people write it: `1,234.50 EUR`. Raises: CurrencyUnknown."""
    whole, point, part = decimal_text(minor, currency).lstrip("-").partition(".")
    return f"{'−' if minor < 0 else ''}{int(whole):,}{point}{part} {currency}"


def cents(minor: int) -> str:
    """A bound that holds in every currency, as most currencies write it."""
    return f"{minor / 100:,.2f}, or {minor:,} where a currency has no cents,"


def _whole(value: Any) -> Any:
    """To JSON 42.0 is a whole number too; exact, because only amounts far below 2**53 are taken."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: The number of a thing that is counted from one, as people send it.
NumberIn = Annotated[int, Field(ge=1, le=2**31 - 1), BeforeValidator(_whole)]


class MoneyIn(Asked):
    """An amount as people send it."""

    amount_minor: Annotated[int, Field(ge=-(10**15), le=10**15), BeforeValidator(_whole)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


def money(amount_minor: int | None, currency: str | None) -> Money | None:
    """Money where both halves are known."""
    if amount_minor is None or currency is None:
        return None
    return Money(amount_minor=amount_minor, currency=currency)
