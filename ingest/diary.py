"""What the door tells about its commits: numbers per group, and one wide line per tenth of a second that had any."""

from collections.abc import Sequence

from counterfoil.telemetry import metrics, wide
from ingest.groups import Group
from ingest.waiting import Ticket


class Diary:
    """Sums up the groups since the last line: under load there are hundreds a second, and a line costs 30 µs."""

    def __init__(self) -> None:
        """Start with nothing to tell."""
        self._begin()

    def _begin(self) -> None:
        self._commits = 0
        self._requests = 0
        self._events = 0
        self._new = 0
        self._slowest_seconds = 0.0
        self._longest_wait_seconds = 0.0
        self._answered: dict[str, int] = {}

    def answered(self, source: str) -> None:
        """Take down a 200; the counter that everybody reads follows with the line, since its lock costs more."""
        self._answered[source] = self._answered.get(source, 0) + 1

    def note(self, group: Group, tickets: Sequence[Ticket], began: float, ended: float) -> None:
        """Take down one commit."""
        self._commits += 1
        self._requests += len(tickets)
        self._events += group.events
        self._slowest_seconds = max(self._slowest_seconds, ended - began)
        self._longest_wait_seconds = max(self._longest_wait_seconds, began - tickets[0].since)
        metrics.admission_group.observe(group.events)
        metrics.admission_seconds.observe(ended - tickets[0].since)
        for source, count in group.new.items():
            self._new += count
            metrics.events_received.labels(source).inc(count)
        for source, count in group.duplicate.items():
            metrics.events_duplicate.labels(source).inc(count)

    def write(self) -> None:
        """Tell it, if there is anything to tell."""
        if self._commits == 0:
            return
        for source, count in self._answered.items():
            metrics.deliveries.labels(source, "200").inc(count)
        wide(
            "events.received",
            commits=self._commits,
            requests=self._requests,
            events=self._events,
            new=self._new,
            slowest_ms=round(self._slowest_seconds * 1000, 2),
            longest_wait_ms=round(self._longest_wait_seconds * 1000, 2),
        )
        self._begin()
