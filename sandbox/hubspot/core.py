"""HubSpot's API over state in memory: who asks, whether they may, and which route answers."""

import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sandbox.hubspot import associating, by_hand, objects, schema, shapes
from sandbox.hubspot.access import let_in
from sandbox.hubspot.account import Account
from sandbox.hubspot.crm import Crm
from sandbox.hubspot.kinds import KINDS
from sandbox.hubspot.limits import Limits
from sandbox.hubspot.reading import kind_of
from sandbox.hubspot.refusals import (
    JSON_TYPE,
    Refusal,
    as_answer,
    not_found,
    of_status,
    rate_limited,
)
from sandbox.hubspot.shapes import Reply
from sandbox.standin.base import Answer, Ask, Hook
from sandbox.standin.faults import Fault


class HubSpot:
    """The stand-in; see `standin.base.Standin`."""

    name = "hubspot"
    key_header = None  # the CRM API has no idempotency key
    #: bare_error: `status` with an empty JSON object. daily_limit: the 429 that lasts until midnight.
    #: not_applied: answered as if done, nothing is. empty_batch: COMPLETE, without a row.
    own_faults = frozenset({"bare_error", "daily_limit", "not_applied", "empty_batch"})

    def __init__(self, now: Callable[[], float], rng: random.Random, account: Account | None = None) -> None:
        """Take time, chance and the account as it is set up."""
        self._now = now
        self._rng = rng
        self.account = account or Account()
        self.reset()

    def answer(self, ask: Ask) -> Answer:
        """Execute the request."""
        try:
            parts = ask.path.strip("/").split("/")
            token = let_in(self.account, ask, parts)
            headers = self._limits.pass_one(token, is_search=parts[-1] == "search")
            status, body = self._route(ask, parts)
        except Refusal as refusal:
            return as_answer(refusal, self._correlation_id())
        content = b"" if body is None else msgspec.json.encode(body)
        return Answer(status, content, {**JSON_TYPE, **headers, "X-HubSpot-Correlation-Id": self._correlation_id()})

    def refuse(self, ask: Ask, fault: Fault) -> Answer:
        """Answer a request that is not executed."""
        match fault.kind:
            case "bare_error":
                return Answer(fault.status, b"{}", JSON_TYPE)
            case "daily_limit":
                return as_answer(rate_limited("DAILY"), self._correlation_id())
            case "rate_limited":
                policy = "SECONDLY" if ask.path.endswith("/search") else "TEN_SECONDLY_ROLLING"
                return as_answer(rate_limited(policy), self._correlation_id())
            case "empty_batch":
                return Answer(200, msgspec.json.encode(shapes.batch([], [], self.crm.records.ms())), JSON_TYPE)
            case "not_applied":
                return self._pretend(ask)
        return of_status(fault.status, self._correlation_id())

    def spoil(self, ask: Ask, fault: Fault, answer: Answer | None) -> Answer:
        """Answer with an error in place of what came of it. Nothing is remembered: there is no key."""
        return of_status(fault.status, self._correlation_id())

    def hooks(self) -> list[Hook]:
        """Take the webhooks that became due."""
        return self.crm.echoes.take()

    def taken(self, hook: Hook) -> None:
        """The receiver has it."""

    def bounced(self, hook: Hook) -> None:
        """The receiver has it not: its events come again, regrouped."""
        self.crm.echoes.bounced(hook)

    def do(self, action: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a person would do in the CRM. Raises: CannotDo."""
        return by_hand.do(self.crm, action)

    def state(self) -> dict[str, Any]:
        """All records by kind, archived ones too, with how often each was written; associations; webhooks given up."""
        records = {
            kind.plural: [
                {"id": record.id, "properties": dict(record.values), "archived": record.archived_ms is not None,
                 "writes": len(record.past)}
                for record in self.crm.records.all(kind)
            ]
            for kind in KINDS
        }  # fmt: skip
        return {**records, "associations": list(self.crm.links.all()), "given_up": self.crm.echoes.given_up}

    def reset(self) -> None:
        """Forget everything but the account's settings."""
        self.crm = Crm(self.account, self._now, self._rng)
        self._limits = Limits(self.account, self._now)

    def _pretend(self, ask: Ask) -> Answer:
        self.crm.records.pretends = True
        try:
            return self.answer(ask)
        finally:
            self.crm.records.pretends = False

    def _route(self, ask: Ask, parts: list[str]) -> Reply:
        match parts:
            case ["crm", "v3", "objects", kind, *rest]:
                return objects.route(self.crm, ask, kind_of(kind), rest)
            case ["crm", "v4", "objects", kind, *rest]:
                return associating.route(self.crm, ask, kind_of(kind), rest)
            case ["crm", "v4", "associations", kind, to, *rest]:
                return associating.route_batch(self.crm, ask, kind_of(kind), kind_of(to), rest)
            case ["crm", "v3", "properties", kind, *rest]:
                return schema.route_properties(self.crm, ask, kind_of(kind), rest)
            case ["crm", "v3", "owners", *rest]:
                return schema.route_owners(self.crm, ask, rest)
            case ["account-info", "v3", "details"] if ask.method == "GET":
                return schema.account_details(self.crm)
        raise not_found()

    def _correlation_id(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128)))
