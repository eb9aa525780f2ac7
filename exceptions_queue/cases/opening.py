"""A group of incidents becomes cases: alike ones share one, whoever of the workers meets them first.

The partial unique index over live cases decides who opens; rows are taken in the order of their fingerprints, so that
two groups can wait for each other but never in a circle. The number of statements does not depend on the group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from counterfoil import audit, clock, keys
from counterfoil.database import Connection
from exceptions_queue import owners, weighing
from exceptions_queue.cases.clearing import clear_elsewhere
from exceptions_queue.cases.incident import Incident
from exceptions_queue.cases.notices import Notice, record_notices
from exceptions_queue.roster import Resolution, Roster

#: The owner hears again when a case has grown this many times over, in events or in money: never once per event.
GROWTH = 10


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case that did not exist before this group."""

    id: UUID
    failure_class: str
    title: str
    owner: str
    events: int


class Opened(dict[UUID, UUID]):
    """Event -> case; with what is new, and the audit entries that belong into the caller's transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.new: list[NewCase] = []
        self.entries: list[audit.Entry] = []
        #: Also for incidents without an event.
        self.by_fingerprint: dict[str, UUID] = {}


@dataclass(slots=True)
class _Case:
    """One case while its group is added: the incidents, then what the database says, then what follows."""

    incidents: list[Incident]
    whose: Resolution
    owner: str = ""
    id: UUID = field(default_factory=keys.new_id)
    is_new: bool = True
    events: int = 0
    told: dict[str, Any] = field(default_factory=dict)
    #: The soonest rung of the ladder that what came in now has made the case dear enough for.
    dear_after: timedelta | None = None

    @property
    def minor(self) -> int:
        """The most that is in this group's incidents in one currency."""
        sums: dict[str, int] = {}
        for one in self.incidents:
            if one.amount_minor is not None and one.currency is not None:
                sums[one.currency] = sums.get(one.currency, 0) + one.amount_minor
        return max(sums.values(), default=0)

    def count(self, fresh: set[tuple[UUID, UUID]]) -> bool:
        """Add what is new to the running totals; True when the owner must hear (again)."""
        added = [one for one in self.incidents if one.event_id is None or (self.id, one.event_id) in fresh]
        self.events += len(added)
        seen: dict[str, int] = self.told.setdefault("seen", {})
        dear = max(seen.values(), default=0)
        for one in added:
            if one.amount_minor is not None and one.currency is not None:
                seen[one.currency] = seen.get(one.currency, 0) + one.amount_minor
        before: Mapping[str, int] = self.told.get("money", {})
        grew = self.events >= GROWTH * max(int(self.told.get("events", 0)), 1) or any(
            total >= max(GROWTH * before.get(currency, 0), 1) for currency, total in seen.items()
        )
        if self.is_new or grew:
            self.told.update(events=self.events, money=dict(seen))
        self._weigh(dear, max(seen.values(), default=0))
        if self.is_new:
            return not self.whose.is_quiet(self.minor)
        # Whoever waits for the digest hears of it when it is not small any more.
        return grew or (self.whose.by_digest and self.dear_after is not None)

    def _weigh(self, before: int, now: int) -> None:
        """A new case has its time from the opening on; one that has become dear may have less of it."""
        reached = [rung.after for rung in self.whose.escalation if before < rung.from_minor <= now]
        self.dear_after = min(reached) if reached and not self.is_new else None


def open_many(conn: Connection, incidents: Sequence[Incident], *, actor: str = "engine") -> Opened:
    """Put every incident into its case, opening those that are missing; owners are told by rows in this transaction.

    Does not audit: the caller appends `entries` with its own, last. An event stands in one case at a time: if it
    failed in another way before, that case lets it go. When the caller also clears events, it does so after this.
    """
    opened = Opened()
    if not incidents:
        return opened
    roster, at = owners.roster(), clock.now()
    cases = _grouped(roster, at, incidents)
    _find_or_open(conn, roster, at, cases)
    fresh = _add_events(conn, cases)
    notices = []
    for case in cases.values():
        if case.count(fresh):
            notices.append(Notice(case.id, "opened" if case.is_new else "grew", case.owner))
    _keep_totals(conn, cases)
    record_notices(conn, notices)
    for fingerprint, case in cases.items():
        opened.by_fingerprint[fingerprint] = case.id
        own = [one.event_id for one in case.incidents if one.event_id is not None and not one.beside]
        opened.update(dict.fromkeys(own, case.id))
        if case.is_new:
            opened.new.append(_new(case))
            opened.entries.append(_entry(case, actor))
    opened.entries += clear_elsewhere(conn, opened, actor=actor)
    return opened


def _grouped(roster: Roster, at: datetime, incidents: Sequence[Incident]) -> dict[str, _Case]:
    """By fingerprint; an event named twice counts as its last word, but for what stands beside it."""
    cases: dict[str, _Case] = {}
    last = {(one.event_id or keys.new_id(), one.fingerprint if one.beside else None): one for one in incidents}
    for one in last.values():
        if one.fingerprint not in cases:
            whose = roster.resolve(one.failure_class, source=one.source, handler=one.handler, at=at)
            cases[one.fingerprint] = _Case([], whose, whose.owner)
        cases[one.fingerprint].incidents.append(one)
    return cases


