"""Idempotency keys: what was answered first is answered again, for a day.

Remembered is what was executed, errors and 500s included. Not remembered: what never began.
Page: https://docs.stripe.com/api/idempotent_requests
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from sandbox.standin.base import Answer, Ask
from sandbox.stripe.errors import invalid, key_in_use, key_reused
from sandbox.stripe.world import World

KEY_LENGTH_MAX = 255
#: With this many keys the expired ones are thrown out; with twice as many as were left, again.
SWEEP_AT = 50_000


class Remembered(NamedTuple):
    """What a key stands for."""

    print: bytes  #: endpoint and parameters
    at: float
    done_at: float
    answer: Answer


class Keys:
    """The keys of all accounts and modes."""

    def __init__(self, now: Callable[[], float], lifetime_seconds: float) -> None:
        """Begin empty."""
        self._now = now
        self._lifetime_seconds = lifetime_seconds
        self._kept: dict[tuple[str | None, bool, str], Remembered] = {}
        self._sweep_at = SWEEP_AT

    def begin(self, world: World, key: str, ask: Ask, params: dict[str, Any]) -> Remembered | None:
        """What this key stands for already; None when the request is new. Raises: Refused."""
        if not 0 < len(key) <= KEY_LENGTH_MAX:
            raise invalid("Idempotency-Key", f"An idempotency key has 1 to {KEY_LENGTH_MAX} characters.")
        past = self._find(world, key)
        if past is None:
            return None
        if self._now() < past.done_at:
            raise key_in_use(key)
        if past.print != _print(ask, params):
            raise key_reused(key)
        return past

    def keep(self, world: World, key: str, ask: Ask, params: dict[str, Any], answer: Answer) -> None:
        """Remember what was answered."""
        now = self._now()
        if len(self._kept) >= self._sweep_at:
            self._kept = {name: each for name, each in self._kept.items() if now - each.at < self._lifetime_seconds}
            self._sweep_at = max(SWEEP_AT, 2 * len(self._kept))
        self._kept[_name(world, key)] = Remembered(_print(ask, params), now, now + ask.takes_seconds, answer)

    def spoil(self, world: World, key: str, ask: Ask, params: dict[str, Any], spoilt: Answer, *,
              executed: Answer | None) -> None:  # fmt: skip
        """Remember this answer instead of the one that was made; a replay changes nothing."""
        past = self._find(world, key)
        # Neither replayed (another answer is kept) nor refused before it began (none is kept).
        if (past.answer if past else None) is executed:
            self.keep(world, key, ask, params, spoilt)

    def _find(self, world: World, key: str) -> Remembered | None:
        past = self._kept.get(_name(world, key))
        return past if past is not None and self._now() - past.at < self._lifetime_seconds else None


def _name(world: World, key: str) -> tuple[str | None, bool, str]:
    return (world.account, world.livemode, key)


def _print(ask: Ask, params: dict[str, Any]) -> bytes:
    """Endpoint and parameters, whatever order they came in."""
    return msgspec.json.encode([ask.path, params], order="deterministic")
