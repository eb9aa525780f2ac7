"""Search: its own small language over an index that lags behind what was written.

    metadata['key']:'value'   status:"open"   email~"example"   created>1700000000   -currency:'eur'
    clauses are joined by AND or by OR, never by both

Page: https://docs.stripe.com/search
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from sandbox.stripe.errors import invalid

#: Nouns that Stripe can search.
SEARCHED = frozenset({"customer", "invoice", "charge", "payment_intent", "subscription", "price", "product"})
_CLAUSE = re.compile(
    r"\s*(?P<minus>-)?(?P<field>[a-z_.]+)(?:\[(?P<quote>['\"])(?P<key>[^'\"]*)(?P=quote)\])?\s*"
    r"(?P<how><=|>=|[:~<>])\s*"
    r"(?:'(?P<single>(?:\\.|[^'\\])*)'|\"(?P<double>(?:\\.|[^\"\\])*)\"|(?P<bare>-?\d+|null))\s*"
)
_JOINT = re.compile(r"(AND|OR)\b")


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition."""

    field: str
    key: str | None
    how: str
    value: str | None
    negated: bool

    def fits(self, made: dict[str, Any]) -> bool:
        """Whether an object is as this says."""
        return self._holds(self._look(made)) != self.negated

    def _look(self, made: dict[str, Any]) -> Any:
        found: Any = made
        for step in [*self.field.split("."), *([self.key] if self.key is not None else [])]:
            found = found.get(step) if isinstance(found, dict) else None
        return found

    def _holds(self, found: Any) -> bool:
        if self.value is None:
            return found is None
        if found is None:
            return False
        if self.how == ":":
            return _as_text(found).casefold() == self.value.casefold()
        if self.how == "~":
            return self.value.casefold() in _as_text(found).casefold()
        if not isinstance(found, int) or not self.value.lstrip("-").isdigit():
            return False
        bound = int(self.value)
        return {"<": found < bound, ">": found > bound, "<=": found <= bound, ">=": found >= bound}[self.how]


def _as_text(found: Any) -> str:
    return str(found).lower() if isinstance(found, bool) else str(found)


def parse(query: str) -> Callable[[dict[str, Any]], bool]:
    """The query as a question to an object. Raises: Refused."""
    clauses: list[Clause] = []
    joints: set[str] = set()
    at = 0
    while True:
        match = _CLAUSE.match(query, at)
        if match is None:
            raise invalid("query", f"The search query cannot be read from character {at} on.")
        clauses.append(_clause(match))
        at = match.end()
        if at == len(query):
            break
        joint = _JOINT.match(query, at)
        if joint is not None:
            at = joint.end()
        # Clauses that only stand beside each other are joined by AND.
        joints.add(joint[1] if joint else "AND")
    if len(joints) > 1:
        raise invalid("query", "A search query has AND or OR, not both.")
    decide = any if joints == {"OR"} else all
    return lambda made: decide(clause.fits(made) for clause in clauses)


def _clause(match: re.Match[str]) -> Clause:
    quoted = match["single"] if match["single"] is not None else match["double"]
    value: str | None = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else match["bare"]
    if value == "null" and quoted is None:
        value = None
    if match["how"] == "~" and len(value or "") < 3:
        raise invalid("query", "A part of a text to search for has at least three characters.")
    return Clause(match["field"], match["key"], match["how"], value, bool(match["minus"]))


class Index:
    """What a search sees: every object as it was `lag` seconds ago."""

    def __init__(self, now: Callable[[], float], lag_seconds: float) -> None:
        """Begin empty."""
        self._now = now
        self.lag_seconds = lag_seconds
        self._writes: deque[tuple[float, str, str, bytes | None]] = deque()
        self._seen: dict[str, dict[str, dict[str, Any]]] = {}

    def note(self, made: dict[str, Any]) -> None:
        """An object was made or changed."""
        if made["object"] in SEARCHED:
            self._writes.append((self._now(), made["object"], made["id"], msgspec.json.encode(made)))

    def forget(self, made: dict[str, Any]) -> None:
        """An object is gone."""
        if made["object"] in SEARCHED:
            self._writes.append((self._now(), made["object"], made["id"], None))

    def find(self, noun: str, query: str) -> list[dict[str, Any]]:
        """What fits, newest first. Raises: Refused."""
        fits = parse(query)
        self._catch_up()
        return [made for made in reversed(self._seen.get(noun, {}).values()) if fits(made)]

    def _catch_up(self) -> None:
        until = self._now() - self.lag_seconds
        while self._writes and self._writes[0][0] <= until:
            _, noun, found, body = self._writes.popleft()
            seen = self._seen.setdefault(noun, {})
            if body is None:
                seen.pop(found, None)
            else:
                seen[found] = msgspec.json.decode(body)
