"""What a broken rule found and what it allows, with money as people write it. The payload itself has minor units."""

import re
from collections.abc import Mapping
from typing import Any, Final

from console.fields import written
from contracts.money import known_currency

#: Words that the name of an amount is made of, as Stripe and others name theirs.
_MONEY: Final = frozenset({"amount", "amounts", "total", "subtotal", "balance", "fee", "fees", "net", "tax", "taxes"})
_WHOLE: Final = re.compile(r"(?<![\w.,-])-?\d+(?![\w.,]*\d|[\w%])")


def found(violation: Mapping[str, Any], currency: str | None) -> str:
    """What stands in the field."""
    text = str(violation.get("value"))
    return _money(text, currency) if _is_money(violation, currency) else text


def allowed(violation: Mapping[str, Any], currency: str | None) -> str:
    """What may stand there."""
    text = str(violation.get("bound"))
    return _WHOLE.sub(lambda number: _money(number[0], currency), text) if _is_money(violation, currency) else text


def sentence(violation: Mapping[str, Any], currency: str | None) -> str:
    """All of it, for a line of text."""
    rule, field = str(violation.get("rule", "")).replace("_", " "), violation.get("field")
    return f"{rule}: {field} is {found(violation, currency)}, allowed is {allowed(violation, currency)}"


def _is_money(violation: Mapping[str, Any], currency: str | None) -> bool:
    name = str(violation.get("field", "")).rpartition(".")[2]
    whole = _WHOLE.fullmatch(str(violation.get("value"))) is not None
    return whole and known_currency(currency) and not _MONEY.isdisjoint(name.split("_"))


def _money(text: str, currency: str | None) -> str:
    assert currency is not None, "Bug: money without a currency"
    return written(int(text), currency.upper())
