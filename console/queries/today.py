"""What a window of time came to, as a person reads it: volume, ends, speed, cost, money, and what stands open now."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from console.fields import Money
from counterfoil import clock, database
from counterfoil.database import Connection
from counterfoil.ledger import tally
from counterfoil.lifecycle import CASE_LIVE
from exceptions_queue import owners
from exceptions_queue.roster import Roster

WindowName = Literal["1h", "24h", "7d"]


class Window(NamedTuple):
    """How far a look goes back, and how wide one column of its plots is; columns begin at whole ones."""

    words: str
    step: timedelta
    columns: int


WINDOWS: Mapping[str, Window] = {
    "1h": Window("the last hour", timedelta(minutes=5), 12),
    "24h": Window("the last 24 hours", timedelta(hours=1), 24),
    "7d": Window("the last 7 days", timedelta(hours=6), 28),
}
#: How an event stands, as four things that a person tells apart.
ENDS: Mapping[str, str] = {"done": "done", "ignored": "set aside", "superseded": "set aside", "exception": "exception"}
KINDS = ("done", "set aside", "on its way", "exception")


@dataclass(slots=True)
class Count:
    """Events of one column, of one handler, or of a whole window."""

    received: int = 0
    duplicates: int = 0
    ends: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    #: How many ended within each slot of time (`tally.SLOTS_MS`).
    slots: dict[int, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    writes: int = 0
    #: What cases came to block less what they let go, by currency; of columns and the whole only.
    blocked_more: dict[str, int] = field(default_factory=dict)
    #: Of columns and the whole only: a hosted answer is asked for by an event, whichever handler has it.
    runs: int = 0
    cost_micro_usd: int = 0

    def add(self, one: tally.Events) -> None:
        """Count some more events."""
        self.received += one.count
        self.duplicates += one.duplicates
        self.ends[ENDS.get(one.status, "on its way")] += one.count
        if one.slot is not None:
            self.slots[one.slot] = self.slots.get(one.slot, 0) + one.count

    def add_writes(self, one: tally.Writes) -> None:
        """Count some more writes that stand."""
        self.writes += one.count
        if one.currency is not None:
            self.written[one.currency] = self.written.get(one.currency, 0) + one.amount_minor

    def milliseconds(self, share: float) -> float | None:
        """The time within which this share of all ended; between the ends of a slot it is taken as even."""
        whole = sum(self.slots.values())
        wanted, below = share * whole, 0
        for slot, count in sorted(self.slots.items()):
            if count and below + count >= wanted:
                low = tally.SLOTS_MS[slot - 1] if slot > 0 else 0
                high = tally.SLOTS_MS[min(slot, len(tally.SLOTS_MS) - 1)]
                return low + (high - low) * (wanted - below) / count
            below += count
        return None

    @property
    def money(self) -> list[Money]:
        """What was written, by currency."""
        return [Money(amount_minor=minor, currency=code) for code, minor in sorted(self.written.items())]


@dataclass(slots=True)
class Pile:
    """Open cases that have something in common: the person, or the class."""

    key: str
    name: str
    cases: int = 0
    overdue: int = 0
    oldest: datetime | None = None
    stake: dict[str, int] = field(default_factory=dict)

    @property
    def money(self) -> list[Money]:
        """What is at stake, by currency."""
        return [Money(amount_minor=minor, currency=code) for code, minor in sorted(self.stake.items())]


class OldestCase(NamedTuple):
    """The case that is open for longest."""

    id: UUID
    title: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """What stands open at this moment, by person and by class."""

    desks: list[Pile]
    classes: list[Pile]
    oldest: OldestCase | None
    in_doubt: int

    @property
    def cases(self) -> int:
        """How many cases that are."""
        return sum(desk.cases for desk in self.desks)

    @property
    def blocked(self) -> list[Money]:
        """The money that they hold up, by currency."""
        total: dict[str, int] = {}
        for desk in self.desks:
            for code, minor in desk.stake.items():
                total[code] = total.get(code, 0) + minor
        return [Money(amount_minor=minor, currency=code) for code, minor in sorted(total.items())]


@dataclass(frozen=True, slots=True)
class Looked:
    """A window, counted."""

    window: Window
    since: datetime
    until: datetime
    columns: list[tuple[datetime, Count]]
    handlers: list[tuple[str, Count]]
    whole: Count

    def blocked_at_ends(self, now: Money) -> list[int]:
        """What stood blocked at the end of each column, worked back from what stands blocked now."""
        found, stands = [], now.amount_minor
        for _, count in reversed(self.columns):
            # A count that is kept may be a little older than what stands now.
            found.append(max(0, stands))
            stands -= count.blocked_more.get(now.currency, 0)
        return found[::-1]

    @property
    def micro_usd_per_run(self) -> float | None:
        """What one run cost, in millionths of a US dollar."""
        return self.whole.cost_micro_usd / self.whole.runs if self.whole.runs else None


def look(name: WindowName, now: datetime) -> Looked:
    """Count a window that ends now."""
    window = WINDOWS[name]
    since = _begin(now, window)
    with database.transaction() as conn:
        return counted(tally.read(conn, since, now), window, since, now)


def counted(
    spans: Iterable[tuple[datetime, tally.Numbers]], window: Window, since: datetime, until: datetime
) -> Looked:
    """Sum spans up from one moment to another, in columns of the window's width."""
    columns = {since + window.step * number: Count() for number in range(-(-(until - since) // window.step))}
    handlers: dict[str, Count] = defaultdict(Count)
    whole = Count()
    for at, numbers in spans:
        column = columns[since + (at - since) // window.step * window.step]
        for count in (whole, column):
            count.runs += sum(run.count for run in numbers.runs)
            count.cost_micro_usd += numbers.cost_micro_usd
            for moved in numbers.blocked:
                before = count.blocked_more.get(moved.currency, 0)
                count.blocked_more[moved.currency] = before + moved.came_minor - moved.went_minor
        for one in numbers.events:
            for count in (whole, column):
                count.add(one)
            # An event that no handler was found for yet is nobody's.
            if one.handler:
                handlers[one.handler].add(one)
        for write in numbers.writes:
            if write.status == "confirmed":
                for count in (whole, column, *([handlers[write.handler]] if write.handler else [])):
                    count.add_writes(write)
    return Looked(window, since, until, list(columns.items()), _largest(handlers), whole)


def _begin(now: datetime, window: Window) -> datetime:
    """Where the first column begins, so that the running one is the last."""
    seconds = int(window.step.total_seconds())
    running = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)
    return running - window.step * (window.columns - 1)


def _largest(counts: Mapping[str, Count]) -> list[tuple[str, Count]]:
    return sorted(counts.items(), key=lambda item: (-item[1].received, item[0]))


_LIVE = "('" + "', '".join(sorted(state.value for state in CASE_LIVE)) + "')"
_CASES = f"""
SELECT failure_class, source, handler, owner, count(*) AS cases, min(opened_at) AS oldest,
       count(*) FILTER (WHERE status = 'open' AND due_at < now()) AS overdue
FROM cases WHERE status IN {_LIVE} GROUP BY failure_class, source, handler, owner
"""
_STAKES = f"""
SELECT c.failure_class, c.source, c.handler, c.owner, m.currency, sum(m.amount_minor)::bigint AS minor
FROM case_events m JOIN cases c ON c.id = m.case_id
WHERE m.cleared_at IS NULL AND m.currency IS NOT NULL AND m.amount_minor IS NOT NULL AND c.status IN {_LIVE}
GROUP BY c.failure_class, c.source, c.handler, c.owner, m.currency
"""
_OLDEST = f"SELECT id, title, opened_at FROM cases WHERE status IN {_LIVE} AND opened_at = %s LIMIT 1"
_DOUBT = "SELECT count(*) AS n FROM writes WHERE status = 'in_doubt'"


#: From so many open cases on their numbers may be this old: counting fifty thousand takes a twentieth of a second.
MANY = 5_000
MANY_SECONDS = 20.0
_kept: list[tuple[float, Roster, Open]] = []


def stands_open(conn: Connection) -> Open:
    """What waits for people now, and for whom: the roster says it at this moment."""
    roster = owners.roster()
    for at, of, found in _kept:
        if of is roster and clock.ticks_seconds() - at < MANY_SECONDS:
            return found
    found = _counted_now(conn, roster)
    _kept[:] = [(clock.ticks_seconds(), roster, found)] if found.cases >= MANY else []
    return found


def _counted_now(conn: Connection, roster: Roster) -> Open:
    now = clock.now()
    desks: dict[str, Pile] = {}
    classes: dict[str, Pile] = {}

    def piles_of(row: Mapping[str, Any]) -> tuple[Pile, Pile]:
        code = row["failure_class"]
        person = roster.owner_of(code, source=row["source"], handler=row["handler"], assigned=row["owner"], at=now)
        return (
            desks.setdefault(person, Pile(person, roster.people[person].name)),
            classes.setdefault(code, Pile(code, code.replace("_", " "))),
        )

    for row in conn.execute(_CASES):
        for pile in piles_of(row):
            pile.cases += row["cases"]
            pile.overdue += row["overdue"]
            pile.oldest = _earliest((pile.oldest, row["oldest"]))
    for row in conn.execute(_STAKES):
        for pile in piles_of(row):
            pile.stake[row["currency"]] = pile.stake.get(row["currency"], 0) + row["minor"]
    oldest = _earliest(desk.oldest for desk in desks.values())
    first = conn.execute(_OLDEST, (oldest,)).fetchone() if oldest else None
    doubt = conn.execute(_DOUBT).fetchone()
    assert doubt is not None
    return Open(
        _highest(desks),
        _highest(classes),
        None if first is None else OldestCase(**first),
        doubt["n"],
    )


def _highest(piles: Mapping[str, Pile]) -> list[Pile]:
    return sorted(piles.values(), key=lambda pile: (-pile.cases, pile.key))


def _earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
