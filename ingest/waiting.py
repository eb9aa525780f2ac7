"""Requests that wait for their commit: a bounded queue in order of arrival, and the two ways not to get through it."""

from collections import deque
from collections.abc import Callable, Sequence

from counterfoil import clock
from counterfoil.ledger.record import NewEvent
from ingest.answers import Problem
from ingest.groups import Verdict
from ingest.known import Again
from ingest.limits import Limits

#: Fewer events than these are not parted, and wait a moment for others: a commit costs Postgres as much as twenty rows.
HALF_EVENTS_MIN = 8


class Unavailable(Problem):
    """Nothing can be committed now; the provider is to come back."""

    def __init__(self) -> None:
        """Say so; our insides are not the sender's business."""
        super().__init__(503, "ledger_unavailable", "The event was not accepted: nothing can be recorded now.")


class Overloaded(Problem):
    """More is waiting than can be committed in time."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(429, "overloaded", "The event was not accepted: too many wait to be recorded.")


class Ticket:
    """One request's events on their way into the ledger; recorded together or not at all."""

    __slots__ = ("_accept", "_done", "_refuse", "count", "events", "since", "size", "source")

    def __init__(
        self,
        source: str,
        events: Sequence[NewEvent] | Again,
        size: int,
        accept: Callable[[list[Verdict]], None],
        refuse: Callable[[Problem], None],
    ) -> None:
        """Take the events of one request, its body's size, and the two ways to answer, of which one is called once."""
        self.source = source
        self.events = events
        self.count = 1 if isinstance(events, Again) else len(events)
        self.size = size
        self.since = clock.ticks_seconds()
        self._accept = accept
        self._refuse = refuse
        self._done = False

    def grant(self, verdicts: list[Verdict]) -> bool:
        """Answer with what became of the events; False if the request was given up before."""
        if self._done:
            return False
        self._done = True
        self._accept(verdicts)
        return True

    def refuse(self, problem: Problem) -> None:
        """Answer with a problem, unless the answer has left already."""
        if not self._done:
            self._done = True
            self._refuse(problem)


class Waiting:
    """The queue before the ledger."""

    def __init__(self, limits: Limits) -> None:
        """Start empty."""
        self._limits = limits
        self._tickets: deque[Ticket] = deque()
        self._bytes = 0
        self._taken_events = 0
        self.events = 0

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._tickets)

    def join(self, ticket: Ticket) -> None:
        """Stand at the end. Raises: Overloaded."""
        limits = self._limits
        if self.events >= limits.waiting_events_max or self._bytes >= limits.waiting_bytes_max:
            raise Overloaded
        self._tickets.append(ticket)
        self.events += ticket.count
        self._bytes += ticket.size

    def _first(self) -> Ticket:
        ticket = self._tickets.popleft()
        self.events -= ticket.count
        self._bytes -= ticket.size
        return ticket

    def take_group(self) -> list[Ticket]:
        """The next requests, as many as one transaction should carry; at least one.

        A group takes half of what is under way, the last one included: so Postgres commits one half while the door
        answers and reads the other. Whoever takes all has the two wait for each other in turn, and keeps it so.
        """
        group: list[Ticket] = []
        half = max((self.events + self._taken_events + 1) // 2, HALF_EVENTS_MIN)
        events_max = min(half, self._limits.group_events_max)
        events = size = 0
        while self._tickets and events < events_max and size < self._limits.group_bytes_max:
            ticket = self._first()
            events += ticket.count
            size += ticket.size
            group.append(ticket)
        self._taken_events = events
        return group

    def refuse_older(self, moment: float) -> None:
        """Give up those that came before this moment."""
        while self._tickets and self._tickets[0].since < moment:
            self._first().refuse(Unavailable())

    def refuse_all(self) -> None:
        """Give up everybody."""
        self.refuse_older(float("inf"))
