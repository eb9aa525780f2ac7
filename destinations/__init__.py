"""Where writes go: a file or a folder each, found by walking this one.

May import `exceptions_queue`, `counterfoil` and `contracts`. A destination is whatever module holds a `DESTINATION`.
"""

import importlib
import pkgutil
from functools import cache

from destinations.base import Destination, Effect, EffectInvalid, Receipt, SameTransaction

__all__ = ["Destination", "Effect", "EffectInvalid", "Receipt", "SameTransaction", "find"]


@cache
def find() -> dict[str, Destination]:
    """All destinations by name. Two of one name are a mistake that stops the start."""
    found: dict[str, Destination] = {}
    for info in pkgutil.iter_modules(__path__):
        destination = getattr(importlib.import_module(f"{__name__}.{info.name}"), "DESTINATION", None)
        if destination is None:
            continue
        if destination.name in found:
            raise ValueError(f"two destinations are called {destination.name!r}")
        found[destination.name] = destination
    return found
