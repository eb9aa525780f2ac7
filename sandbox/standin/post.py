"""Posts a stand-in's webhooks to a door, signed as the provider signs; doubled and out of order when asked."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import httpx

from ingest.providers import find
from sandbox.standin.base import Hook
from sandbox.standin.exchange import Exchange

#: How often the poster looks for webhooks that are due.
LOOK_SECONDS = 0.02
#: How long the receiver may take; HubSpot gives it five seconds.
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Address:
    """Where webhooks go, and how badly the way there behaves."""

    url: str
    secret: str
    double: float = 0.0  #: share of webhooks posted twice
    shuffle: bool = False  #: what is due together goes in any order


class Signed(NamedTuple):
    """One request to the door."""

    hook: Hook
    url: str
    headers: Mapping[str, str]


class Poster:
    """Takes what is due and posts it, one after another, in the order in which it happened unless told otherwise."""

    def __init__(self, exchange: Exchange, address: Address, rng: random.Random, now: Callable[[], float]) -> None:
        """Take the address and the chance that doubles and shuffles. `now` is the receiver's time, not a moved one."""
        self._exchange = exchange
        self._address = address
        self._rng = rng
        self._now = now
        self._provider = find()[exchange.standin.name]
        self.counts = {"posted": 0, "taken": 0, "bounced": 0}

    def due(self) -> list[Signed]:
        """Take what is due, signed, in the order in which it is to be posted."""
        hooks = self._exchange.hooks()
        if self._address.double:
            hooks = [hook for hook in hooks for _ in range(2 if self._rng.random() < self._address.double else 1)]
        if self._address.shuffle:
            self._rng.shuffle(hooks)
        return [self._sign(hook) for hook in hooks]

    async def run(self) -> None:
        """Post until cancelled."""
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False) as client:
            while True:
                for signed in self.due():
                    await self._post(client, signed)
                await asyncio.sleep(LOOK_SECONDS)

    def _sign(self, hook: Hook) -> Signed:
        url = self._address.url
        headers = self._provider.sign(hook.body, self._address.secret, self._now(), url)
        return Signed(hook, url, {**headers, "Content-Type": "application/json"})

    async def _post(self, client: httpx.AsyncClient, signed: Signed) -> None:
        self.counts["posted"] += 1
        try:
            answer = await client.post(signed.url, content=signed.hook.body, headers=dict(signed.headers))
            is_taken = answer.is_success
        except httpx.HTTPError:
            is_taken = False
        self.counts["taken" if is_taken else "bounced"] += 1
        self._exchange.settle(signed.hook, taken=is_taken)
