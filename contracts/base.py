"""The protocol of every contract: what an event must look like and what must be true of it.

    ContractFailure
    ├── ContractBroken    the payload breaks its contract: every violation, each with advice
    └── ContractUnknown   no contract covers this type in this shape or API version

To add a contract: a subclass of `Contract` in `contracts/<source>.py` and a sample in `contracts/samples/<source>/`.
Two ideas carry it. The *shape* (pydantic) says which fields there are; *rules* are small named functions over the
shape that say what must be true. A rule that lacks a value it needs stays silent: the missing value is itself
reported, so one pass over a broken payload lists everything that a person has to mend.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any, ClassVar, Self

import pydantic_core
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.money import Money

_PACKAGE = "contracts"

#: A payload as it is stored (JSON text), as it came (bytes), or parsed.
Payload = Mapping[str, Any] | bytes | str

#: What a violation may quote of the payload: codes and ids, nothing a person wrote or is called.
_QUOTABLE = re.compile(r"[A-Za-z0-9_.:-]{0,64}")
#: Text is quoted only from fields that hold codes; everything else might be personal data.
_CODES = frozenset({"currency", "status", "object", "id", "type", "subscriptionType", "objectTypeId"})


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that does not hold: where, which rule, what was found, what was allowed, what to do."""

    field: str
    rule: str
    value: str
    bound: str
    advice: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


class ContractFailure(Exception):
    """A payload could not be accepted under a contract."""


class ContractBroken(ContractFailure):
    """The payload breaks its contract."""

    def __init__(self, contract: str, violations: tuple[Violation, ...]) -> None:
        self.contract = contract
        self.violations = violations
        rules = ", ".join(sorted({f"{v.field}: {v.rule}" for v in violations}))
        super().__init__(f"{contract} is broken by {len(violations)}: {rules}")


class ContractUnknown(ContractFailure):
    """No contract covers this type in this shape or API version."""


class Part(BaseModel):
    """A piece of a payload: unknown members are ignored, types are never converted, values never change."""

    # Strict: true is not 1, 1.0 is not 1 and "1" is not 1; an amount that had to be guessed is not an amount.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)


class Contract(Part):
    """The typed, versioned promise of what an event looks like.

    Whoever extends it names the class variables, keeps `rules` pure (no clock, no network), and adds a sample for
    every type. Fields that a rule judges are optional in the shape, so that a missing one does not hide the others;
    name them in a rule of presence.
    """

    source: ClassVar[str]
    types: ClassVar[frozenset[str]]
    #: Stable name and number, e.g. 'stripe.invoice_paid/2'; recorded with every run.
    version: ClassVar[str]
    #: The provider's API versions covered: since <= version < before; None is open.
    since: ClassVar[date | None] = None
    before: ClassVar[date | None] = None
    rules: ClassVar[tuple[Callable[[Any], Iterator[Violation]], ...]] = ()
    #: Members, dotted, that say which event about what this is: a person who corrects a payload may not change them.
    identity: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def covers(cls, api_version: str | None) -> bool:
        """Whether this API version lies in the window; an absent one does, and the shape decides."""
        if api_version is None:
            return True
        day = version_day(api_version)
        if day is None:
            return cls.since is None and cls.before is None
        return (cls.since is None or cls.since <= day) and (cls.before is None or day < cls.before)

    @classmethod
    def fits(cls, payload: Mapping[str, Any]) -> bool:
        """Whether the payload has this contract's shape, judged by its tell-tale members; cheap and forgiving."""
        return True

    @classmethod
    def at_stake(cls, payload: Payload) -> Money | None:
        """The money in a payload, as far as it can be told even when the contract is broken."""
        return None

    @classmethod
    def check(cls, payload: Payload) -> Self:
        """The payload as this contract. Raises: ContractBroken, with every violation."""
        if isinstance(payload, bytes | str) and _may_hold_no_number(payload):
            payload = as_object(payload)
        try:
            found = (
                cls.model_validate_json(payload) if isinstance(payload, bytes | str) else cls.model_validate(payload)
            )
        except ValidationError as failure:
            raise ContractBroken(cls.version, cls._everything_wrong(payload, failure)) from None
        violations: list[Violation] = []
        for rule in cls.rules:
            violations.extend(rule(found))
        if violations:
            raise ContractBroken(cls.version, tuple(violations))
        return found

    @classmethod
    def _everything_wrong(cls, payload: Payload, failure: ValidationError) -> tuple[Violation, ...]:
        """What the shape refuses, and what the rules say about the rest of the payload."""
        shape = tuple(_of_the_shape(error) for error in failure.errors(include_url=False, include_context=False))
        try:
            rest = cls.model_validate(_without(as_object(payload), [e["loc"] for e in failure.errors()]))
        except (ValidationError, ContractBroken):
            return shape
        places = {violation.field for violation in shape}
        meaning = (violation for rule in cls.rules for violation in rule(rest))
        return shape + tuple(v for v in meaning if v.field not in places)

    def amount(self) -> Money | None:
        """The money at stake, if there is any in it."""
        return None

    @property
    def facts(self) -> tuple[str, ...]:
        """The business facts that it tells, as every event tells them that does: `stripe:invoice:in_1:paid`."""
        return ()

    @property
    def missing_context(self) -> str | None:
        """Why the event alone does not say enough to act on it, in words; None when it does."""
        return None


