"""A delivery may take the short way or the long one through the listener: nobody can tell from the answer."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ingest.direct import Arrivals, Delivery

#: Changes to a request that lead it off the short way, and change nothing else.
DETOURS = ["?a=b", "Connection: close\r\n", "Expect: 100-continue\r\n"]


@pytest.fixture
def short_ways(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the requests that took the short way."""
    taken: list[int] = []
    complete = Delivery.complete

    def counted(self: Delivery) -> None:
        taken.append(1)
        complete(self)

    monkeypatch.setattr(Delivery, "complete", counted)
    return taken


def a_request(body: bytes, headers: dict[str, str], detour: str) -> bytes:
    """One request, by the short way unless there is a detour."""
    query, extra = (detour, "") if detour.startswith("?") else ("", detour)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"POST /webhooks/stripe{query} HTTP/1.1\r\nHost: d\r\n{lines}{extra}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@pytest.mark.parametrize("detour", DETOURS)
@pytest.mark.parametrize(
    ("kind", "status"),
    [("honest", 200), ("unsigned", 401), ("tampered", 401), ("not json", 400), ("text", 415), ("gzip", 415)],
)
def test_both_ways_give_the_same_answer(
    running: Any,
    short_ways: list[int],
    a_stripe_event: Callable[..., bytes],
    sign_stripe: Callable[[bytes], dict[str, str]],
    detour: str,
    kind: str,
    status: int,
) -> None:
    """Status, headers and document are alike, for what is accepted and for what is refused."""
    body = b"hello" if kind == "not json" else a_stripe_event()
    headers = {"Content-Type": "text/plain" if kind == "text" else "application/json", **sign_stripe(body)}
    if kind == "unsigned":
        headers = {"Content-Type": "application/json"}
    if kind == "gzip":
        headers["Content-Encoding"] = "gzip"
    if kind == "tampered":
        body = body.replace(b"4200", b"4201")
    running.stripe(a_stripe_event())
    short_ways.clear()
    short = running.raw(a_request(body, headers, ""))
    assert len(short_ways) == (status in (200, 400, 401))
    long = running.raw(a_request(body, headers, detour))
    assert len(short_ways) == (status in (200, 400, 401)), "the detour was none"
    assert short.status == long.status == status
    assert short.json == long.json
    for answer in (short, long):
        del answer.headers["date"]
        answer.headers.pop("connection", None)
    assert short.headers == long.headers


def test_a_delivery_that_cannot_be_taken_costs_the_others_nothing() -> None:
    """Of three that arrive in one turn the second fails: it is cut off, the other two are taken, in order."""
    told: list[str] = []

    class Arrived(Delivery):
        __slots__ = ("name",)

        def __init__(self, name: str) -> None:
            self.name = name

        def take(self) -> None:
            told.append(f"take {self.name}")
            if self.name == "second":
                raise RuntimeError("made up")

        def abort(self) -> None:
            told.append(f"abort {self.name}")

    async def turn() -> None:
        arrivals = Arrivals()
        for name in ("first", "second", "third"):
            arrivals.add(Arrived(name))
        assert not told, "nobody is taken before all have been read"
        await asyncio.sleep(0)

    asyncio.run(turn())
    assert told == ["take first", "take second", "abort second", "take third"]
