"""From the table of pages to answers: session, right, the form's own proof, the page's function, HTML.

cookie ─▶ session ─▶ right ─▶ (a form: same origin, token) ─▶ function ─▶ template | elsewhere
            │           └ no: a page that says who could
            └ none: to sign-in, and back afterwards
"""

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from console import bodies, masking, problems
from console.access import browsers, gate, sessions, whence
from console.access.sessions import Session
from console.pages import render
from console.pages.page import Answer, File, Go, Page, Shown, Visit
from console.pages.table import PAGES
from console.queries import looks
from counterfoil import clock, telemetry

#: Nothing from elsewhere, nothing written into the page itself; no page of others shows ours in a frame.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: Of a form; the longest names 200 cases with what was shown of each.
FIELDS_MAX = 2000
#: The sentence after a change waits so long for the page that it is shown on.
SAID_SECONDS = 60
#: What a page sends along that looks again by itself.
LIVE = "x-live"

Answering = Callable[[Request], Awaitable[Response]]


def said_cookie() -> str:
    """What a page says once after a form, carried by the browser; over TLS no host beside us can put words there."""
    return "__Host-counterfoil_said" if sessions.is_secure() else "counterfoil_said"


def by_path() -> dict[str, dict[str, Answering]]:
    """Every page's path with its methods."""
    found: dict[str, dict[str, Answering]] = {"/static/{name}": {"GET": _file}}
    for page in PAGES:
        found.setdefault(page.path, {})[page.method] = _answering(page)
    return found


def _answering(page: Page) -> Answering:
    async def answering(request: Request) -> Response:
        started = clock.ticks_seconds()
        pairs: list[tuple[str, str]] = []
        try:
            if page.method == "POST":
                pairs = await _form(request)
            response = await run_in_threadpool(_answer, page, request, pairs)
        except problems.Problem as problem:
            response = _page(request, None, _refusal(problem), _visit(request, None, pairs))
        except Exception as failure:
            telemetry.log.error("page.failed", path=page.path, reason=type(failure).__name__, exc_info=True)
            telemetry.report_failure(failure, failure_class="handler_bug", owner=None, handler="console", event_id=None)
            bug = problems.Bug("this is our fault and was reported")
            response = _page(request, None, _refusal(bug), _visit(request, None, pairs))
        telemetry.wide(
            "page.answered",
            route=f"{page.method} {page.path}",
            status=response.status_code,
            seconds=round(clock.ticks_seconds() - started, 4),
        )
        return response

    return answering


def _answer(page: Page, request: Request, pairs: list[tuple[str, str]]) -> Response:
    """In a thread: everything that may wait for the database."""
    session = sessions.find(request.cookies.get(sessions.cookie_name()), by_itself=LIVE in request.headers)
    visit = _visit(request, session, pairs, page.fixed)
    try:
        if page.right is not None:
            if session is None:
                return _to_sign_in(page, visit)
            asked, given = session.person, visit.path
            place = {"id": given.get("id"), "name": given.get("name")}
            gate.check(asked, page.right, page.path, **place, fresh=session.fresh)
            if page.right == "look" and not page.own and not gate.may_reveal(asked, page.path, **place):
                # Only for this answer: threads of the pool run in a context of their own.
                render.hides.set(frozenset({*visit.query.values(), *visit.form.values()}))
        if page.method == "POST":
            _came_from_us(page, request, visit)
        with problems.told():
            found = page.call(visit)
        if page.method == "POST" and isinstance(found, Go) and session is not None and "id" in visit.path:
            looks.forget(session.person.name, visit.one)
    except problems.ProofNeeded as needed:
        found = Go(f"/sign-in/again?{urlencode({'next': _stands_on(page, visit)})}", needed.detail)
    except problems.Problem as problem:
        found = _again(page, visit, problem)
    return _page(request, session, found, visit)


def _stands_on(page: Page, visit: Visit) -> str:
    """The address of the page that a form was sent from."""
    return re.sub(r"\{(\w+)(?::path)?\}", lambda match: quote(visit.path.get(match[1], "")), page.on) or "/"


def _again(page: Page, visit: Visit, problem: problems.Problem) -> Answer:
    """The page that the form stands on, with what was wrong; else a page that says only that."""
    origin = next((one for one in PAGES if (one.method, one.path) == ("GET", page.on)), None)
    if origin is None or problem.status in (401, 403, 404):
        return _refusal(problem)
    try:
        with problems.told():
            found = origin.call(visit)
    except problems.Problem:
        return _refusal(problem)
    if not isinstance(found, Shown):
        return _refusal(problem)
    return found._replace(data={**found.data, "problem": problem.shown()}, status=problem.status)


async def nowhere(request: Request) -> Response:
    """For a browser at an address that no page has."""
    return await run_in_threadpool(_nowhere, request)


