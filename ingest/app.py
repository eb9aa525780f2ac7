"""The door as an ASGI application: the sources' endpoints, health and metrics, and what is put beside them.

A source's endpoint is found by its path alone, ahead of Starlette's router: matching patterns would cost as much as
verifying. Small, plain requests do not even come here when the listener is our own (`ingest.direct`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import Router

from counterfoil import database, failpoints
from counterfoil.settings import Settings, settings
from ingest.admit import Admission
from ingest.answers import Answer, Problem
from ingest.endpoint import Endpoint
from ingest.heads import client_of, header_map, target_of
from ingest.health import health_routes
from ingest.limits import Limits
from ingest.reading import Gone, Reader
from ingest.rejections import UNKNOWN, Rejections
from ingest.sources import Source, find_sources

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX = "/webhooks/"


class Door:
    """The application; its lifespan holds the connection to the ledger."""

    def __init__(
        self, config: Settings, sources: Mapping[str, Source], limits: Limits, beside: Application | None = None
    ) -> None:
        """Put the parts together; nothing is opened before the lifespan begins."""
        self.limits = limits
        self.rejections = Rejections()
        self.reader = Reader(limits)
        self.endpoints = {
            PREFIX + name: Endpoint(source, config, limits, self.rejections) for name, source in sources.items()
        }
        self._config = config
        self._sources = dict(sources)
        self._admission: Admission | None = None
        self._beside = beside
        self._router = Router(
            health_routes(config, self._check),
            redirect_slashes=False,  # a redirect counts as a failed delivery
            default=self._nowhere,
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hold the lifespan."""
        endpoint = self.endpoints.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None:
            return await self._router(scope, receive, send)
        try:
            answer = await self._answer(endpoint, scope, receive)
        except Gone:
            return
        for message in answer.messages():
            await send(message)

    async def _answer(self, endpoint: Endpoint, scope: Scope, receive: Receive) -> Answer:
        try:
            # Copied before the body is read: nothing that comes later is a header.
            headers = header_map(scope["headers"])
            endpoint.check_head(scope["method"], headers)
            body = await self.reader.read(receive)
        except Problem as problem:
            return endpoint.refused(problem, client_of(scope))
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def reply(found: Answer) -> None:
            if not answer.done():
                answer.set_result(found)

        url = endpoint.url_of(scope["scheme"], headers.get("host", ""), target_of(scope))
        endpoint.take(client_of(scope), url, headers, body, reply)
        return await answer

    @property
    def admission(self) -> Admission:
        """The queue before the ledger."""
        assert self._admission is not None, "Bug: a request before the lifespan began"
        return self._admission

    @asynccontextmanager
    async def _lifespan(self, _: Any) -> AsyncIterator[None]:
        # The embedded Postgres takes a second to start.
        url = await asyncio.to_thread(database.url)
        self._admission = Admission(
            url, self._sources, self.limits, self.rejections, must_be_durable=self._config.is_production
        )
        for endpoint in self.endpoints.values():
            endpoint.admission = self._admission
        await self._admission.start()
        yield
        await self._admission.stop()

    async def _check(self) -> str | None:
        return await self.admission.check()

    async def _nowhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        problem = Problem(404, "not_found", "There is nothing here.")
        is_delivery = scope["path"].startswith(PREFIX)
        if self._beside is not None and not is_delivery:
            return await self._beside(scope, receive, send)
        if is_delivery:
            problem = Problem(404, "source_unknown", "There is no such source at this door.")
            self.rejections.add(UNKNOWN, problem, client=client_of(scope))
        for message in problem.answer().messages():
            await send(message)


def door(
    config: Settings | None = None,
    *,
    sources: Mapping[str, Source] | None = None,
    limits: Limits | None = None,
    beside: Application | None = None,
) -> Door:
    """The door's ASGI application; `beside` answers what is no delivery on its listener (API and console, in `serve`).

    Raises: SourcesUnusable with every problem of the configuration.
    """
    config = config or settings()
    failpoints.arm(config.failpoint, config.environment)
    found = find_sources(config) if sources is None else sources
    return Door(config, found, limits or Limits(body_bytes_max=config.max_body_bytes), beside)
