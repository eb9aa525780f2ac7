"""A company's past, for the pages: not one event a million times, but kinds of events, cases, writes, people, jobs.

    history   one booked invoice, cloned over the last ten days     numbers 1 … events
    dressed   every fifth an event of HubSpot, every fifteenth of a type that nobody takes, duplicates
    cases     a twentieth of the events, one in eight live; most of one event, some of hundreds, one of thousands
    writes    at HubSpot: most approved by people, a few hundred wait for them

Everything follows from the numbers, so that two runs have the same past.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import history
import psycopg
from history import Course
from psycopg.rows import dict_row

DAYS = 10
SQL = Path(__file__).parent / "company.sql"


class Things(NamedTuple):
    """One of everything, for addresses; those that hold the most, where sizes differ."""

    event: str
    case: str
    write: str
    run: str
    replay: str
    reversal: str
    decision: str
    rule: str
    subject: str
    #: A case and an event as most are.
    small_case: str
    booked: str


@dataclass(frozen=True)
class Sizes:
    """How much there is, from how many events there were."""

    events: int

    def as_values(self) -> dict[str, int]:
        """The numbers that the statements take."""
        return {
            "events": self.events,
            "cases": self.events // 20,
            "members": self.events * 12 // 100,
            "writes": self.events * 3 // 100,
            "approved": self.events * 2 // 100,
            "waiting": min(300, self.events // 100),
            "decisions": self.events // 20,
            "items": min(5_000, self.events // 20),
        }


def make(conn: "psycopg.Connection[tuple]", seed: tuple[str, str], events: int, tell: Callable[[str], None]) -> Things:
    """Fill a migrated database that holds one booked event; statistics and visibility are brought up to date."""
    step_ms = DAYS * 86_400_000 // events
    epoch_ms = int(time.time() * 1000) - events * step_ms
    course = Course(epoch_ms, step_ms, moves=True, changes=_changes(_moment(epoch_ms, step_ms)))
    history.make(conn, *seed, events, tell, course=course)
    conn.execute("SET session_replication_role = replica")  # none of the past's moves is made again
    conn.execute("SET synchronous_commit = off")
    _define(conn, seed[0], course)
    values = Sizes(events).as_values()
    for name, statement in _statements():
        conn.execute(_filled(statement, values))
        tell(name)
    conn.execute("RESET session_replication_role")
    conn.execute("RESET synchronous_commit")
    conn.execute("VACUUM ANALYZE")
    tell(f"{_tallies(conn)} spans counted")
    conn.execute("CHECKPOINT")
    return things(conn)


def _moment(epoch_ms: int, step_ms: int) -> str:
    """When the event of a number came."""
    return f"to_timestamp(({epoch_ms} + n::bigint * {step_ms}) / 1000.0)"


def _changes(moment: str) -> Mapping[tuple[str, str], str]:
    """What makes clones differ, by number; `%` doubled, because these statements take values."""

    def of_event(at_hubspot: str, unhandled: str, else_: str) -> str:
        return f"CASE WHEN n %% 5 = 0 THEN {at_hubspot} WHEN n %% 15 = 1 THEN {unhandled} ELSE {else_} END"

    return {
        ("events", "source"): of_event("'hubspot'", "t.source", "t.source"),
        ("events", "provider"): of_event("'hubspot'", "t.provider", "t.provider"),
        ("events", "type"): of_event("'deal.propertyChange'", "'charge.succeeded'", "t.type"),
        ("events", "handler"): of_event("'deal_closed_won'", "NULL", "t.handler"),
        ("events", "status"): of_event("'done'", "'ignored'", "t.status"),
        ("events", "subject"): of_event("'hubspot:1:deal:' || n %% 40000", "'stripe:ch_' || n", "'stripe:in_' || n"),
        ("events", "deliveries"): "CASE WHEN n %% 40 = 0 THEN 3 ELSE 1 END",
        ("writes", "subject"): "'stripe:in_' || n",
        ("audit_entries", "at"): f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    }


def _define(conn: "psycopg.Connection[tuple]", event_id: str, course: Course) -> None:
    """Names for what a number stands for, in this session."""
    row = conn.execute(
        "SELECT w.id::text, r.id::text FROM writes w, runs r WHERE w.event_id = %(id)s AND r.event_id = %(id)s",
        {"id": event_id},
    ).fetchone()
    assert row is not None
    named = {"event": event_id, "booked": row[0], "event_run": row[1]}
    functions = {f"{name}_of": ("uuid", course.id(f"'{original}'")) for name, original in named.items()}
    functions["moment_of"] = ("timestamptz", _moment(course.epoch_ms, course.step_ms))
    for name, (kind, body) in functions.items():
        conn.execute(
            f"CREATE FUNCTION pg_temp.{name}(n bigint) RETURNS {kind} IMMUTABLE LANGUAGE sql AS $$ SELECT {body} $$"
        )


def _statements() -> list[tuple[str, str]]:
    """The parts of the file beside this, each with its heading."""
    parts = SQL.read_text().split("\n-- @ ")[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def _filled(statement: str, values: Mapping[str, int]) -> Any:
    for name, value in values.items():
        statement = statement.replace(f":{name}:", str(value))
    return statement


def _tallies(conn: "psycopg.Connection[tuple]") -> int:
    """As the sweeper would: every span that is kept; how many."""
    from counterfoil.ledger import tally

    with psycopg.connect(conn.info.dsn, row_factory=dict_row, autocommit=True) as counting:
        kept = 0
        while tally.keep(counting)["counted"]:
            kept += 1
    return kept


_THINGS = {
    "event": "SELECT event_id FROM case_events WHERE cleared_at IS NULL ORDER BY event_id DESC OFFSET 20 LIMIT 1",
    "case": "SELECT id FROM cases ORDER BY events DESC LIMIT 1",
    "write": "SELECT id FROM writes WHERE status = 'awaiting_approval' ORDER BY id LIMIT 1",
    "run": "SELECT id FROM runs ORDER BY id DESC OFFSET 500 LIMIT 1",
    "replay": "SELECT id FROM replays WHERE status = 'running'",
    "reversal": "SELECT id FROM reversals WHERE status = 'running'",
    "decision": "SELECT id FROM decisions WHERE status = 'asked' ORDER BY id DESC LIMIT 1",
    "rule": "SELECT id FROM fixes WHERE status = 'proposed' LIMIT 1",
    "subject": "SELECT 'cus_77'",
    "small_case": "SELECT id FROM cases WHERE status = 'open' AND events < 4 ORDER BY id DESC LIMIT 1",
    "booked": "SELECT id FROM events WHERE status = 'done' AND source = 'stripe' ORDER BY id DESC OFFSET 500 LIMIT 1",
}


def things(conn: "psycopg.Connection[tuple]") -> Things:
    """One of everything that a filled database holds."""
    found = {}
    for name, statement in _THINGS.items():
        row = conn.execute(statement).fetchone()
        if row is None:
            raise RuntimeError(f"the past has no {name}")
        found[name] = str(row[0])
    return Things(**found)