def _nowhere(request: Request) -> Response:
    session = sessions.find(request.cookies.get(sessions.cookie_name()), by_itself=True)
    problem = problems.NotFound("there is no page at this address: go on from your desk, or search for what you want")
    return _page(request, session, _refusal(problem), _visit(request, session, []))


def _refusal(problem: problems.Problem) -> Shown:
    return Shown("error.html", problem.title, {"problem": problem.shown()}, problem.status)


def _page(request: Request, session: Session | None, found: Answer, visit: Visit) -> Response:
    if isinstance(found, File):
        disposition = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
        headers = {**HEADERS, "Content-Disposition": disposition}
        # What is sent later is sent by another thread, which does not know for whom.
        hides = render.hides.get() is not None
        pieces = [found.content] if isinstance(found.content, str) else found.content
        content = (masking.text(piece) if hides else piece for piece in pieces)
        return StreamingResponse(content, media_type=found.media_type, headers=headers)
    if isinstance(found, Go):
        return _elsewhere(found)
    shown: dict[str, Any] = {"problem": None, **found.data}
    shown |= {
        "title": found.title,
        "visit": visit,
        "session": session,
        "person": session.person if session else None,
        "now": visit.now,
        "said": unquote(request.cookies.get(said_cookie(), "")),
    }
    html = render.templates().get_template(found.template).render(shown)
    response = Response(html, found.status, {**HEADERS}, "text/html; charset=utf-8")
    if said_cookie() in request.cookies:
        response.delete_cookie(said_cookie(), path="/", secure=sessions.is_secure(), httponly=True, samesite="lax")
    return response


def _elsewhere(found: Go) -> Response:
    response = RedirectResponse(found.to, 303, HEADERS)
    secure = sessions.is_secure()
    if found.said:
        response.set_cookie(
            said_cookie(), quote(found.said), SAID_SECONDS, path="/", secure=secure, httponly=True, samesite="lax"
        )
    if found.session:
        response.set_cookie(
            sessions.cookie_name(), found.session, path="/", secure=secure, httponly=True, samesite="lax"
        )
        if found.known:
            response.set_cookie(
                browsers.cookie_name(),
                found.known,
                browsers.KNOWN_SECONDS,
                path="/",
                secure=secure,
                httponly=True,
                samesite="lax",
            )
    elif found.session is not None:
        response.delete_cookie(sessions.cookie_name(), path="/", secure=secure, httponly=True, samesite="lax")
    return response


def _to_sign_in(page: Page, visit: Visit) -> Response:
    """What a form held is not kept: whoever was signed out looks again before they decide."""
    back = visit.url if page.method == "GET" else page.on if "{" not in page.on else "/"
    return RedirectResponse(f"/sign-in?{urlencode({'next': back or '/'})}", 303, HEADERS)


def _came_from_us(page: Page, request: Request, visit: Visit) -> None:
    """A form of ours, sent by a page of ours. Raises: NotAllowed."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if site not in ("same-origin", "none") or (
        origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    ):
        raise problems.NotAllowed("this form was not sent by a page of this console")
    if page.right is None:
        return
    assert visit.session is not None, "Bug: a right without a session"
    if not hmac.compare_digest(visit.form.get("csrf", "").encode(), visit.session.csrf.encode()):
        raise problems.NotAllowed("this page is from an earlier sign-in: load it again, then send the form")


def _visit(
    request: Request, session: Session | None, pairs: list[tuple[str, str]], fixed: Mapping[str, str] | None = None
) -> Visit:
    path = {**{name: str(value) for name, value in request.path_params.items()}, **(fixed or {})}
    many: dict[str, list[str]] = {}
    for name, value in pairs:
        many.setdefault(name, []).append(value)
    return Visit(
        session=session,
        path=path,
        query=dict(request.query_params),
        form={name: values[-1] for name, values in many.items()},
        many=many,
        url=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        now=clock.now(),
        address=whence.address(request.client.host if request.client else "", request.headers),
        token=request.cookies.get(sessions.cookie_name(), ""),
        known=request.cookies.get(browsers.cookie_name(), ""),
        agent=request.headers.get("user-agent", "")[:300],
    )


async def _form(request: Request) -> list[tuple[str, str]]:
    if bodies.kind_of(request) != "application/x-www-form-urlencoded":
        raise problems.WrongType("send the form as a browser does")
    sent = await bodies.read(request, "form")
    try:
        # Browsers send line ends as CR LF; what a person edits has LF.
        text = sent.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise problems.NotAsked("the form cannot be read") from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise problems.NotAsked("the form holds a NUL character")
    return [(name, value.replace("\r\n", "\n")) for name, value in pairs]


async def _file(request: Request) -> Response:
    found = render.files().get(request.path_params["name"])
    if found is None:
        return _page(request, None, _refusal(problems.NotFound("there is no such file")), _visit(request, None, []))
    return Response(
        found[1],
        media_type=found[0],
        headers={"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"},
    )
