"""What HTTP itself must not be used for: slow, oversized, ambiguous or smuggled requests, stopped before the app.

uvicorn with httptools is fast and trusting: no deadline for head or body, a megabyte of headers, two hosts, trailers
taken for headers. This protocol stands between. A connection is in one phase, with one deadline:

    idle ──▶ head ──▶ body ──▶ answering ──▶ idle        lingering: refused; what still comes is thrown away

One watch per listener looks at all deadlines four times a second; a timer per request would cost more than they do.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingest.answers import Problem
from ingest.direct import BODY_BYTES_MAX, Arrivals, Delivery
from ingest.heads import bad, check_framing, check_size, head_too_large, header_map, too_large
from ingest.limits import Limits

if TYPE_CHECKING:
    from ingest.endpoint import Endpoint

#: How often deadlines are looked at (seconds): by how much a slow client can be late.
WATCH_SECONDS = 0.25

#: Called for every request that is refused here: the problem and the client's address.
Refused = Callable[[Problem, str | None], None]


def _refuse_silently(_: Problem, __: str | None) -> None:
    """Nobody counts."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Made per listener by `guarded`, which fills in the class attributes."""

    limits: ClassVar[Limits] = Limits()
    refused: ClassVar[Refused] = staticmethod(_refuse_silently)
    endpoints: ClassVar[Mapping[bytes, "Endpoint"]] = {}
    arrivals: ClassVar[Arrivals] = Arrivals()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin idle, with a deadline for the first request's head."""
        super().__init__(*args, **kwargs)
        # uvicorn lets a request follow one that said "Connection: close"; two readers could disagree about it.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self.phase = "idle"
        self.deadline = self.loop.time() + self.limits.head_seconds
        self._fault: Problem | None = None
        self._fed_bytes = 0  #: of a request whose head is not complete
        self._begun = 0  #: requests that began in the bytes just fed
        self._feeding_bytes = 0
        self._body_bytes = 0

    # Coming and going

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, unless there are too many."""
        super().connection_made(transport)  # type: ignore[arg-type]
        if len(self.connections) > self.limits.connections_max:
            self._end(Problem(503, "overloaded", "Too many connections. Send it again a little later.", close=True))

    def on_watch(self, now: float) -> None:
        """Look at this connection's deadline."""
        if now < self.deadline or (self._is_answering() and now < self.deadline + self.limits.answer_seconds):
            return
        if self.phase == "lingering" or self.transport.get_write_buffer_size():
            # Whoever does not read our answers cannot be waited for either.
            self.transport.abort()
        elif self._is_answering():
            # It is we who take long, with something that is put beside the door; requests at the door are bounded.
            self.deadline = now
        elif self.phase == "idle":
            self.transport.close()
            self._linger()
        elif self.phase == "head":
            self._end(Problem(408, "head_too_slow", "The head of the request did not arrive in time.", close=True))
        else:
            self._end(Problem(408, "body_too_slow", "The body did not arrive in time.", close=True))

    # What arrives

    def data_received(self, data: bytes) -> None:
        """Feed the parser; answer what it, or one of the checks below, does not like."""
        if self.phase == "lingering" or self._fault is not None:
            return
        # What of these bytes is head is known only when they begin one; an unfinished head is counted from there.
        begins = self.phase == "idle"
        self._begun = 0
        self._feeding_bytes = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._stumble(error)
            return
        if self._begun == 0 or (self._begun == 1 and begins):
            self._fed_bytes += len(data)
        if self.phase == "head" and self._fed_bytes > self.limits.head_bytes_max + self.limits.target_bytes_max:
            self._end(head_too_large(self.limits))

    def on_message_begin(self) -> None:
        """A request begins: its head has a deadline from here."""
        self.url = b""
        self.headers = []
        self.phase = "head"
        self.deadline = self.loop.time() + self.limits.head_seconds
        self._begun += 1
        self._fed_bytes = 0
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Bound the request target while it arrives."""
        self.url += url
        if len(self.url) > self.limits.target_bytes_max:
            raise Problem(414, "target_too_long", "The request target is too long.", close=True)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes after the body is none."""
        if self.phase != "body":
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Judge the head as a whole, then let the request in."""
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise bad("http_version", "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        if not self.url.startswith(b"/"):
            raise bad("target", "The request target must be a path.")
        if self.parser.should_upgrade():
            # The parser gives up the body of such a request.
            raise bad("upgrade", "This door speaks HTTP/1.1 only; send it without Upgrade.")
        if self._fed_bytes + self._feeding_bytes > self.limits.head_bytes_max:
            check_size(self.headers, self.limits)
        headers = header_map(self.headers)
        length = check_framing(self.headers, headers, version, self.limits)
        self.expect_100_continue = "expect" in headers and headers["expect"].lower() == "100-continue"
        endpoint = self.endpoints.get(self.url)
        if endpoint is None or version != "1.1" or not self._is_plain(endpoint, headers, length):
            self._let_in()
        self.phase = "body"
        self.deadline = self.loop.time() + self.limits.body_seconds

    def _let_in(self) -> None:
        """Hand the request to the application; what uvicorn prepares for it is not made for those that stay outside."""
        url, pairs, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += pairs  # the scope holds this very list
        super().on_headers_complete()

    def _is_plain(self, endpoint: "Endpoint", headers: dict[str, str], length: int | None) -> bool:
        """Take the short way, if this request is fit for it; whatever is not is judged on the long one."""
        if (
            length is None
            or length > BODY_BYTES_MAX
            or self.expect_100_continue
            or self.flow.write_paused
            or (self.cycle is not None and not self.cycle.response_complete)
            or not self.parser.should_keep_alive()
        ):
            return False
        try:
            endpoint.check_head(self.parser.get_method().decode("ascii"), headers)
        except Problem:
            return False
        self.cycle = Delivery(self, endpoint, headers)  # type: ignore[assignment]
        return True

    def on_body(self, body: bytes) -> None:
        """Bound the body while it arrives, also when its length was not announced, or the answer has left."""
        self._body_bytes += len(body)
        if self._body_bytes > self.limits.body_bytes_max:
            raise too_large(self.limits)
        if isinstance(self.cycle, Delivery):
            self.cycle.add(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete: from here on it waits for us."""
        if isinstance(self.cycle, Delivery):
            self.phase = "answering"
            self.deadline = self.loop.time()
            self.cycle.complete()
            return
        super().on_message_complete()
        if self.cycle.response_complete:
            self._rest()
        else:
            self.phase = "answering"
            self.deadline = self.loop.time()

    def on_response_complete(self) -> None:
        """Answered: go on with what is queued behind, or rest. The watch keeps the time; uvicorn's timer is not set."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return self._linger()
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if self._fault is not None and not self._is_answering():
            return self._end(self._fault)
        if self.phase == "answering":
            if self.cycle.response_complete:
                self._rest()
            else:
                self.deadline = self.loop.time()
        # A request behind this one could not be read meanwhile; its time starts now.
        elif self.phase == "head":
            self.deadline = self.loop.time() + self.limits.head_seconds
        elif self.phase == "body" and not self.cycle.response_complete:
            self.deadline = self.loop.time() + self.limits.body_seconds

    # Endings

    def _rest(self) -> None:
        self.phase = "idle"
        self.deadline = self.loop.time() + self.limits.idle_seconds

    def _linger(self) -> None:
        self.phase = "lingering"
        self.deadline = self.loop.time() + self.limits.linger_seconds

    def _stumble(self, error: httptools.HttpParserError) -> None:
        """Answer a request that is not HTTP, or that a check refused."""
        cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else None
        problem = cause if isinstance(cause, Problem) else None
        if problem is None:
            problem = Problem(400, "not_http", "This is not a well-formed HTTP/1.1 request.", close=True)
        if self._is_answering():
            # An earlier request has no answer yet; this one must not be taken for it.
            self._fault = problem
        else:
            self._end(problem)

    def _is_answering(self) -> bool:
        """Whether a complete request on this connection still waits for its answer."""
        if self.cycle is None or self.cycle.response_complete:
            return False
        return bool(self.pipeline) or not self.cycle.more_body

    def _end(self, problem: Problem) -> None:
        """Refuse, and close so that the client gets to read why: first our side, after a while the other."""
        type(self).refused(problem, self.client[0] if self.client else None)
        self.pipeline.clear()
        # This very request may have its answer already, while its body was still on the way.
        answered = self.phase == "body" and self.cycle.response_complete
        if self.cycle is not None and not self.cycle.response_complete:
            # The app must not go on with half a request.
            started = self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if started:
                self.transport.abort()
                return
        self._linger()
        if self.transport.is_closing():
            return
        if not answered:
            self.transport.write(problem.answer().raw(self.server_state.default_headers))
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.flow.resume_reading()
        else:
            self.transport.close()


def guarded(
    limits: Limits, refused: Refused = _refuse_silently, endpoints: Mapping[bytes, "Endpoint"] | None = None
) -> type[GuardedProtocol]:
    """The protocol of one listener; requests to `endpoints` may take the short way."""
    own = {
        "limits": limits,
        "refused": staticmethod(refused),
        "endpoints": endpoints or {},
        "arrivals": Arrivals(),
    }
    return type("ListenerProtocol", (GuardedProtocol,), own)


async def watch(connections: set[Any]) -> None:
    """Look at every connection's deadline, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        now = loop.time()
        for connection in list(connections):
            connection.on_watch(now)
