"""Which handler answers for which event: found by walking a package that is configured by name.

The engine never imports `handlers`; a team's own package works the same way. To add a handler: one file in that
package, named for what happened, with a function of that name decorated by `handles`.
"""

import hashlib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any, Literal, TypeVar

import contracts
from contracts.answers import Item
from contracts.answers import Question as Judgement
from contracts.base import Contract
from engine.outcomes import Outcome

#: `fact`: happens once, order does not matter (an invoice was paid). `latest`: tells a state that a newer event
#: replaces (a deal's stage changed), so older ones must not overwrite newer ones. `reread`: as `latest`, for a handler
#: whose questions read the state anew: of two events in one second the one that is worked on later has read later.
Ordering = Literal["fact", "latest", "reread"]

#: What a handler does with an event that one of our own writes caused. `skip`: nothing, it is our own state coming
#: back. `handle`: what any other event gets (a refund that we made is to be booked as well).
Echoing = Literal["skip", "handle"]

#: A handler is pure and small; whatever needs longer than this is doing something it must not.
TIME_LIMIT_SECONDS = 5.0
TIME_LIMIT_SECONDS_MAX = 60.0

#: An expensive question about an event, asked outside the handler, its answer kept: (contract, context) -> JSON.
Question = Callable[[Any, Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A closed question about parts of an event: `items` gives those that need judging, and usually none does.

    `told` reads back from a written action's body what it says of them, by reference, where it says just one label: a
    person who edits the action before it is approved teaches the judge so. The plan's evidence names the decisions.
    """

    question: Judgement
    items: Callable[[Any, Mapping[str, Any]], Sequence[Item]]
    told: Callable[[Mapping[str, Any]], Mapping[str, str]] | None = None


_NONE: Mapping[str, Question] = MappingProxyType({})
_NO_ASKS: Mapping[str, Ask] = MappingProxyType({})
_MARK = "__counterfoil_handles__"


class RegistryBroken(ValueError):
    """The handlers contradict each other or the contracts; the message lists every fault."""


@dataclass(frozen=True, slots=True)
class _Handles:
    source: str
    types: frozenset[str]
    contract: type[Contract]
    ordering: Ordering
    echoes: Echoing
    time_limit_seconds: float
    reads: Mapping[str, Question]
    asks: Mapping[str, Ask]


@dataclass(frozen=True, eq=False, slots=True)
class HandlerSpec:
    """A handler as the engine knows it. `version` changes whenever its file does."""

    name: str
    version: str
    source: str
    types: frozenset[str]
    contract: type[Contract]
    function: Callable[..., Outcome]
    ordering: Ordering
    echoes: Echoing
    time_limit_seconds: float
    doc: str
    reads: Mapping[str, Question]
    asks: Mapping[str, Ask]

    @property
    def keeps_state(self) -> bool:
        """Whether only what is newest is written."""
        return self.ordering != "fact"

    @property
    def takes_context(self) -> bool:
        """Whether the function wants the answers to its questions as a second argument."""
        return bool(self.reads or self.asks)


class Registry:
    """The handlers of one package by what they answer for."""

    def __init__(self, by_event: Mapping[tuple[str, str], HandlerSpec]) -> None:
        self._by_event = dict(by_event)

    def find(self, source: str, type: str) -> HandlerSpec | None:
        """The one handler of this event type, if there is one."""
        return self._by_event.get((source, type))

    def every(self) -> list[HandlerSpec]:
        """All handlers, by name."""
        return sorted(set(self._by_event.values()), key=lambda spec: spec.name)


F = TypeVar("F", bound=Callable[..., Outcome])


def handles(
    *,
    source: str,
    types: Iterable[str],
    contract: type[Contract],
    ordering: Ordering = "fact",
    echoes: Echoing | None = None,
    time_limit_seconds: float = TIME_LIMIT_SECONDS,
    reads: Mapping[str, Question] = _NONE,
    asks: Mapping[str, Ask] = _NO_ASKS,
) -> Callable[[F], F]:
    """Mark a function from contract to outcome as the handler of these event types; it stays a plain function.

    With `reads` or `asks` it takes their answers, by name, as its second argument; those of `asks` are by item.
    Without `echoes`, one that keeps a state skips what our own writes caused, and one that records facts does not.
    """
    echoing: Echoing = echoes or ("handle" if ordering == "fact" else "skip")

    def mark(function: F) -> F:
        said = _Handles(source, frozenset(types), contract, ordering, echoing, time_limit_seconds, reads, asks)
        setattr(function, _MARK, said)
        return function

    return mark


def find(package_name: str) -> Registry:
    """All handlers of a package by (source, type). Raises: RegistryBroken."""
    specs = [spec for module in _modules(package_name) for spec in _handlers_in(module)]
    problems = [fault for spec in specs for fault in _faults(spec)]
    by_event: dict[tuple[str, str], HandlerSpec] = {}
    by_name: dict[str, HandlerSpec] = {}
    for spec in specs:
        if by_name.setdefault(spec.name, spec) is not spec:
            problems.append(f"two handlers are called {spec.name}")
        for kind in sorted(spec.types):
            other = by_event.setdefault((spec.source, kind), spec)
            if other is not spec:
                problems.append(f"{spec.source} {kind} is handled by both {other.name} and {spec.name}")
    if problems:
        raise RegistryBroken("; ".join(problems))
    return Registry(by_event)


def _modules(package_name: str) -> list[ModuleType]:
    package = importlib.import_module(package_name)
    if not hasattr(package, "__path__"):
        raise RegistryBroken(f"{package_name} is a module; handlers live in a package")
    return [importlib.import_module(f"{package_name}.{info.name}") for info in pkgutil.iter_modules(package.__path__)]


def _handlers_in(module: ModuleType) -> list[HandlerSpec]:
    """Marked functions that this very module defines, in the order of their names."""
    version = hashlib.sha256(inspect.getsource(module).encode()).hexdigest()[:12]
    specs = []
    for name, function in sorted(vars(module).items()):
        said = getattr(function, _MARK, None)
        if not isinstance(said, _Handles) or function.__module__ != module.__name__:
            continue
        spec = HandlerSpec(
            name=name,
            version=version,
            source=said.source,
            types=said.types,
            contract=said.contract,
            function=function,
            ordering=said.ordering,
            echoes=said.echoes,
            time_limit_seconds=said.time_limit_seconds,
            doc=(inspect.getdoc(function) or "").split("\n", 1)[0],
            reads=said.reads,
            asks=said.asks,
        )
        specs.append(spec)
    return specs


def _faults(spec: HandlerSpec) -> list[str]:
    faults = []
    if not spec.doc:
        faults.append(f"{spec.name} does not say what it does: give it a docstring")
    if not 0 < spec.time_limit_seconds <= TIME_LIMIT_SECONDS_MAX:
        faults.append(
            f"{spec.name} wants {spec.time_limit_seconds} seconds, not above 0 and at most {TIME_LIMIT_SECONDS_MAX:g}"
        )
    if spec.ordering not in ("fact", "latest", "reread"):
        faults.append(f"{spec.name}: ordering is fact, latest or reread, not {spec.ordering}")
    if spec.ordering == "reread" and not spec.reads:
        faults.append(f"{spec.name}: nothing is read anew by a handler without questions in reads")
    if spec.echoes not in ("skip", "handle"):
        faults.append(f"{spec.name}: echoes is skip or handle, not {spec.echoes}")
    for kind in sorted(spec.types):
        known = [c for c in contracts.every() if c.source == spec.source and kind in c.types]
        if not any(issubclass(contract, spec.contract) for contract in known):
            faults.append(
                f"{spec.name} handles {spec.source} {kind}, which no contract of {spec.contract.__name__} covers"
            )
    return faults
