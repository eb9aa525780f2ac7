"""The control routes under `/_sandbox/`: faults, journal, state, time, and what a person does by hand.

No provider has them; they are how tests and the demo steer a stand-in that runs in another process.

    POST /_sandbox/faults     {"kind", "method", "path", "times", "skip", "seconds", "status"} or a list of such,
                              {"seed": {"rate", "kinds", …}}, {"down": true}
    DELETE /_sandbox/faults   everything works again
    GET /_sandbox/journal     every request so far, `?since=` a number
    GET /_sandbox/state       all objects, and what became of the webhooks
    POST /_sandbox/reset      everything forgotten
    POST /_sandbox/advance    {"seconds"}: the stand-in's clock moves
    POST /_sandbox/do         an action by hand, see the provider's `hands.py`
"""

import json
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.standin.base import CannotDo
from sandbox.standin.clock import MovableClock
from sandbox.standin.exchange import Exchange
from sandbox.standin.faults import FaultUnknown, fault_of


class Control:
    """The routes of one stand-in."""

    def __init__(self, exchange: Exchange, clock: MovableClock, counts: Callable[[], dict[str, int]]) -> None:
        """Take what is to be steered; `counts` tells what became of the webhooks."""
        self._exchange = exchange
        self._clock = clock
        self._counts = counts

    def routes(self) -> list[Route]:
        """For Starlette."""
        return [
            Route("/_sandbox/faults", self._faults, methods=["POST", "DELETE"]),
            Route("/_sandbox/journal", self._journal),
            Route("/_sandbox/state", self._state),
            Route("/_sandbox/reset", self._reset, methods=["POST"]),
            Route("/_sandbox/advance", self._advance, methods=["POST"]),
            Route("/_sandbox/do", self._do, methods=["POST"]),
        ]

    async def _faults(self, request: Request) -> Response:
        faults = self._exchange.faults
        if request.method == "DELETE":
            self._exchange.locked(faults.clear)
            return JSONResponse({})
        wish = json.loads(await request.body())
        try:
            self._exchange.locked(lambda: self._wish(wish))
        except (FaultUnknown, TypeError) as error:
            return _refused(error)
        return JSONResponse({})

    def _wish(self, wish: Any) -> None:
        faults = self._exchange.faults
        if isinstance(wish, list):
            for each in wish:
                faults.add(fault_of(each))
        elif "seed" in wish:
            faults.seed(**wish["seed"])
        elif "down" in wish:
            faults.down(bool(wish["down"]))
        else:
            faults.add(fault_of(wish))

    async def _journal(self, request: Request) -> Response:
        since = int(request.query_params.get("since", 0))
        return _json(
            self._exchange.locked(
                lambda: msgspec.json.encode(
                    {"items": [entry.as_json() for entry in self._exchange.journal if entry.number > since]}
                )
            )
        )

    async def _state(self, _: Request) -> Response:
        standin = self._exchange.standin
        return _json(
            self._exchange.locked(
                lambda: msgspec.json.encode({"objects": standin.state(), "hooks": self._counts(), "at": self._clock()})
            )
        )

    async def _reset(self, _: Request) -> Response:
        self._exchange.reset()
        return JSONResponse({})

    async def _advance(self, request: Request) -> Response:
        try:
            self._clock.advance(float(json.loads(await request.body())["seconds"]))
        except (ValueError, TypeError, KeyError) as error:
            return _refused(error)
        return JSONResponse({"at": self._clock()})

    async def _do(self, request: Request) -> Response:
        action = json.loads(await request.body())
        try:
            done = self._exchange.locked(lambda: msgspec.json.encode(self._exchange.standin.do(action)))
        except CannotDo as error:
            return _refused(error)
        return _json(done)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _refused(error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=400)
