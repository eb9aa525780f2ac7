"""The three questions that machines ask a process: does it live, could it commit, what has it counted."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from counterfoil.settings import Settings
from ingest.answers import Problem

#: Redis is asked only to be reported; acceptance does not need it.
REDIS_SECONDS = 0.3

Check = Callable[[], Awaitable[str | None]]


def problem_response(problem: Problem) -> Response:
    """A problem as Starlette's response."""
    answer = problem.answer()
    response = Response(answer.body, status_code=answer.status)
    response.raw_headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    return response


def health_routes(config: Settings, check: Check) -> list[Route]:
    """`/healthz`, `/readyz` and `/metrics`; `check` says why no event could be committed, or None."""

    async def healthz(_: Request) -> Response:
        return Response(b'{"alive":true}', media_type="application/json")

    async def readyz(_: Request) -> Response:
        fault, redis = await asyncio.gather(check(), _redis(config))
        if fault is not None:
            return problem_response(Problem(503, "not_ready", f"{fault}; redis: {redis}"))
        return Response(
            msgspec.json.encode({"ready": True, "postgres": "ok", "redis": redis}),
            media_type="application/json",
        )

    async def metrics(request: Request) -> Response:
        if not _may_see_metrics(config, request.headers.get("authorization", "")):
            return problem_response(Problem(401, "token_missing", "This page needs its bearer token."))
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def _may_see_metrics(config: Settings, authorization: str) -> bool:
    if config.metrics_token is None:
        return True
    expected = f"Bearer {config.metrics_token.get_secret_value()}"
    return hmac.compare_digest(expected.encode(), authorization.encode("utf-8", "surrogateescape"))


async def _redis(config: Settings) -> str:
    """How the broker is; a door without it accepts all the same."""
    if config.redis_url is None:
        return "not used"
    url = config.redis_url.get_secret_value()
    try:
        await asyncio.wait_for(asyncio.to_thread(_ping, url), REDIS_SECONDS * 2)
    except Exception as fault:
        return f"away ({type(fault).__name__})"
    return "ok"


def _ping(url: str) -> None:
    import redis

    with redis.Redis.from_url(
        url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=None
    ) as client:
        client.ping()