@cache
def every() -> tuple[type[Contract], ...]:
    """All contracts of this package, found by walking its modules."""
    for module in pkgutil.iter_modules(importlib.import_module(_PACKAGE).__path__):
        importlib.import_module(f"{_PACKAGE}.{module.name}")
    found: set[type[Contract]] = set()
    queue = list(Contract.__subclasses__())
    while queue:
        contract = queue.pop()
        queue.extend(contract.__subclasses__())
        # A family's common base names no types of its own and is no contract.
        if contract.__module__.startswith(f"{_PACKAGE}.") and "types" in vars(contract):
            found.add(contract)  # a set: whoever has two bases is met twice
    return tuple(sorted(found, key=lambda contract: (contract.source, contract.version)))


@cache
def _by_type() -> dict[tuple[str, str], tuple[type[Contract], ...]]:
    """Contracts by (source, type)."""
    index: dict[tuple[str, str], tuple[type[Contract], ...]] = {}
    for contract in every():
        for kind in contract.types:
            index[contract.source, kind] = (*index.get((contract.source, kind), ()), contract)
    return index


@lru_cache(maxsize=1024)  # versions and types are words of the sender's: few in fact, endless in theory
def _covering(source: str, type: str, api_version: str | None) -> tuple[type[Contract], ...]:
    return tuple(contract for contract in _by_type().get((source, type), ()) if contract.covers(api_version))


def find(source: str, type: str, api_version: str | None, payload: Payload | None = None) -> type[Contract]:
    """The contract for an event: by type, then by API version; where the version is silent, by shape.

    Raises: ContractUnknown when none or more than one is left.
    """
    fitting = _covering(source, type, api_version)
    if api_version is None and len(fitting) > 1 and payload is not None:
        tree = as_object(payload)
        fitting = tuple(contract for contract in fitting if contract.fits(tree))
    if len(fitting) != 1:
        candidates = _by_type().get((source, type), ())
        if not candidates:
            raise ContractUnknown(f"no contract for {source} {type}")
        versions, asked = ", ".join(contract.version for contract in candidates), (api_version or "(none)")[:40]
        raise ContractUnknown(
            f"{source} {type} in API version {asked}: covered by {len(fitting)} of {versions}; "
            "compare the shape with the newest sample, then widen a contract's window or add one"
        )
    return fitting[0]


def as_object(payload: Payload) -> dict[str, Any]:
    """The payload as a plain object, integers exact. Raises: ContractBroken when it is not a JSON object."""
    if isinstance(payload, bytes | str):
        try:
            # inf_nan off: NaN is not JSON, and it compares with nothing.
            payload = pydantic_core.from_json(payload, allow_inf_nan=False)
        except ValueError:
            raise ContractBroken("json", (_not_an_object("no JSON"),)) from None
    if not isinstance(payload, Mapping):
        raise ContractBroken("json", (_not_an_object(shown("", payload)),))
    return dict(payload)


def _may_hold_no_number(text: bytes | str) -> bool:
    """Whether NaN or Infinity stands in it, perhaps as a word: read straight into a model they would pass unseen."""
    if isinstance(text, bytes):
        return b"NaN" in text or b"Infinity" in text
    return "NaN" in text or "Infinity" in text


def version_day(api_version: str) -> date | None:
    """The day in '2025-03-31.basil' or '2024-06-20'; None when there is none."""
    try:
        return date.fromisoformat(api_version[:10]) if api_version[4:5] == "-" else None
    except ValueError:
        return None


def shown(field: str, value: object) -> str:
    """What may be said about a value in logs and cases: numbers and codes as they are, the rest described."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value) if len(repr(value)) <= 40 else f"a number of {len(repr(value))} digits"
    if isinstance(value, str):
        quotable = field.rsplit(".", 1)[-1] in _CODES and _QUOTABLE.fullmatch(value)
        return repr(value) if quotable else f"text of {len(value)} characters"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, Mapping) else type(value).__name__


def _of_the_shape(error: Any) -> Violation:
    field = ".".join(str(part) for part in error["loc"]) or "(all)"
    if error["type"] == "missing":
        return Violation(field, "field_missing", "absent", "present", f"Add {field}; the handler cannot do without.")
    if error["type"] == "json_invalid":
        return _not_an_object("no JSON")
    if error["type"] in ("greater_than_equal", "less_than_equal", "less_than"):
        value = shown(field, error.get("input"))
        return Violation(field, "out_of_bounds", value, error["msg"], f"Compare {field} with the provider's record.")
    return Violation(
        field,
        "wrong_type",
        shown(field, error.get("input")),
        error["msg"],
        f"Send {field} in the type the provider documents: whole numbers for amounts and times, no fractions.",
    )


def _not_an_object(value: str) -> Violation:
    return Violation("(all)", "wrong_type", value, "a JSON object", "Send the event as the provider sends it.")


def _without(payload: dict[str, Any], places: list[tuple[int | str, ...]]) -> dict[str, Any]:
    """A copy without what stands at `places`; list elements lose the faulty member, not their position."""
    copy = pydantic_core.from_json(pydantic_core.to_json(payload, inf_nan_mode="null", fallback=lambda _: None))
    for *way, last in places:
        at: Any = copy
        for step in way:
            try:
                at = at[step]
            except (KeyError, IndexError, TypeError):
                at = None
        if isinstance(at, dict):
            at.pop(last, None)
        elif isinstance(at, list) and isinstance(last, int) and last < len(at):
            at[last] = {}
    return copy if isinstance(copy, dict) else {}
