"""The console's ASGI application: the pages, the API, health and metrics."""

import json
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from console import problems, ready
from console.access import sessions
from console.api import dispatch, openapi
from console.api.route import PREFIX, Route
from console.api.routes import ROUTES
from console.pages import serve
from counterfoil import telemetry
from counterfoil.settings import settings
from ingest.health import health_routes

#: A year (OWASP ASVS 5, 3.4.1).
TLS_SECONDS = 365 * 24 * 60 * 60

Answering = Callable[[Request], Awaitable[Response]]


def console_app() -> ASGIApp:
    """The console's own listener: everything, with health and metrics."""
    health = health_routes(settings(), _not_ready)
    return Router([*health, *console_routes()], redirect_slashes=False, default=_nowhere)


def beside_the_door() -> ASGIApp:
    """The pages and the API, for a listener that has health and metrics of its own."""
    return Router(console_routes(), redirect_slashes=False, default=_nowhere)


def console_routes() -> list[Path]:
    """The pages and the API."""
    by_path: dict[str, dict[str, Answering]] = {**serve.by_path(), f"{PREFIX}/openapi.json": {"GET": _openapi}}
    for route in ROUTES:
        by_path.setdefault(PREFIX + route.path, {})[route.method] = _answering(route)
    return [Path(path, _Methods(by_path[path])) for path in sorted(by_path, key=_words_first)]


def _words_first(path: str) -> list[tuple[bool, str]]:
    """The first path that fits answers: `/cases/many` stands before `/cases/{id}`, wherever it is in its table."""
    return [("{" in word, word) for word in path.split("/")]


class _Methods:
    """The methods of one path; any other is a 405 that names them."""

    def __init__(self, methods: dict[str, Answering]) -> None:
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answering = self._methods.get("GET" if request.method == "HEAD" else request.method)
        if answering is None:
            allowed = ", ".join(sorted({*self._methods, *(["HEAD"] if "GET" in self._methods else [])}))
            response = dispatch.refused(
                problems.WrongMethod(f"this path has the methods {allowed}", headers={"Allow": allowed})
            )
        else:
            response = await _safely(answering, request)
        await _over_tls(response)(scope, receive, send)


async def _safely(answering: Answering, request: Request) -> Response:
    try:
        return await answering(request)
    except Exception as failure:
        telemetry.log.error(
            "api.failed", path=request.scope["route"].path, reason=type(failure).__name__, exc_info=True
        )
        telemetry.report_failure(failure, failure_class="handler_bug", owner=None, handler="console", event_id=None)
        return dispatch.refused(problems.Bug("this is our fault and was reported"))


def _answering(route: Route) -> Answering:
    async def answering(request: Request) -> Response:
        return await dispatch.answer(request, route)

    return answering


async def _not_ready() -> str | None:
    return "; ".join(await run_in_threadpool(ready.missing)) or None


async def _openapi(_: Request) -> Response:
    return Response(json.dumps(openapi.document()), media_type="application/json", headers=dispatch.HEADERS)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        request = Request(scope, receive)
        if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(PREFIX):
            response = await serve.nowhere(request)
        else:
            response = dispatch.refused(problems.NotFound("there is no such path"))
        await _over_tls(response)(scope, receive, send)


def _over_tls(response: Response) -> Response:
    """Where people come over TLS, their browsers never come without it again."""
    if sessions.is_secure():
        response.headers["Strict-Transport-Security"] = f"max-age={TLS_SECONDS}; includeSubDomains"
    return response
