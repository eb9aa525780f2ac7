"""From a request to an answer: credential, path, parameters, body, the route's function, JSON.

Whatever a sender does wrong is answered with a 4xx problem; only our own faults become a 5xx.
"""

import json
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from console import auth, bodies, idempotency, masking, problems, strict
from console.access import gate, reveals
from console.answers import Page
from console.api.route import Asking, Route
from console.fields import Asked
from console.problems import Problem
from counterfoil import clock, telemetry

#: Answers hold business data: no cache may keep them, no browser may guess their type.
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
#: What every look takes beside its own parameters; without it personal data is hidden, except from the setup token.
REVEAL = "reveal"


async def answer(request: Request, route: Route) -> Response:
    """Answer one request on one route."""
    started = clock.ticks_seconds()
    actor, sees = "-", False
    try:
        # In threads: both ask the database, and both before anything of the body is read.
        who = await run_in_threadpool(auth.authenticate, request.headers)
        actor, sees = who.actor.name, who.is_setup
        await run_in_threadpool(_allowed, request, route, who)
        raw = await _body(request) if route.body is not None else b""
        response = await run_in_threadpool(_answer, request, route, who, raw)
    except Problem as problem:
        response = refused(problem, hides=not sees)
    telemetry.wide(
        "api.answered",
        route=f"{route.method} {route.path}",
        status=response.status_code,
        actor=actor,
        seconds=round(clock.ticks_seconds() - started, 4),
    )
    return response


def refused(problem: Problem, *, hides: bool = False) -> Response:
    """A problem as a response; `hides`: what it quotes of a document is masked as the document is."""
    shown = masking.answered(problem.shown()) if hides else problem.shown()
    return Response(
        shown.model_dump_json(exclude_none=True),
        status_code=problem.status,
        media_type="application/problem+json",
        headers={**HEADERS, **problem.headers},
    )


def _allowed(request: Request, route: Route, who: auth.Caller) -> None:
    """Raises: NotAllowed."""
    given = request.path_params
    gate.check(who.person, route.right, route.path, id=given.get("id"), name=given.get("name"), fresh=who.is_setup)


def _answer(request: Request, route: Route, who: auth.Caller, raw: bytes) -> Response:
    asked, asks_to_see = _asks_to_see(route, request.query_params)
    asking = Asking(
        actor=who.actor,
        id=_id(request.path_params.get("id")) if route.has_id else None,
        query=_query(route.query, asked),
        body=_parsed(route.body, raw) if route.body is not None else None,
        idempotency_key=_idempotency_key(request) if route.changes else None,
        name=str(request.path_params["name"]) if route.has_name else None,
    )
    sees = who.is_setup if asks_to_see is None else asks_to_see
    with problems.told():
        found = route.call(asking)
        hidden = json.dumps(masking.masked(json.loads(found))) if isinstance(found, str) else masking.answered(found)
        # What somebody asked to see, they looked at; what was shown without being asked for, if there was anything.
        if sees and not route.changes and (asks_to_see or hidden != found):
            _revealed(route, who, asking, asked, found)
    if not sees:
        found = hidden
    text = found if isinstance(found, str) else found.model_dump_json(by_alias=True)
    return Response(text, media_type="application/json", headers=HEADERS)


def _asks_to_see(route: Route, given: QueryParams) -> tuple[QueryParams, bool | None]:
    """The parameters without `reveal`, and what it says. A proof is asked for as a whole; a change shows nothing."""
    if route.changes:
        return given, None
    values = given.getlist(REVEAL)
    if len(values) > 1 or values not in ([], ["true"], ["false"]):
        raise problems.NotAsked(
            f"`{REVEAL}` is true or false, once", [problems.Fault(field=REVEAL, detail="true or false, once")]
        )
    rest = QueryParams([(name, value) for name, value in given.multi_items() if name != REVEAL])
    return rest, True if route.right == "reveal" else values == ["true"] if values else None


def _revealed(route: Route, who: auth.Caller, asking: Asking, asked: QueryParams, found: Any) -> None:
    """Whoever asks to see personal data may, and it is kept before they do. Raises: NotAllowed."""
    if not gate.may_reveal(who.person, route.path, id=asking.id, name=asking.name):
        raise problems.NotAllowed(f"{who.person.title} does not have the right to reveal here: ask without `{REVEAL}`")
    kind, thing = route.path.split("/")[1], asking.id or asking.name
    if thing is not None:
        reveals.record(who.actor.name, f"{kind}:{thing}", once=who.is_setup)
        return
    shown = len(found.items) if isinstance(found, Page) else 1
    reveals.record_list(who.actor.name, kind, masking.masked(dict(asked)), shown, once=who.is_setup)


def _id(text: Any) -> UUID:
    try:
        found = UUID(text)
    except (ValueError, TypeError, AttributeError):
        found = None
    if found is None or str(found) != str(text).lower():
        raise problems.NotFound("there is nothing with this id: ids are UUIDs")
    return found


def _query(model: type[BaseModel] | None, given: QueryParams) -> Any:
    names = [name for name, _ in given.multi_items()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise problems.NotAsked(
            "a parameter is given twice", [problems.Fault(field=n, detail="given twice") for n in twice]
        )
    if model is None:
        if names:
            raise problems.NotAsked(
                "this route takes no parameters", [problems.Fault(field=n, detail="not known here") for n in names]
            )
        return None
    return problems.checked("a parameter is wrong", lambda: model.model_validate_strings(dict(given), strict=False))


def _parsed(model: type[Asked], raw: bytes) -> Any:
    try:
        strict.check(raw)
    except strict.NotJson as wrong:
        raise problems.NotAsked(f"the body: {wrong}") from None
    kept = strict.with_verbatim(raw, model.verbatim)
    return problems.checked("a member of the body is wrong", lambda: model.model_validate_json(kept))


def _idempotency_key(request: Request) -> str | None:
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    key = values[0]
    if len(values) > 1 or not key or len(key) > idempotency.KEY_MAX or not _visible(key):
        raise problems.NotAsked("Idempotency-Key must be given once: 1 to 200 visible ASCII characters")
    return key


def _visible(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


async def _body(request: Request) -> bytes:
    if bodies.kind_of(request) != "application/json":
        raise problems.WrongType("send the body as `Content-Type: application/json`")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise problems.WrongType("send the body uncompressed")
    return await bodies.read(request, "body")
