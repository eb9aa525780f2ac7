"""The audit as people read it: newest first, by thing, person, kind of change and time.

Lanes are numbered without gaps and in time, so that a page is read by number: no index beside the chain's own is
needed, and however rare somebody is, one page looks through a bounded part of it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from console import answers, chain, problems
from console.asks import TRAIL_CURSOR
from console.queries import audit
from counterfoil import database
from counterfoil.database import Connection

#: Entries of one lane that one page looks through.
LOOKED_MAX = 20_000
#: What a page verifies at once; the whole of a longer chain is for `counterfoil audit verify`.
VERIFIED_MAX = 100_000
_CURSOR = re.compile(TRAIL_CURSOR)
#: What an id alone may be the id of.
KINDS = ("event", "case", "write", "approval", "decision", "replay", "reversal", "user", "token", "rule")


class Asked(NamedTuple):
    """What somebody wants to see."""

    thing: str | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Trail(NamedTuple):
    """One page of it."""

    items: list[answers.Audit]
    next_cursor: str | None
    #: Whether older entries may fit that were not looked at.
    is_bounded: bool


def read(asked: Asked, cursor: str | None, limit: int) -> Trail:
    """One page, the newest first. Raises: NotAsked."""
    with database.transaction() as conn:
        tops = _tops(conn, cursor, asked.until)
        floors = {lane: _first_at(conn, lane, top, asked.since) for lane, top in tops.items()} if asked.since else {}
        rows = _rows(conn, asked, tops, floors, limit + 1)
    page = rows[:limit]
    if len(rows) > limit:
        lowest = dict(tops)
        for row in page:
            lowest[row["lane"]] = min(lowest[row["lane"]], row["seq"] - 1)
        return Trail([_entry(row) for row in page], _written(lowest), False)
    # Not full: what was not looked at lies below; things are found by an index and always wholly.
    below = {lane: top - LOOKED_MAX for lane, top in tops.items() if top - LOOKED_MAX > floors.get(lane, 1) - 1}
    bounded = bool(below) and asked.thing is None
    return Trail([_entry(row) for row in page], _written(below) if bounded else None, bounded)


_ROWS = """
SELECT e.lane, e.seq, e.at, e.actor, e.action, e.subject, e.detail, e.hash
FROM unnest(%(lanes)s::text[], %(tops)s::bigint[], %(floors)s::bigint[]) AS l(lane, top, floor)
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT * FROM audit_entries a WHERE a.lane = l.lane AND a.seq <= l.top AND a.seq >= l.floor {thing}
        ORDER BY a.seq DESC LIMIT %(looked)s) AS newest
    WHERE (%(actor)s::text IS NULL OR actor = %(actor)s)
      AND (%(action)s::text IS NULL OR action = %(action)s OR split_part(action, '.', 1) = %(action)s)
    ORDER BY seq DESC LIMIT %(limit)s) AS e
ORDER BY e.at DESC, e.lane, e.seq DESC LIMIT %(limit)s
"""


def _rows(
    conn: Connection, asked: Asked, tops: Mapping[str, int], floors: Mapping[str, int], limit: int
) -> Sequence[dict[str, Any]]:
    subjects = None if asked.thing is None else subjects_of(asked.thing)
    values = {
        "lanes": list(tops),
        "tops": list(tops.values()),
        "floors": [floors.get(lane, 1) for lane in tops],
        "looked": LOOKED_MAX,
        "actor": asked.actor,
        "action": asked.action,
        "limit": limit,
        "subjects": subjects,
    }
    thing = "" if subjects is None else "AND a.subject = ANY(%(subjects)s)"
    return conn.execute(_ROWS.format(thing=thing), values).fetchall()


def subjects_of(thing: str) -> list[str]:
    """What the audit calls a thing that a person names: `case:0190…`, or the id alone."""
    try:
        found = UUID(thing)
    except ValueError:
        return [thing]
    return [f"{kind}:{found}" for kind in KINDS]


def _tops(conn: Connection, cursor: str | None, until: datetime | None) -> dict[str, int]:
    """Where to begin in each lane."""
    if cursor:
        if not _CURSOR.fullmatch(cursor):
            raise problems.NotAsked("this is not a place in the audit")
        return {lane: int(seq) for lane, _, seq in (part.partition(".") for part in cursor.split("-"))}
    heads = {row["lane"]: row["seq"] for row in conn.execute("SELECT lane, seq FROM audit_heads WHERE seq > 0")}
    if until is None:
        return heads
    return {lane: _first_at(conn, lane, top, until) - 1 for lane, top in heads.items()}


def _first_at(conn: Connection, lane: str, top: int, moment: datetime) -> int:
    """The first number of a lane that was written at this moment or later, found by halving."""
    low, high, wanted = 1, top + 1, f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    while low < high:
        middle = (low + high) // 2
        row = conn.execute("SELECT at FROM audit_entries WHERE lane = %s AND seq = %s", (lane, middle)).fetchone()
        if row is None or row["at"][:19] >= wanted:
            high = middle
        else:
            low = middle + 1
    return low


def _written(places: Mapping[str, int]) -> str | None:
    left = {lane: seq for lane, seq in places.items() if seq > 0}
    return "-".join(f"{lane}.{seq}" for lane, seq in sorted(left.items())) or None


def _entry(row: Mapping[str, Any]) -> answers.Audit:
    return audit.of_row(row)


class Verified(NamedTuple):
    """What following the chain found, and how much of it was followed."""

    found: chain.Verified
    followed: int
    whole: int

    @property
    def words(self) -> str:
        """The result as a sentence."""
        if self.found.altered is not None:
            return f"Broken at {self.found.altered}: {self.found.why}. Somebody changed what was written."
        if self.followed < self.whole:
            return (
                f"The newest {self.followed:,} of {self.whole:,} entries follow from each other, up to where each"
                " lane ends. `counterfoil audit verify` follows all of them."
            )
        return f"All {self.followed:,} entries follow from each other, from the first to the last. Nothing was changed."


def verify() -> Verified:
    """Follow the chain: all of it while it is short, else its newest part."""
    heads = audit.heads()
    whole = sum(seq for seq, _ in heads.values())
    newest = None if whole <= VERIFIED_MAX else VERIFIED_MAX // max(1, len(heads))
    found = chain.verified(audit.chain(newest=newest), heads=heads, inside=newest is not None)
    return Verified(found, sum(found.lanes.values()), whole)
