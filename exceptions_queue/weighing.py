"""What it costs to leave something lying: its money, roughly in one currency, times its age. Only for the order.

Rates are rough on purpose and change only with this file: an order that jumps with the market helps nobody, and no
figure made of them is ever shown. A currency that is not here counts as much as a US dollar.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from contracts.money import DECIMALS

#: US dollars for one major unit, to one digit or two (autumn 2026).
RATES: Final = {
    "AED": 0.27, "ARS": 0.001, "AUD": 0.65, "BRL": 0.18, "CAD": 0.72, "CHF": 1.2, "CLP": 0.001, "CNY": 0.14,
    "COP": 0.0003, "CZK": 0.047, "DKK": 0.15, "EUR": 1.1, "GBP": 1.3, "HKD": 0.13, "HUF": 0.003, "IDR": 0.00006,
    "ILS": 0.3, "INR": 0.012, "ISK": 0.008, "JPY": 0.0067, "KRW": 0.0007, "KWD": 3.2, "MXN": 0.055, "MYR": 0.23,
    "NGN": 0.0007, "NOK": 0.1, "NZD": 0.6, "PHP": 0.017, "PLN": 0.27, "RON": 0.23, "RUB": 0.012, "SAR": 0.27,
    "SEK": 0.1, "SGD": 0.76, "THB": 0.03, "TRY": 0.025, "TWD": 0.031, "UAH": 0.024, "USD": 1.0, "VND": 0.00004,
    "ZAR": 0.056,
}  # fmt: skip
#: What is worth least: something without an amount counts like a hundred dollars, so that it does not lie for ever.
FLOOR: Final = 100.0


@lru_cache(maxsize=1)
def per_minor() -> dict[str, float]:
    """Every known currency with the rough dollars of one minor unit."""
    return {code: RATES.get(code, 1.0) / 10**decimals for code, decimals in DECIMALS.items()}


def dollars(amounts: Iterable[tuple[str, int]]) -> float:
    """Rough dollars of amounts in minor units, by currency."""
    rates = per_minor()
    return sum(abs(minor) * rates.get(currency, 0.01) for currency, minor in amounts)