# Touching an existing case locks it: from here to the commit its totals are ours alone. The order is what keeps two
# groups from waiting for each other.
_FIND_OR_OPEN = """
INSERT INTO cases (id, failure_class, fingerprint, title, detail, source, handler, destination, due_at, ladder_from)
SELECT r.id, r.failure_class, r.fingerprint, r.title, r.detail, r.source, r.handler, r.destination,
       now() + make_interval(secs => r.start_seconds + r.due_seconds), now() + make_interval(secs => r.start_seconds)
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, failure_class text, fingerprint text, title text, detail jsonb,
     source text, handler text, destination text, due_seconds float8, start_seconds float8)
ORDER BY r.fingerprint
ON CONFLICT (fingerprint) WHERE status IN ('open', 'acknowledged', 'snoozed') DO UPDATE SET last_seen_at = now()
RETURNING id, fingerprint, owner, events, detail -> 'told' AS told
"""


def _find_or_open(conn: Connection, roster: Roster, at: datetime, cases: Mapping[str, _Case]) -> None:
    rows = []
    for fingerprint, case in cases.items():
        first, minor = case.incidents[0], case.minor
        rows.append(
            {
                "id": case.id,
                "failure_class": first.failure_class,
                "fingerprint": fingerprint,
                "title": first.title,
                "detail": first.detail,
                "source": first.source,
                "handler": first.handler,
                "destination": first.destination,
                "due_seconds": case.whose.rungs(minor)[0].after.total_seconds(),
                "start_seconds": case.whose.head_start(minor).total_seconds(),
            }
        )
    for row in conn.execute(_FIND_OR_OPEN, (_json(rows),)).fetchall():
        case = cases[row["fingerprint"]]
        case.is_new = row["id"] == case.id
        case.id = row["id"]
        if not case.is_new:
            case.events, case.told = row["events"], row["told"] or {}
        if row["owner"] is not None:
            first = case.incidents[0]
            case.owner = roster.owner_of(
                first.failure_class, source=first.source, handler=first.handler, assigned=row["owner"], at=at
            )


_ADD_EVENTS = """
INSERT INTO case_events AS c (case_id, event_id, run_id, amount_minor, currency, detail)
SELECT r.case_id, r.event_id, r.run_id, r.amount_minor, r.currency, r.detail
FROM jsonb_to_recordset(%s::jsonb)
     AS r(case_id uuid, event_id uuid, run_id uuid, amount_minor bigint, currency text, detail jsonb)
ORDER BY r.case_id, r.event_id
ON CONFLICT (case_id, event_id) DO UPDATE SET seen = c.seen + 1, cleared_at = NULL, run_id = excluded.run_id,
    amount_minor = excluded.amount_minor, currency = excluded.currency, detail = excluded.detail
RETURNING case_id, event_id, seen
"""


def _add_events(conn: Connection, cases: Mapping[str, _Case]) -> set[tuple[UUID, UUID]]:
    """Tie events to their cases; returns the pairs that are new."""
    rows = [
        {
            "case_id": case.id,
            "event_id": one.event_id,
            "run_id": one.run_id,
            "amount_minor": one.amount_minor,
            "currency": one.currency,
            "detail": one.detail,
        }
        for case in cases.values()
        for one in case.incidents
        if one.event_id is not None
    ]
    if not rows:
        return set()
    added = conn.execute(_ADD_EVENTS, (_json(rows),)).fetchall()
    return {(row["case_id"], row["event_id"]) for row in added if row["seen"] == 1}


_KEEP_TOTALS = """
UPDATE cases c SET events = r.events, detail = c.detail || jsonb_build_object('told', r.told), dollars = r.dollars,
    ladder_from = CASE WHEN r.dear_seconds IS NULL THEN c.ladder_from ELSE least(c.ladder_from, now()) END,
    due_at = CASE WHEN c.status <> 'open' OR r.dear_seconds IS NULL THEN c.due_at ELSE least(c.due_at,
        greatest(now(), least(c.ladder_from, now()) + make_interval(secs => r.dear_seconds))) END
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, events int, told jsonb, dollars float8, dear_seconds float8)
WHERE c.id = r.id
"""


def _keep_totals(conn: Connection, cases: Mapping[str, _Case]) -> None:
    rows = [
        {
            "id": case.id,
            "events": case.events,
            "told": case.told,
            "dollars": weighing.dollars(case.told.get("seen", {}).items()),
            "dear_seconds": None if case.dear_after is None else case.dear_after.total_seconds(),
        }
        for case in cases.values()
    ]
    conn.execute(_KEEP_TOTALS, (_json(rows),))


def _new(case: _Case) -> NewCase:
    first = case.incidents[0]
    return NewCase(case.id, first.failure_class, first.title, case.owner, case.events)


def _entry(case: _Case, actor: str) -> audit.Entry:
    detail = {"class": case.incidents[0].failure_class, "owner": case.owner, "events": case.events}
    return audit.Entry(actor, "case.opened", f"case:{case.id}", detail)


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
