"""Every request passes here, whichever way it came in: one lock, the fault that befalls it, the journal.

What the client then sees (an answer, half of one, a closed connection) is for `serve.py` and `transport.py` to act out.
"""

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sandbox.standin.base import Answer, Ask, Hook, Standin
from sandbox.standin.faults import KINDS, OWN, Ending, Fault, Faults

#: Requests that the journal remembers: more than any test or bench counts, less than a day's memory.
JOURNAL_MAX = 200_000
#: How late a `late` request is when nobody says.
LATE_SECONDS = 5.0
#: 200s that no client can read: a proxy's page, other JSON, half of it, nothing.
GARBAGE = (b"<html><body>It works!</body></html>", b"[]", b"{}", b"null", b'{"id": ', b"")


@dataclass(slots=True)
class Entry:
    """One line of the journal."""

    number: int
    at: float
    method: str
    path: str
    key: str | None  #: what the provider's idempotency header said
    fault: str | None
    executed: bool = False  #: the stand-in was asked; a refusal or a replay is an answer too, see `status`
    status: int | None = None  #: of the provider's answer, whether or not it arrived
    query: list[tuple[str, str]] | None = None
    body: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the control routes."""
        return {name: getattr(self, name) for name in Entry.__slots__}


class Outcome(NamedTuple):
    """What the client is to see."""

    ending: Ending
    answer: Answer | None = None
    seconds: float = 0.0  #: before the answer begins; for a hanging request how long it hangs, 0: to the bound


class Exchange:
    """A stand-in, its faults and its journal."""

    def __init__(self, standin: Standin, now: Callable[[], float], rng: random.Random) -> None:
        """Put them together; `rng` deals the seeded faults and nothing else."""
        self.standin = standin
        self.now = now
        self.faults = Faults(rng, standin.own_faults)
        self._rng = rng
        self._lock = threading.RLock()
        self._late: list[tuple[float, Ask, Entry]] = []
        self._numbers = 0
        self.journal: deque[Entry] = deque(maxlen=JOURNAL_MAX)

    def take(self, ask: Ask) -> Outcome:
        """Let a request in."""
        with self._lock:
            self.catch_up()
            fault = self.faults.take(ask.method, ask.path)
            entry = self._note(ask, fault)
            if fault is None:
                return Outcome("whole", self._execute(ask, entry))
            return self._meet(ask, fault, entry)

    def catch_up(self) -> None:
        """Execute the late requests whose time has come."""
        with self._lock:
            if not self._late:
                return
            due = [late for late in self._late if late[0] <= self.now()]
            self._late = [late for late in self._late if late not in due]
            for _, ask, entry in sorted(due, key=lambda late: late[0]):
                self._execute(ask, entry)

    def hooks(self) -> list[Hook]:
        """The webhooks that are due."""
        with self._lock:
            self.catch_up()
            return self.standin.hooks()

    def settle(self, hook: Hook, *, taken: bool) -> None:
        """Say what became of a webhook."""
        with self._lock:
            (self.standin.taken if taken else self.standin.bounced)(hook)

    def locked(self, use: Callable[[], Any]) -> Any:
        """Do something else with the stand-in, alone."""
        with self._lock:
            self.catch_up()
            return use()

    def reset(self) -> None:
        """A new stand-in in all but its configuration."""
        with self._lock:
            self.standin.reset()
            self.faults.clear()
            self._late.clear()
            self.journal.clear()

    def _meet(self, ask: Ask, fault: Fault, entry: Entry) -> Outcome:
        kind = KINDS.get(fault.kind, OWN)
        if kind.executes and fault.seconds:
            ask = ask._replace(takes_seconds=fault.seconds)
        answer = self._execute(ask, entry) if kind.executes else None
        if fault.kind == "late":
            self._late.append((self.now() + (fault.seconds or LATE_SECONDS), ask, entry))
            return Outcome("hung")
        if fault.kind in ("status_after", "status_kept"):
            answer = self.standin.spoil(ask, fault, answer)
        elif fault.kind == "garbled" and answer is not None:
            answer = Answer(200, self._rng.choice(GARBAGE), answer.headers)
        elif kind.ending == "whole" and answer is None:
            answer = self.standin.refuse(ask, fault)
        if answer is not None:
            entry.status = answer.status
        return Outcome(kind.ending, answer, fault.seconds if kind.ending in ("whole", "half", "hung") else 0.0)

    def _execute(self, ask: Ask, entry: Entry) -> Answer:
        answer = self.standin.answer(ask)
        entry.executed, entry.status = True, answer.status
        return answer

    def _note(self, ask: Ask, fault: Fault | None) -> Entry:
        self._numbers += 1
        name = self.standin.key_header
        entry = Entry(
            self._numbers,
            self.now(),
            ask.method,
            ask.path,
            ask.headers.get(name) if name else None,
            fault.kind if fault else None,
            query=ask.query,
            body=ask.body.decode("utf-8", "replace"),
        )
        self.journal.append(entry)
        return entry
