"""One account at a stand-in as a destination sees it, and the course of a write there until it is settled."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from destinations import http as wire
from destinations.base import Effect
from destinations.http import Http
from destinations.remote import Attempt, Finding, Image, Remote, Sent
from sandbox.standin.base import Standin
from sandbox.standin.clock import MovableClock
from sandbox.standin.exchange import Exchange
from sandbox.standin.transport import InProcess

#: Some time in November 2026.
BEGIN = 1_795_000_000.0
#: How long after an unknown outcome it is asked what became of it: at once, hours later, when every key is forgotten.
WAITS = {"soon": 15.0, "hours": 6 * 3600.0, "days": 50 * 3600.0}
#: Looks and attempts after which a write that is not settled never will be.
STEPS_MAX = 40


class NeverSettled(AssertionError):
    """The course of a write did not end."""


@dataclass(frozen=True)
class Place:
    """How the stand-in of one destination is set up, and what people and their software call it."""

    make: Callable[[Callable[[], float], random.Random], Standin]
    base: str
    #: Environment with the writing credential; with the one that only reads in its place.
    settings: Mapping[str, str]
    read_only: Mapping[str, str]
    #: The state without what may differ after a write was taken back: times, events, marks, what is ended.
    plain: Callable[[dict[str, Any]], Any]
    #: What no sentence may contain.
    secrets: tuple[str, ...]
    #: Which requests change nothing there.
    is_read: Callable[[str, str], bool]


@dataclass
class Side:
    """A stand-in with its clock, and the destination's two clients of it."""

    destination: Remote
    place: Place
    exchange: Exchange
    clock: MovableClock
    client: Http
    reader: Http
    #: Every sentence that the destination said.
    details: list[str] = field(default_factory=list)

    def do(self, **action: Any) -> dict[str, Any]:
        """What a person does by hand."""
        done: dict[str, Any] = self.exchange.locked(lambda: self.exchange.standin.do(action))
        return done

    def state(self) -> dict[str, Any]:
        """All objects, as they stand."""
        encoded = self.exchange.locked(lambda: msgspec.json.encode(self.exchange.standin.state()))
        state: dict[str, Any] = msgspec.json.decode(encoded)
        return state

    def plain(self) -> Any:
        """The state as far as two of them can be compared."""
        return self.place.plain(self.state())

    def now(self) -> datetime:
        """The stand-in's time, which is the worker's too."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def wrote(self) -> list[str]:
        """Requests so far that were not GETs."""
        return [f"{entry.method} {entry.path}" for entry in self.exchange.journal if entry.method != "GET"]

    # What the engine calls, with every sentence noted

    def look(self, effect: Effect) -> Image | None:
        """The pre-image, where the operation has one."""
        looks = self.destination.operations[effect.operation].looks
        return self.destination.look(self.reader, effect) if looks else None

    def send(self, effect: Effect, image: Image | None = None, client: Http | None = None) -> Sent:
        """One attempt."""
        sent = self.destination.send(client or self.client, effect, effect.key, image)
        self.details.append(sent.detail)
        return sent

    def probe(self, effect: Effect, image: Image | None, first: datetime, last: datetime) -> Finding:
        """What became of it."""
        attempt = Attempt(effect.key, first, last, self.now(), image)
        finding = self.destination.probe(self.client, effect, attempt)
        self.details.append(finding.detail)
        return finding

    def read_back(self, effect: Effect, sent: Sent) -> list[str]:
        """What does not stand."""
        found = self.destination.read_back(self.client, effect, sent)
        self.details += found
        return found


@contextmanager
def side_of(destination: Remote, place: Place, *, read_only: bool = False) -> Iterator[Side]:
    """A fresh side; `read_only`: whoever writes has the credential that only reads."""
    clock = MovableClock(at=BEGIN)
    exchange = Exchange(place.make(clock, random.Random(1)), clock, random.Random(2))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (place.read_only if read_only else place.settings).items():
            patch.setenv(name, value)
        patch.setitem(wire.IN_PROCESS, place.base, InProcess(exchange, clock.advance))
        client, reader = destination.connect(write=True), destination.connect(write=False)
        yield Side(destination, place, exchange, clock, client, reader)
        client.close()
        reader.close()


class Lying(httpx.BaseTransport):
    """Says yes and does nothing: writes are answered by a twin of the stand-in that nobody asks again."""

    def __init__(self, real: Exchange, twin: Exchange, is_read: Callable[[str, str], bool]) -> None:
        self._real, self._twin = InProcess(real), InProcess(twin)
        self._is_read = is_read

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        to = self._real if self._is_read(request.method, request.url.path) else self._twin
        return to.handle_request(request)


@dataclass
class Course:
    """What became of one write: how it ended, and what was found on the way."""

    sent: Sent | None = None
    reference: str | None = None
    receipt: Mapping[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def settle(side: Side, effect: Effect, image: Image | None, waits: Iterator[float], count: Callable[[], int]) -> Course:
    """Send it as the engine does until it is settled: again only when it certainly did not happen, and never after the
    key's life without looking. Every finding is compared with what stands. Raises: NeverSettled.
    """
    course, lifetime = Course(), side.destination.operations[effect.operation].key_lifetime_seconds
    first = last = side.now()
    is_sending = True
    for _ in range(STEPS_MAX):
        if not is_sending:
            finding = side.probe(effect, image, first, last)
            course.findings.append(finding)
            if finding.outcome == "happened":
                assert count() == 1, finding
                course.reference, course.receipt = finding.reference, finding.receipt
                return course
            assert finding.outcome == "unknown" or count() == 0, finding
            is_sending = finding.outcome == "did_not_happen"
            if not is_sending:
                side.clock.advance(next(waits))
            continue
        last = side.now()
        course.sent = sent = side.send(effect, image)
        if sent.meaning in ("done", "already", "refused"):
            course.reference, course.receipt = sent.reference, sent.receipt
            return course
        if sent.meaning == "retry":
            assert count() == 0, "it said that it was certainly not done"
        side.clock.advance(max(sent.after_seconds or 0.0, next(waits)))
        is_old = lifetime is not None and (side.now() - first).total_seconds() >= lifetime
        is_sending = sent.meaning == "retry" and not is_old
    raise NeverSettled(f"{course.sent}, {course.findings[-1:]}")
