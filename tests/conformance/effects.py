"""One example of every operation of every destination: what it needs, how its effects are counted, what spoils it.

To add a destination: an `effects_<name>.py` beside this with its `PLACE` and its `EXAMPLES`; the suite finds it and
holds every operation in it to everything.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sides import Place, Side

from destinations.base import Effect


@dataclass(frozen=True)
class Example:
    """One operation, tried."""

    operation: str
    #: Puts into the stand-in, by hand, what the effect needs, and builds it. Called twice, it builds the same one.
    effect: Callable[[Side], Effect]
    #: How many whole effects of it stand, by the stand-in's own state.
    count: Callable[[Side, Effect], int]
    #: Members that make its body one that must be refused.
    spoilt: tuple[Mapping[str, Any], ...] = ()
    #: What no sentence may contain.
    private: tuple[str, ...] = ()
    #: Changes the record that the effect is about, before it is sent, by hand.
    edit_before: Callable[[Side, Effect], Any] | None = None
    #: Changes what it wrote, by hand, given its reference.
    edit_after: Callable[[Side, Effect, str], Any] | None = None
    #: A member of the body that may be what another write makes.
    takes_receipt: str | None = None
    #: A request that comes this late (seconds) after its client gave up must do no harm; None: nobody can promise it.
    late_seconds: float | None = None


@cache
def places() -> dict[str, Place]:
    """Where each destination behind a network is played."""
    return {name: module.PLACE for name, module in _modules().items()}


@cache
def examples() -> dict[tuple[str, str], Example]:
    """All examples, by destination and operation."""
    found: dict[tuple[str, str], Example] = {}
    for name, module in _modules().items():
        for example in module.EXAMPLES:
            assert (name, example.operation) not in found, "one example per operation"
            found[name, example.operation] = example
    return found


def _modules() -> dict[str, Any]:
    paths = sorted(Path(__file__).parent.glob("effects_*.py"))
    return {path.stem.removeprefix("effects_"): importlib.import_module(path.stem) for path in paths}
