"""What each request at the door is answered: a bare ASGI application, because this path is the hottest one there is.

`POST /webhooks/{source}`: verified by its provider, split into events, admitted, answered when they are committed.
Everything else (health, metrics, what the console puts beside) goes through Starlette's router.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Router

from counterfoil import clock, database, failpoints, keys, telemetry
from counterfoil.ledger.record import NewEvent, Row
from counterfoil.settings import Settings, settings
from counterfoil.telemetry import metrics
from ingest.admit import Admission
from ingest.answers import Messages, Problem, ok, refusal
from ingest.groups import Verdict
from ingest.health import health_routes
from ingest.limits import Limits
from ingest.providers.base import Received, Rejected, Request, Unreadable
from ingest.reading import Gone, Reader, check_head, header_map, public_url
from ingest.rejections import UNKNOWN, Rejections
from ingest.sources import Source, find_sources, signs_url

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/webhooks/"


class Door:
    """The ASGI application. `fault_counter` is what the listener calls for requests that never became one."""

    def __init__(
        self,
        config: Settings,
        sources: Mapping[str, Source],
        limits: Limits,
        beside: Sequence[BaseRoute] = (),
    ) -> None:
        """Put the parts together; nothing is opened before the lifespan begins."""
        self.limits = limits
        self.rejections = Rejections()
        self._config = config
        self._sources = dict(sources)
        self._admission: Admission | None = None
        self._reader = Reader(limits)
        self._endpoints = {PREFIX + name: Endpoint(self, source) for name, source in sources.items()}
        self._router = Router(
            [*health_routes(config, self._check), *beside],
            redirect_slashes=False,  # a redirect counts as a failed delivery
            default=self._nowhere,
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the short way to an endpoint; routing by pattern would cost as much as verifying."""
        if scope["type"] == "http":
            endpoint = self._endpoints.get(scope["path"])
            if endpoint is not None:
                return await endpoint.answer(scope, receive, send)
        await self._router(scope, receive, send)

    @property
    def reader(self) -> Reader:
        """Reads bodies, within what all of them together may take."""
        return self._reader

    @property
    def admission(self) -> Admission:
        """The queue before the ledger."""
        assert self._admission is not None, "Bug: a request before the lifespan began"
        return self._admission

    def public_url(self, scope: Scope) -> str:
        """The URL that the provider called, as its signature may cover it."""
        return public_url(scope, self._config)

    @asynccontextmanager
    async def _lifespan(self, _: Any) -> AsyncIterator[None]:
        # The embedded Postgres takes a second to start.
        url = await asyncio.to_thread(database.url)
        self._admission = Admission(
            url, self._sources, self.limits, self.rejections, must_be_durable=self._config.is_production
        )
        await self._admission.start()
        yield
        await self._admission.stop()

    async def _check(self) -> str | None:
        return await self.admission.check()

    async def _nowhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        problem = Problem(404, "not_found", "There is nothing here.")
        if scope["path"].startswith(PREFIX):
            problem = Problem(404, "source_unknown", "There is no such source at this door.")
            self.rejections.add(UNKNOWN, problem, client=client_of(scope))
        for message in refusal(problem):
            await send(message)


class Accepted(msgspec.Struct, gc=False):
    """What a sender is told: how many events are new, how many were known, and which row each one is."""

    accepted: int
    duplicates: int
    events: list[Verdict]


_encode = msgspec.json.Encoder().encode


class Endpoint:
    """The door of one source."""

    def __init__(self, door: Door, source: Source) -> None:
        """Keep what every request needs at hand."""
        self._door = door
        self._source = source
        self._provider = source.provider
        self._signs_url = signs_url(source.provider)
        self._accepted = metrics.deliveries.labels(source.name, "200")

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is."""
        body = b""
        try:
            check_head(scope, self._provider, self._door.limits)
            # Copied before the body is read: nothing that comes later is a header.
            headers = header_map(scope["headers"])
            body = await self._door.reader.read(receive)
            url = self._door.public_url(scope) if self._signs_url else ""
            messages = await self._receive(Request(scope["method"], url, headers, body))
        except Gone:
            return
        except Problem as problem:
            messages = self._refused(problem, scope, body)
        except Exception as bug:
            # Nothing that a sender sent may end here; if it does, it is ours, and the sender is to come back.
            telemetry.log.exception("door.failed", source=self._source.name)
            telemetry.report_failure(bug, failure_class="door", owner=None, handler=None, event_id=None)
            ours = Problem(503, "door_failed", "The event could not be accepted now. Send it again.")
            messages = self._refused(ours, scope, body)
        else:
            self._accepted.inc()
        for message in messages:
            await send(message)

    async def _receive(self, request: Request) -> Messages:
        """Verify, split, record; the answer of a request that is what it claims to be."""
        source, provider = self._source, self._provider
        try:
            provider.verify(request, source.secrets, clock.unix_seconds())
            proof = provider.challenge(request)
            if proof is not None:
                return ok(proof, b"application/json" if proof[:1] == b"{" else b"text/plain; charset=utf-8")
            events = [new_event(source, event) for event in provider.split(request)]
        except Rejected as rejected:
            raise Problem(rejected.status, rejected.reason, rejected.detail) from None
        verdicts = await self._door.admission.admit(events, len(request.body)) if events else []
        if provider.empty_answer:
            return ok(b"")
        duplicates = sum([verdict.duplicate for verdict in verdicts])
        return ok(_encode(Accepted(len(verdicts) - duplicates, duplicates, verdicts)))

    def _refused(self, problem: Problem, scope: Scope, body: bytes) -> Messages:
        metrics.deliveries.labels(self._source.name, str(problem.status)).inc()
        self._door.rejections.add(
            self._source.name, problem, client=client_of(scope), body_bytes=len(body) if body else None
        )
        return refusal(problem)


def new_event(source: Source, event: Received | Unreadable) -> NewEvent:
    """The row of one event; a fault does not keep it out, it makes the engine open a case."""
    if isinstance(event, Unreadable):
        # Kept as text whatever its bytes are; it is shown to a person, nothing else reads it.
        body = event.payload.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
        fault = {"class": "contract_violation", "rule": "unreadable", "detail": event.problem}
        row = Row(keys.new_id(), source.name, source.provider.name, event.key, "unreadable", fault=fault)
        return NewEvent(row, body)
    objection = source.objection(event)
    row = Row(
        keys.new_id(),
        source.name,
        source.provider.name,
        event.key,
        event.type,
        event.content_hash,
        event.subject,
        event.occurred_at,
        event.api_version,
        event.account,
        event.livemode,
        event.form,
        None if objection is None else {"class": "wrong_account", "rule": objection[0], "detail": objection[1]},
    )
    return NewEvent(row, event.payload.decode())


def client_of(scope: Scope) -> str | None:
    """The peer's address, without its port."""
    client = scope.get("client")
    return client[0] if client else None


def door(
    config: Settings | None = None,
    *,
    sources: Mapping[str, Source] | None = None,
    limits: Limits | None = None,
    beside: Sequence[BaseRoute] = (),
) -> Door:
    """The door's ASGI application; `beside` are further routes for its listener (API and console in one process).

    Raises: SourcesUnusable with every problem of the configuration.
    """
    config = config or settings()
    failpoints.arm(config.failpoint, config.environment)
    found = find_sources(config) if sources is None else sources
    return Door(config, found, limits or Limits(body_bytes_max=config.max_body_bytes), beside)
