"""What the listener does to clients that are slow, too many, or put several requests on one connection."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ingest.limits import Limits

#: Deadlines short enough to wait for; everything else as shipped.
QUICK = Limits(head_seconds=0.6, body_seconds=0.6, idle_seconds=0.6, linger_seconds=0.3, answer_seconds=0.6)

HEAD = b"POST /webhooks/stripe HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"

OpenDoor = Callable[..., Any]


def a_request(body: bytes, sign: Callable[[bytes], dict[str, str]], extra: str = "") -> bytes:
    """An honest request, as bytes."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in sign(body).items())
    return (
        f"POST /webhooks/stripe HTTP/1.1\r\nHost: door.test\r\nContent-Type: application/json\r\n{headers}{extra}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@pytest.fixture
def good(a_stripe_event: Any, sign_stripe: Any) -> Callable[..., bytes]:
    """Makes honest requests: `good("evt_7")`."""
    return lambda id="evt_1", extra="": a_request(a_stripe_event(id), sign_stripe, extra)


def trickle(connection: socket.socket, data: bytes, pause: float) -> threading.Thread:
    """Send byte by byte from another thread."""

    def run() -> None:
        for byte in data:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return
            time.sleep(pause)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("name", "cut", "pause"),
    [
        ("half a line, then silence", 10, None),
        ("half a head, then silence", 60, None),
        ("a head in drops", 100, 0.1),
        ("a head without its body", -200, None),
        ("half a body, then silence", -20, None),
        ("a body in drops", -100, 0.1),
    ],
)
def test_a_slow_request_is_cut_at_its_deadline(
    open_door: OpenDoor, read_reply: Any, good: Any, name: str, cut: int, pause: float | None
) -> None:
    """408 within the deadline (and what the watch adds), counted from the start: drops do not extend it."""
    running = open_door(QUICK)
    data = good()
    with running.connect() as connection:
        began = time.monotonic()
        if pause is None:
            connection.sendall(data[:cut])
        else:
            at = 20 if cut > 0 else len(data) + cut
            connection.sendall(data[:at])
            trickle(connection, data[at:-1], pause)
        with connection.makefile("rb") as stream:
            reply = read_reply(stream)
        took = time.monotonic() - began
    assert reply.status == 408
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["connection"] == "close"
    assert 0.5 < took < 1.5
    assert running.rows("SELECT 1 FROM events") == []
    assert running.raw(good()).status == 200


def test_a_silent_connection_is_closed(open_door: OpenDoor) -> None:
    """One that says nothing gets nothing said, only an end; so does one that sends blank lines for ever."""
    running = open_door(QUICK)
    with running.connect() as silent, running.connect() as blank:
        trickle(blank, b"\r\n" * 50, 0.1)
        for connection in (silent, blank):
            connection.settimeout(3)
            began = time.monotonic()
            assert connection.recv(100) == b""
            assert time.monotonic() - began < 2


def test_an_idle_connection_is_kept_and_then_closed(open_door: OpenDoor, read_reply: Any, good: Any) -> None:
    """Requests follow one another on a connection; after `idle_seconds` without one it ends."""
    running = open_door(QUICK)
    with running.connect() as connection, connection.makefile("rb") as stream:
        for number in range(3):
            connection.sendall(good(f"evt_{number}"))
            assert read_reply(stream).json["accepted"] == 1
            time.sleep(0.4)
        began = time.monotonic()
        assert read_reply(stream) is None
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("cut", [30, -100, -1])
def test_a_truncated_request_leaves_nothing(running: Any, good: Any, cut: int) -> None:
    """Who closes before the end has sent nothing: no event, no rejection for it, no answer owed."""
    with running.connect() as connection:
        connection.sendall(good()[:cut])
    time.sleep(0.2)
    assert running.rows("SELECT 1 FROM events") == []
    assert running.raw(good()).status == 200


def test_a_client_that_leaves_after_its_request_is_recorded(running: Any, good: Any, wait_until: Any) -> None:
    """A complete request counts whether or not anybody reads the answer."""
    with running.connect() as connection:
        connection.sendall(good())
    wait_until(lambda: len(running.rows("SELECT 1 FROM events")) == 1, 3)


def test_pipelined_requests_are_answered_in_order(running: Any, read_reply: Any, good: Any) -> None:
    """Ten requests in one packet: ten answers, each its own."""
    with running.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(b"".join(good(f"evt_{number}") for number in range(1, 11)))
        keys = [read_reply(stream).json["events"][0]["key"] for _ in range(10)]
    assert keys == [f"evt_{number}" for number in range(1, 11)]


@pytest.mark.parametrize("bad", [b"GARBAGE\r\n\r\n", b"POST / HTTP/1.1\r\nX: y\r\n\r\n"])
def test_a_bad_request_behind_a_good_one_does_not_take_its_answer(
    running: Any, read_reply: Any, good: Any, bad: bytes
) -> None:
    """The good one is recorded and answered 200 first, then the bad one 400, then the connection ends."""
    with running.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(good("evt_1") + good("evt_2") + bad + good("evt_3"))
        assert [read_reply(stream).status for _ in range(3)] == [200, 200, 400]
        assert read_reply(stream) is None
    assert [row["key"] for row in running.rows("SELECT key FROM events ORDER BY key")] == ["evt_1", "evt_2"]


