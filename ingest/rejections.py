"""Refused requests, counted in memory; the admission loop writes them once a second, so an attack costs no commits."""

from collections import Counter
from datetime import datetime

from counterfoil import clock, keys
from counterfoil.ledger.reject import Counted, Refused
from counterfoil.telemetry import metrics, wide
from ingest.answers import Problem

#: Between two writes (seconds).
FLUSH_SECONDS = 1.0
#: Samples kept per write; what comes on top is only counted.
SAMPLES_PER_FLUSH_MAX = 100
#: Kept while Postgres is away: one counter per minute, source and reason, i.e. about a day of a broad attack.
COUNTERS_MAX = 20_000
#: The source under which requests for no known source are counted; never the sender's own word for it.
UNKNOWN = "unknown"


class Rejections:
    """What was refused since the last write."""

    def __init__(self) -> None:
        """Start with nothing refused."""
        self._counts: Counter[tuple[datetime, str, str]] = Counter()
        self._samples: list[Refused] = []
        self._written_at = 0.0

    def add(self, source: str, problem: Problem, *, client: str | None = None, body_bytes: int | None = None) -> None:
        """Count one refused request and perhaps keep it as a sample; nothing of its content."""
        now = clock.now()
        metrics.rejections.labels(source, problem.reason).inc()
        key = (now.replace(second=0, microsecond=0), source, problem.reason)
        if key in self._counts or len(self._counts) < COUNTERS_MAX:
            self._counts[key] += 1
        if len(self._samples) < SAMPLES_PER_FLUSH_MAX:
            self._samples.append(
                Refused(
                    keys.new_id(),
                    source,
                    problem.status,
                    problem.reason,
                    problem.detail,
                    body_bytes,
                    client,
                    now,
                )
            )

    def due(self, ticks_seconds: float) -> bool:
        """Whether there is something to write and the last write is long enough ago."""
        return bool(self._counts) and ticks_seconds - self._written_at >= FLUSH_SECONDS

    def take(self, ticks_seconds: float) -> tuple[list[Counted], list[Refused]]:
        """Hand over everything for writing, and say so in one line."""
        counts = [Counted(*key, count) for key, count in self._counts.items()]
        samples, self._samples = self._samples, []
        self._counts = Counter()
        self._written_at = ticks_seconds
        reasons: Counter[str] = Counter()
        for counted in counts:
            reasons[f"{counted.source}:{counted.reason}"] += counted.times
        wide(
            "requests.refused",
            count=sum(reasons.values()),
            reasons=[f"{reason} {count}" for reason, count in reasons.most_common()],
        )
        return counts, samples

    def give_back(self, counts: list[Counted]) -> None:
        """Keep counts that could not be written; their samples are let go."""
        for minute, source, reason, times in counts:
            self._counts[(minute, source, reason)] += times
