"""The sources as they are now: what came from each, when last, what the door refused, and what it would take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from console.queries import workflows
from counterfoil import database, keys
from counterfoil.database import Connection
from counterfoil.ledger import tally
from counterfoil.settings import settings
from ingest import providers
from ingest.sources import Source, SourcesUnusable, find_sources

WEEK = timedelta(days=7)
DAY = timedelta(hours=24)


class Refused(NamedTuple):
    """Requests that the door refused for one reason."""

    reason: str
    times: int
    #: What was wrong with the newest of them; never its content.
    detail: str | None
    at: datetime


class SourceNow(NamedTuple):
    """One source."""

    source: Source
    last_at: datetime | None
    events: int
    duplicates: int
    handled: int
    refused: list[Refused]
    #: Types that a handler takes.
    types: list[str]
    url: str

    @property
    def refused_signatures(self) -> int:
        """How many requests could not prove that they come from there."""
        return sum(one.times for one in self.refused if one.reason.startswith("signature"))


class SourcesNow(NamedTuple):
    """Every source, what is wrong with their configuration, and providers that could be set up."""

    every: list[SourceNow]
    problems: list[str]
    others: list[tuple[str, str]]


_LAST = "SELECT max(received_at) AS at FROM events WHERE id >= %s AND source = %s"
_REFUSED = """
SELECT c.source, c.reason, sum(c.count)::bigint AS times, max(c.minute) AS minute,
       max(r.detail) AS detail, max(r.at) AS at
FROM rejection_counts c LEFT JOIN LATERAL (
    SELECT detail, at FROM rejections WHERE source = c.source AND reason = c.reason ORDER BY id DESC LIMIT 1
) r ON true
WHERE c.minute >= %s GROUP BY c.source, c.reason ORDER BY times DESC
"""


def read(now: datetime) -> SourcesNow:
    """Every source as it is configured here."""
    known, problems = _known()
    types: dict[str, set[str]] = {}
    for handler in workflows.every():
        types.setdefault(handler.source, set()).update(handler.types)
    with database.transaction() as conn:
        refused, weeks = _refused(conn, now), _weeks(conn, now)
        every = [
            _source(conn, source, weeks.get(source.name, _Week()), refused.get(name, []), sorted(types.get(name, ())))
            for name, source in known.items()
        ]
    in_use = {source.provider.name for source in known.values()}
    others = [(name, one.secret_env) for name, one in sorted(providers.find().items()) if name not in in_use]
    return SourcesNow(every, problems, others)


def _known() -> tuple[Mapping[str, Source], list[str]]:
    try:
        return find_sources(settings()), []
    except SourcesUnusable as unusable:
        return {}, unusable.problems


def _refused(conn: Connection, now: datetime) -> dict[str, list[Refused]]:
    found: dict[str, list[Refused]] = {}
    for row in conn.execute(_REFUSED, (now - DAY,)):
        one = Refused(row["reason"], row["times"], row["detail"], row["at"] or row["minute"])
        found.setdefault(row["source"], []).append(one)
    return found


@dataclass(slots=True)
class _Week:
    """What came from one source in seven days."""

    events: int = 0
    duplicates: int = 0
    handled: int = 0
    #: The last span of time in which something came.
    span: datetime | None = None


def _weeks(conn: Connection, now: datetime) -> dict[str, _Week]:
    found: dict[str, _Week] = {}
    for at, numbers in tally.read(conn, (now - WEEK).replace(minute=0, second=0, microsecond=0), now):
        for one in numbers.events:
            week = found.setdefault(one.source, _Week())
            week.events, week.duplicates, week.span = week.events + one.count, week.duplicates + one.duplicates, at
            week.handled += one.count if one.handler is not None else 0
    return found


def _source(conn: Connection, source: Source, week: _Week, refused: list[Refused], types: list[str]) -> SourceNow:
    first = None if week.span is None else keys.id_at(week.span - tally.CLOCKS_APART)
    last = conn.execute(_LAST, (first, source.name)).fetchone() if first is not None else None
    base = (settings().public_url or "https://your-host").rstrip("/")
    return SourceNow(
        source,
        last["at"] if last else None,
        week.events,
        week.duplicates,
        week.handled,
        refused,
        types,
        f"{base}/webhooks/{source.name}",
    )
