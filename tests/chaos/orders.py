"""Writes of all operations in one account of each provider, by the seed of their schedule; see `orders_<name>.py`."""

import importlib
from dataclasses import dataclass
from typing import Any

from destinations.base import Effect

PROVIDERS = ("stripe", "hubspot")


@dataclass(frozen=True)
class Order:
    """One write, and the objects that it alone is about, by which its requests are told apart."""

    effect: Effect
    ids: tuple[str, ...] = ()


def provider(name: str) -> Any:
    """The module that knows this provider: `make`, `orders`, `count`, `CREDENTIAL`."""
    return importlib.import_module(f"orders_{name}")
