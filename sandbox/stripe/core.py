"""The way in to the stand-in: whose key it is, how often it asks, whether it asked before, and who answers.

authenticated ──▶ within its rate ──▶ key: new | replayed | running (409) | other parameters (400) ──▶ endpoint
"""

import random
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from sandbox.standin.base import Answer, Ask, Hook
from sandbox.standin.faults import Fault
from sandbox.stripe import errors, form, hands
from sandbox.stripe.endpoints import ROUTES
from sandbox.stripe.errors import Refused
from sandbox.stripe.events import Cause
from sandbox.stripe.keys import Keys, Remembered
from sandbox.stripe.limits import TokenBucket
from sandbox.stripe.world import Call, Terms, World

JSON = "application/json"


class Stripe:
    """One provider, all its accounts, test and live."""

    name = "stripe"
    key_header = "idempotency-key"
    own_faults = frozenset({"lock_timeout"})

    def __init__(self, now: Callable[[], float], rng: random.Random, terms: Terms | None = None) -> None:
        """Take the clock, the chance that makes ids, and what is set about it."""
        self._now = now
        self._rng = rng
        self.terms = terms or Terms()
        self.reset()

    def reset(self) -> None:
        """Forget every account."""
        self.worlds: dict[tuple[str | None, bool], World] = {}
        self.keys = Keys(self._now, self.terms.key_lifetime_seconds)
        self._buckets: dict[tuple[str | None, bool], TokenBucket] = {}

    def world(self, account: str | None = None, *, livemode: bool = False) -> World:
        """One account in one mode; None is the platform's own."""
        found = self.worlds.get((account, livemode))
        if found is None:
            found = World(account, livemode, self.terms, self._now, self._rng)
            self.worlds[(account, livemode)] = found
        return found

    # Requests

    def answer(self, ask: Ask) -> Answer:
        """Execute one request."""
        request_id = f"req_{self._rng.getrandbits(84):021x}"
        headers = self._headers(ask, request_id)
        try:
            return self._answer(ask, request_id, headers)
        except Refused as refused:
            return _answer(refused.status, refused.body(), {**headers, **refused.headers})

    def _answer(self, ask: Ask, request_id: str, headers: dict[str, str]) -> Answer:
        world = self._authenticate(ask)
        self._limit(world)
        found = ROUTES.find(ask.method, ask.path)
        if found is None:
            raise errors.no_route(ask.method, ask.path)
        endpoint, ids = found
        call = Call(world, form.nest(_parameters(ask)), ids)
        key = ask.headers.get(self.key_header) if ask.method == "POST" else None
        world.cause = Cause(request_id, key)
        if key is None:
            return _answer(200, endpoint(call), headers)
        past = self.keys.begin(world, key, ask, call.params)
        if past is not None:
            return _replay(past, headers)
        try:
            answer = _answer(200, endpoint(call), headers)
        except Refused as refused:
            answer = _answer(refused.status, refused.body(), {**headers, **refused.headers})
            if not refused.began:
                return answer
        self.keys.keep(world, key, ask, call.params, answer)
        return answer

    def _authenticate(self, ask: Ask) -> World:
        """The world of the key. Raises: Refused."""
        key = _secret_key(ask.headers.get("authorization", ""))
        if not key:
            raise errors.not_authenticated("No API key was given; send it as a bearer token.")
        if self.terms.keys is not None and key not in self.terms.keys:
            raise errors.not_authenticated("The API key is not valid.")
        kind, _, rest = key.partition("_")
        mode = rest.partition("_")[0]
        if kind not in ("sk", "rk") or mode not in ("test", "live"):
            raise errors.not_authenticated("The API key is not a secret one.")
        if kind == "rk" and key.endswith("_ro") and ask.method != "GET":
            raise errors.not_allowed("The restricted key may only read.")
        account = ask.headers.get("stripe-account")
        return self.world(None if account == self.terms.account else account, livemode=mode == "live")

    def _limit(self, world: World) -> None:
        rate = self.terms.rate_per_second
        if rate is None:
            return
        bucket = self._buckets.setdefault((world.account, world.livemode), TokenBucket(rate, self._now))
        if not bucket.take():
            raise errors.rate_limited("global-rate")

    def _headers(self, ask: Ask, request_id: str) -> dict[str, str]:
        headers = {"Content-Type": JSON, "Request-Id": request_id}
        headers["Stripe-Version"] = ask.headers.get("stripe-version", self.terms.api_version)
        for name in ("Idempotency-Key", "Stripe-Account"):
            if name.lower() in ask.headers:
                headers[name] = ask.headers[name.lower()]
        return headers

    # Faults

    def refuse(self, ask: Ask, fault: Fault) -> Answer:
        """An error without effect, remembered by no key."""
        status = 429 if fault.kind == "rate_limited" else fault.status
        refused = errors.locked() if fault.kind == "lock_timeout" else errors.of_status(status)
        headers = self._headers(ask, f"req_{self._rng.getrandbits(84):021x}")
        return _answer(refused.status, refused.body(), {**headers, **refused.headers})

    def spoil(self, ask: Ask, fault: Fault, answer: Answer | None) -> Answer:
        """The error instead of what came of it; the key remembers the error, because that is what was answered."""
        refused = errors.of_status(fault.status)
        headers = self._headers(ask, answer.headers["Request-Id"] if answer else "req_none")
        spoilt = _answer(refused.status, refused.body(), {**headers, **refused.headers})
        key = ask.headers.get(self.key_header) if ask.method == "POST" else None
        if key is None or not refused.began or fault.status == 429:
            return spoilt
        if fault.status >= 500:
            spoilt = spoilt._replace(headers={**spoilt.headers, "Stripe-Should-Retry": "false"})
        try:
            world = self._authenticate(ask)
            self.keys.spoil(world, key, ask, form.nest(_parameters(ask)), spoilt, executed=answer)
        except Refused:
            pass  # it would not even have begun
        return spoilt

    # Webhooks, hands, state

    def hooks(self) -> list[Hook]:
        """Events that are due."""
        now, form_ = self._now(), self.terms.hook_form
        return [hook for world in self.worlds.values() for hook in world.outbox.due(now, form_)]

    def taken(self, hook: Hook) -> None:
        """It was delivered."""
        hook.parts[0].taken(hook)

    def bounced(self, hook: Hook) -> None:
        """It was not."""
        hook.parts[0].bounced(hook, self._now(), self.terms.retry_seconds)

    def do(self, action: Mapping[str, Any]) -> dict[str, Any]:
        """What a person does in the dashboard, a bank or a card network; see `hands.py`."""
        account, livemode = action.get("account"), bool(action.get("livemode", False))
        return hands.do(self.world(account, livemode=livemode), action)

    def state(self) -> dict[str, Any]:
        """Objects and events by world: `test`, `live`, `acct_1/test`."""
        return {
            "/".join(filter(None, (account, "live" if livemode else "test"))): {
                **{noun: list(table.values()) for noun, table in world.tables.items()},
                "event": [event.snapshot() for event in world.outbox.events.values()],
            }
            for (account, livemode), world in self.worlds.items()
        }


def _secret_key(authorization: str) -> str:
    kind, _, rest = authorization.strip().partition(" ")
    if kind.lower() == "bearer":
        return rest.strip()
    if kind.lower() == "basic":
        try:
            return b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")[0]
        except (NotBase64, UnicodeDecodeError):
            return ""
    return ""


def _parameters(ask: Ask) -> list[tuple[str, str]]:
    """Of the query and, when there is a body, of the form."""
    if ask.method == "GET" or not ask.body:
        return ask.query
    try:
        text = ask.body.decode("utf-8")
    except UnicodeDecodeError:
        raise errors.invalid("body", "The form is not UTF-8.") from None
    return [*ask.query, *parse_qsl(text, keep_blank_values=True)]


def _replay(past: Remembered, headers: dict[str, str]) -> Answer:
    original = past.answer.headers.get("Request-Id", "")
    replayed = {**past.answer.headers, **headers, "Idempotent-Replayed": "true", "Original-Request": original}
    return past.answer._replace(headers=replayed)


def _answer(status: int, body: Any, headers: dict[str, str]) -> Answer:
    return Answer(status, msgspec.json.encode(body), headers)
