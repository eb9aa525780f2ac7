"""Amounts as people type them: in whole euros and cents, with or without the currency; exact, no float."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from contracts.money import AMOUNT_MINOR_MAX, DECIMALS

_AMOUNT = re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,15})(\.\d{1,3})?\s*([A-Za-z]{3})?")


class Amount(NamedTuple):
    """A number of a currency; without one, of whichever."""

    number: Decimal
    currency: str | None

    def by_scale(self) -> Iterator[tuple[list[str], Decimal]]:
        """Currencies that count alike, with the amount in their minor units (which may be no whole number)."""
        for decimals in sorted(set(DECIMALS.values())):
            alike = [code for code, count in DECIMALS.items() if count == decimals and self.currency in (None, code)]
            if alike:
                yield alike, self.number.scaleb(decimals)


def minor(text: str, currency: str) -> int:
    """An amount as it is typed, in the minor units of a currency. Raises: ValueError in words."""
    bare = text.strip().replace("−", "-")
    sign = -1 if bare.startswith("-") else 1
    typed = amount(bare.removeprefix("-"))._replace(currency=currency.strip().upper())
    if typed.currency not in DECIMALS:
        raise ValueError(f"“{currency}” is no currency that is known here")
    [(_, number)] = typed.by_scale()
    if number != int(number):
        raise ValueError(f"“{text}” has more decimals than {typed.currency}")
    return sign * int(number)


def amount(text: str) -> Amount:
    """What a text means. Raises: ValueError in words."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"“{text}” is not an amount; write it like 1000, 42.50 or 42.50EUR")
    currency = found[3].upper() if found[3] else None
    if currency is not None and currency not in DECIMALS:
        raise ValueError(f"{currency} is no currency that is known here")
    number = Decimal(found[1].replace(",", "") + (found[2] or ""))
    if number > AMOUNT_MINOR_MAX:
        raise ValueError(f"“{text}” is more money than there is")
    return Amount(number, currency)
