"""A past: a database that looks as if it had already recorded and booked this many events.

One real event goes through the product; its rows in every table are then cloned by SQL, each clone with ids and keys of
its own. Nothing here knows a table's columns, so the past keeps the shape of the present.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psycopg

#: Tables that grow with every event, and the tag of `bodies.Batch` that makes an event's texts its own.
TABLES = ("events", "payloads", "runs", "writes", "books_entries", "books_lines", "audit_entries")
PORTION = 100_000
#: Milliseconds since 1970 at which the past begins, one event every 100 ms: before any id of this run.
EPOCH_MS = 1_700_000_000_000


@dataclass(frozen=True)
class Course:
    """When the events of a past came; what is different in each."""

    epoch_ms: int = EPOCH_MS
    step_ms: int = 100
    #: Times are those of the clone, not of the original: for what is read by time.
    moves: bool = False
    #: By table and column: SQL over the row `t` of the original and the number `n`.
    changes: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def id(self, value: str) -> str:
        """The clone's id for one of the original's."""
        return _ID.format(epoch=self.epoch_ms, step=self.step_ms, value=value)


# 48 bits of time in front, then what the original's id had: unique per row, and references stay intact.
_ID = "(lpad(to_hex({epoch} + n::bigint * {step}), 12, '0') || substr(replace({value}::text, '-', ''), 13))::uuid"
# As long as the tag, scattered like real keys, unique by its tail.
_TAG = "(substr(md5(n::text), 1, {head}) || lpad(to_hex(n), 6, '0'))"


def make(
    conn: "psycopg.Connection[tuple]",
    event_id: str,
    tag: str,
    events: int,
    tell: Callable[[str], None],
    *,
    first_number: int = 1,
    course: Course = Course(),
) -> None:
    """Clone the event until there are `events`; statistics and visibility are brought up to date."""
    conn.execute("SET session_replication_role = replica")  # triggers and foreign keys would check what cannot fail
    conn.execute("SET synchronous_commit = off")
    statements = {table: _Clone(event_id, tag, course).statement(conn, table) for table in TABLES}
    for first in range(first_number, events + 1, PORTION):
        last = min(first + PORTION - 1, events)
        for table, statement in statements.items():
            if conn.execute(statement, {"first": first, "last": last}).rowcount < last - first + 1:
                raise RuntimeError(f"{table} holds nothing of an event that was booked: teach `_of_event` where it is")
        if events > PORTION:
            tell(f"{last:,} of {events:,} events of the past")
    conn.execute("UPDATE audit_heads SET seq = (SELECT max(seq) FROM audit_entries a WHERE a.lane = audit_heads.lane)")
    conn.execute("RESET session_replication_role")
    conn.execute("RESET synchronous_commit")
    conn.execute("VACUUM ANALYZE")
    conn.execute("CHECKPOINT")


@dataclass(frozen=True)
class _Clone:
    """One event's rows again, with other ids, texts and times."""

    event_id: str
    tag: str
    course: Course

    def statement(self, conn: "psycopg.Connection[tuple]", table: str) -> str:
        """For one table and the numbers from `first` to `last`."""
        columns = conn.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position",
            (table,),
        ).fetchall()
        values = ", ".join(self._value(table, name, kind) for name, kind in columns)
        names = ", ".join(name for name, _ in columns)
        return (
            f"INSERT INTO {table} ({names}) SELECT {values}"
            f" FROM {table} t, generate_series(%(first)s::int, %(last)s::int) n"
            f" WHERE {_of_event(table, self.event_id)}"
        )

    def _value(self, table: str, name: str, kind: str) -> str:
        changed = self.course.changes.get((table, name))
        if changed is not None:
            return changed
        if table == "audit_entries" and name == "seq":
            return "t.seq + n"
        if table == "audit_entries" and name == "subject":
            return "'event:' || " + self.course.id(f"'{self.event_id}'")
        if kind == "uuid":
            return f"CASE WHEN t.{name} IS NOT NULL THEN {self.course.id(f't.{name}')} END"
        chosen = _TAG.format(head=len(self.tag) - 6)
        if kind in ("text", "character varying"):
            return f"replace(t.{name}, '{self.tag}', {chosen})"
        if kind == "jsonb":
            return f"replace(t.{name}::text, '{self.tag}', {chosen})::jsonb"
        if kind == "timestamp with time zone" and self.course.moves:
            return f"t.{name} + {self._since()}"
        return f"t.{name}"

    def _since(self) -> str:
        """How much later, or earlier, a clone came than its original."""
        course = self.course
        received = f"(SELECT received_at FROM events WHERE id = '{self.event_id}')"
        return f"(to_timestamp(({course.epoch_ms} + n::bigint * {course.step_ms}) / 1000.0) - {received})"


def _of_event(table: str, event_id: str) -> str:
    """Which rows of a table belong to the event."""
    entries = f"SELECT key FROM writes WHERE event_id = '{event_id}'"
    return {
        "events": f"t.id = '{event_id}'",
        "books_entries": f"t.write_key IN ({entries})",
        "books_lines": f"t.entry_id IN (SELECT id FROM books_entries WHERE write_key IN ({entries}))",
        "audit_entries": f"t.subject = 'event:{event_id}' AND t.lane = 'engine'",
    }.get(table, f"t.event_id = '{event_id}'")
