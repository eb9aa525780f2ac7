"""What limits the automations: caps and how full they are, the code of a handler over time, what it did lately."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from console.fields import Money
from counterfoil.database import Connection
from counterfoil.ledger import tally
from exceptions_queue.policy import Cap, policy

#: Versions that are shown: as many as a person reads.
VERSIONS_MAX = 20
LATELY = timedelta(hours=24)


class CapNow(NamedTuple):
    """One cap, and how much of it is used within its window."""

    cap: Cap
    writes: int
    accounts: int
    sums: dict[str, int]

    @property
    def share(self) -> float:
        """Of the limit that is nearest."""
        most = [
            *([self.writes / self.cap.count_max] if self.cap.count_max else []),
            *([self.accounts / self.cap.accounts_max] if self.cap.accounts_max else []),
            *(self.sums.get(code, 0) / top for code, top in (self.cap.sum_max_minor or {}).items() if top),
        ]
        return max(most, default=0.0)

    @property
    def used(self) -> list[str | tuple[Money, Money]]:
        """Each limit: how much of how much; money as a pair."""
        cap = self.cap
        said: list[str | tuple[Money, Money]] = []
        if cap.count_max is not None:
            said.append(f"{self.writes:,} of {cap.count_max:,} writes")
        if cap.accounts_max is not None:
            said.append(f"{self.accounts:,} of {cap.accounts_max:,} records")
        for code, top in (cap.sum_max_minor or {}).items():
            pair = Money(amount_minor=self.sums.get(code, 0), currency=code), Money(amount_minor=top, currency=code)
            said.append(pair)
        return said

    @property
    def covers(self) -> str:
        """What it counts, in words."""
        named = [*(self.cap.destination or []), *(self.cap.operation or []), *(self.cap.handler or [])]
        return ", ".join(named) or "every write"


_USED = """
SELECT currency, count(*) AS writes, coalesce(sum(amount_minor), 0)::bigint AS minor FROM cap_uses
WHERE cap = %(cap)s AND at > now() - make_interval(secs => %(seconds)s) GROUP BY currency
"""
_ACCOUNTS = """
SELECT count(DISTINCT account) AS accounts FROM cap_uses
WHERE cap = %(cap)s AND at > now() - make_interval(secs => %(seconds)s)
"""


def caps(conn: Connection, handler: str | None = None) -> list[CapNow]:
    """Every cap as it stands; with a handler, those that could stop it."""
    wanted = [cap for cap in policy().cap if handler is None or cap.handler is None or handler in cap.handler]
    return [_cap(conn, cap) for cap in wanted]


def _cap(conn: Connection, cap: Cap) -> CapNow:
    values = {"cap": cap.name, "seconds": cap.window_seconds}
    rows = conn.execute(_USED, values).fetchall()
    accounts = conn.execute(_ACCOUNTS, values).fetchone()
    assert accounts is not None
    sums = {row["currency"]: row["minor"] for row in rows if row["currency"] is not None}
    return CapNow(cap, sum(row["writes"] for row in rows), accounts["accounts"], sums)


class Lately(NamedTuple):
    """What a handler did in the last day."""

    done: int = 0
    exceptions: int = 0
    whole: int = 0


def lately(conn: Connection, now: datetime) -> Mapping[str, Lately]:
    """Every handler's last day."""
    found: dict[str, Lately] = {}
    for _, numbers in tally.read(conn, _hour(now - LATELY), now):
        for one in numbers.events:
            if one.handler is None:
                continue
            was = found.get(one.handler, Lately())
            found[one.handler] = Lately(
                was.done + (one.count if one.status == "done" else 0),
                was.exceptions + (one.count if one.status == "exception" else 0),
                was.whole + one.count,
            )
    return found


class Version(NamedTuple):
    """One state of a handler's code at work."""

    version: str
    first_at: datetime
    last_at: datetime
    #: Runs of the last day by how they ended.
    ends: dict[str, int]


def versions(conn: Connection, handler: str, now: datetime) -> list[Version]:
    """The states of its code, the newest first, and how each did in the last day."""
    ends: dict[str, dict[str, int]] = {}
    seen: dict[str, tuple[datetime, datetime]] = {}
    for at, numbers in tally.read(conn, _hour(now - LATELY), now):
        for run in numbers.runs:
            if run.handler != handler or run.version is None:
                continue
            of_this = ends.setdefault(run.version, {})
            of_this[run.status] = of_this.get(run.status, 0) + run.count
            seen[run.version] = seen.get(run.version, (at, at))[0], at
    # What ran since the sweeper looked last is not in the table yet.
    for row in conn.execute(
        "SELECT version, first_at, last_at FROM handler_versions WHERE handler = %s ORDER BY last_at DESC LIMIT %s",
        (handler, VERSIONS_MAX),
    ):
        first, last = seen.get(row["version"], (row["first_at"], row["last_at"]))
        seen[row["version"]] = min(first, row["first_at"]), max(last, row["last_at"])
    found = [Version(version, *span, ends.get(version, {})) for version, span in seen.items()]
    return sorted(found, key=_newest)[:VERSIONS_MAX]


def _newest(version: Version) -> tuple[float, float]:
    return -version.last_at.timestamp(), -version.first_at.timestamp()


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def settings_of(conn: Connection, handlers: Iterable[str]) -> dict[str, str]:
    """How far each handler is let out; without a row, fully."""
    rows = conn.execute("SELECT handler, mode FROM rollouts").fetchall()
    known = {row["handler"]: row["mode"] for row in rows}
    return {handler: known.get(handler, "full") for handler in handlers}
