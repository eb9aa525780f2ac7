"""Which handler answers for which event: found by walking a package that is configured by name.

The engine never imports `handlers`; a team's own package works the same way. To add a handler: one file in that
package, named for what happened, with a function of that name decorated by `handles`.
"""

import hashlib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, TypeVar

import contracts
from contracts.base import Contract
from engine.outcomes import Outcome

#: `fact`: happens once, order does not matter (an invoice was paid). `latest`: tells a state that a newer event
#: replaces (a subscription changed), so older ones must not overwrite newer ones.
Ordering = Literal["fact", "latest"]

#: A handler is pure and small; whatever needs longer than this is doing something it must not.
TIME_LIMIT_SECONDS = 5.0
TIME_LIMIT_SECONDS_MAX = 60.0

C = TypeVar("C", bound=Contract)
_MARK = "__counterfoil_handles__"


class RegistryBroken(ValueError):
    """The handlers contradict each other or the contracts; the message lists every fault."""


@dataclass(frozen=True, slots=True)
class _Handles:
    source: str
    types: frozenset[str]
    contract: type[Contract]
    ordering: Ordering
    time_limit_seconds: float


@dataclass(frozen=True, slots=True)
class HandlerSpec:
    """A handler as the engine knows it. `version` changes whenever its file does."""

    name: str
    version: str
    source: str
    types: frozenset[str]
    contract: type[Contract]
    func: Callable[[Any], Outcome]
    ordering: Ordering
    time_limit_seconds: float
    doc: str


Registry = Mapping[tuple[str, str], HandlerSpec]


def handles(
    *,
    source: str,
    types: Iterable[str],
    contract: type[C],
    ordering: Ordering = "fact",
    time_limit_seconds: float = TIME_LIMIT_SECONDS,
) -> Callable[[Callable[[C], Outcome]], Callable[[C], Outcome]]:
    """Mark a function from contract to outcome as the handler of these event types; it stays a plain function."""

    def mark(func: Callable[[C], Outcome]) -> Callable[[C], Outcome]:
        setattr(func, _MARK, _Handles(source, frozenset(types), contract, ordering, time_limit_seconds))
        return func

    return mark


def find(package_name: str) -> Registry:
    """All handlers of a package by (source, type). Raises: RegistryBroken."""
    registry: dict[tuple[str, str], HandlerSpec] = {}
    problems: list[str] = []
    for module in _modules(package_name):
        for spec in _handlers_in(module):
            problems += _faults(spec)
            for kind in sorted(spec.types):
                other = registry.setdefault((spec.source, kind), spec)
                if other is not spec:
                    problems.append(f"{spec.source} {kind} is handled by both {other.name} and {spec.name}")
    names = [spec.name for spec in {id(spec): spec for spec in registry.values()}.values()]
    problems += [f"two handlers are called {name}" for name in sorted({n for n in names if names.count(n) > 1})]
    if problems:
        raise RegistryBroken("; ".join(problems))
    return registry


def _modules(package_name: str) -> list[ModuleType]:
    package = importlib.import_module(package_name)
    if not hasattr(package, "__path__"):
        raise RegistryBroken(f"{package_name} is a module; handlers live in a package")
    return [importlib.import_module(f"{package_name}.{info.name}") for info in pkgutil.iter_modules(package.__path__)]


def _handlers_in(module: ModuleType) -> list[HandlerSpec]:
    """Marked functions that this very module defines, in the order of their names."""
    version = hashlib.sha256(inspect.getsource(module).encode()).hexdigest()[:12]
    specs = []
    for name, func in sorted(vars(module).items()):
        said = getattr(func, _MARK, None)
        if not isinstance(said, _Handles) or func.__module__ != module.__name__:
            continue
        doc = (inspect.getdoc(func) or "").split("\n", 1)[0]
        specs.append(
            HandlerSpec(
                name, version, said.source, said.types, said.contract, func, said.ordering, said.time_limit_seconds, doc
            )
        )
    return specs


def _faults(spec: HandlerSpec) -> list[str]:
    faults = []
    if not spec.doc:
        faults.append(f"{spec.name} does not say what it does: give it a docstring")
    if not 0 < spec.time_limit_seconds <= TIME_LIMIT_SECONDS_MAX:
        faults.append(f"{spec.name} wants {spec.time_limit_seconds} seconds; at most {TIME_LIMIT_SECONDS_MAX}")
    if spec.ordering not in ("fact", "latest"):
        faults.append(f"{spec.name}: ordering is fact or latest, not {spec.ordering}")
    for kind in sorted(spec.types):
        known = [c for c in contracts.every() if c.source == spec.source and kind in c.types]
        if not any(issubclass(contract, spec.contract) for contract in known):
            faults.append(f"{spec.name} handles {spec.source} {kind}, which no contract of {spec.contract.__name__} covers")
    return faults