def test_nothing_is_read_behind_connection_close(running: Any, read_reply: Any, good: Any) -> None:
    """A request behind one that said it was the last is not a request."""
    with running.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(good("evt_1", "Connection: close\r\n") + good("evt_2"))
        assert read_reply(stream).status == 200
        last = read_reply(stream)
        assert last is None or last.status == 400
    assert [row["key"] for row in running.rows("SELECT key FROM events")] == ["evt_1"]


def test_a_smuggled_request_is_not_seen(running: Any, read_reply: Any, good: Any) -> None:
    """With two framings in one head the whole connection ends; what one reader would take for a second request is
    never read."""
    hidden = good("evt_hidden")
    smuggling = good("evt_1", f"Transfer-Encoding: chunked\r\nX-Len: {len(hidden)}\r\n") + b"0\r\n\r\n" + hidden
    with running.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(smuggling)
        assert read_reply(stream).status == 400
        assert read_reply(stream) is None
    assert running.rows("SELECT 1 FROM events") == []


def test_a_refused_client_gets_to_read_why_while_it_still_sends(open_door: OpenDoor, read_reply: Any) -> None:
    """The answer to a body that is too large is not lost to a reset, although most of the body was never read."""
    running = open_door()
    head = HEAD % 9_000_000
    with running.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(head)
        for _ in range(20):
            connection.sendall(b"x" * 10_000)
            time.sleep(0.01)
        assert read_reply(stream).status == 413


def test_an_answer_before_the_end_of_the_body_does_not_confuse_the_next_request(
    running: Any, read_reply: Any, good: Any
) -> None:
    """A 404 leaves as soon as the head is there; the body that follows is thrown away, then the next one counts."""
    body = b"x" * 50_000
    head = f"POST /webhooks/nobody HTTP/1.1\r\nHost: d\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with running.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(head)
        assert read_reply(stream).status == 404
        connection.sendall(body + good())
        assert read_reply(stream).json["accepted"] == 1


def test_a_body_behind_an_early_answer_has_a_deadline_too(open_door: OpenDoor, read_reply: Any) -> None:
    """Nobody holds a connection by promising a body to a 404."""
    running = open_door(QUICK)
    with running.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(b"POST /webhooks/nobody HTTP/1.1\r\nHost: d\r\nContent-Length: 50000\r\n\r\n")
        assert read_reply(stream).status == 404
        trickle(connection, b"x" * 100, 0.05)
        began = time.monotonic()
        assert read_reply(stream) is None
        assert time.monotonic() - began < 2


def test_connections_beyond_the_limit_are_refused_and_the_others_served(
    open_door: OpenDoor, read_reply: Any, good: Any
) -> None:
    """503 with Retry-After for the ninth; when one of the eight leaves, there is room again."""
    running = open_door(Limits(connections_max=8, linger_seconds=0.2))
    crowd = [running.connect() for _ in range(8)]
    try:
        with crowd[0].makefile("rb") as stream:
            crowd[0].sendall(good())
            assert read_reply(stream).status == 200
        with running.connect() as late, late.makefile("rb") as stream:
            refused = read_reply(stream)
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) >= 1
    finally:
        for connection in crowd:
            connection.close()
    time.sleep(0.5)
    assert running.raw(good()).status == 200


def test_a_client_that_reads_no_answers_is_cut_off(open_door: OpenDoor, wait_until: Any) -> None:
    """Answers that nobody reads do not hold a connection for ever."""
    running = open_door(QUICK)
    with running.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)

        def flood() -> bool:
            try:
                connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: d\r\n\r\n" * 50)
            except OSError:
                return True
            return False

        wait_until(flood, 8)
    assert running.get("/healthz").status == 200


def test_many_slow_bodies_cannot_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch, running: Any, read_reply: Any, wait_until: Any
) -> None:
    """What all unfinished bodies take together is bounded; beyond it 503, and honest requests go on."""
    monkeypatch.setattr("ingest.reading.READING_BYTES_MAX", 1_000_000)
    head = HEAD % 1_000_000
    crowd = [running.connect() for _ in range(6)]
    statuses = []
    for connection in crowd:
        connection.sendall(head + b"x" * 400_000)
    time.sleep(0.3)
    for connection in crowd:
        connection.settimeout(0.2)
        # Those still being read have no answer yet.
        with connection, suppress(TimeoutError), connection.makefile("rb") as stream:
            statuses.append(read_reply(stream).status)
    assert statuses
    assert set(statuses) == {503}
    wait_until(lambda: running.app.reader.reading_bytes == 0, 3)


def test_a_stopping_door_answers_what_is_in_flight(
    database_url: str, door_over: Any, read_reply: Any, good: Any, holding: Any
) -> None:
    """A request that waits for its commit when the door is told to stop gets its 200, and a new one no connection."""
    with door_over(database_url) as running, running.connect() as connection, connection.makefile("rb") as stream:
        with holding(database_url, "events"):
            connection.sendall(good())
            time.sleep(0.3)
            stopper = threading.Thread(target=running.stop)
            stopper.start()
            time.sleep(0.5)
            with pytest.raises(OSError):
                running.connect(0.5)
        reply = read_reply(stream)
        assert reply.status == 200
        assert json.loads(reply.body)["accepted"] == 1
        stopper.join(10)
        assert len(running.rows("SELECT 1 FROM events")) == 1
