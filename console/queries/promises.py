"""The promises as queries: each lists what breaks it, and an empty list is the proof."""

from typing import Any

from sqlalchemy import TextClause, text
from sqlmodel import Session

from counterfoil import database

#: Violators that are listed; their number is counted beyond it.
LISTED_MAX = 20

#: P4. Every event is done, superseded, or ignored with a reason; or it still moves by itself (it is due some time and
#: its payload is there to work on, or one of its writes is on its way); or a pause holds it, which has a name and a
#: reason; or it rests in a live case, and somebody will be reminded of that.
LOST_EVENTS = text("""
    SELECT e.id, e.status || CASE
        WHEN e.status = 'ignored' THEN ', without a reason'
        WHEN e.due_at IS NOT NULL THEN ', due, without a payload'
        WHEN c.id IS NULL THEN ', without a case'
        ELSE ', in a case that is ' || c.status END AS why
    FROM events e LEFT JOIN cases c ON c.id = e.case_id
    WHERE e.status NOT IN ('done', 'superseded')
      AND NOT (e.status = 'ignored' AND coalesce(e.outcome, '') <> '')
      AND NOT (e.due_at IS NOT NULL AND EXISTS (
            SELECT 1 FROM payloads p WHERE p.event_id = e.id AND p.version = e.payload_version))
      AND NOT (e.status = 'waiting' AND EXISTS (
            SELECT 1 FROM writes w WHERE w.event_id = e.id AND w.due_at IS NOT NULL
              AND w.status IN ('planned', 'approved', 'sending', 'in_doubt')))
      AND NOT (e.status = 'waiting' AND EXISTS (SELECT 1 FROM pauses p WHERE p.scope || ':' || p.name = e.parked))
      AND NOT (e.status IN ('waiting', 'exception') AND coalesce(c.status, '') IN ('open', 'acknowledged', 'snoozed'))
""")

#: P4, the other half: a live case without a next time is a desk that nobody looks at.
SILENT_CASES = text("""
    SELECT id, status || ', and nothing will remind anybody' AS why FROM cases
    WHERE status IN ('open', 'acknowledged') AND due_at IS NULL OR status = 'snoozed' AND snoozed_until IS NULL
""")

#: P4, of writes: what has not come to rest is due some time, or waits in a live case of its event (people who are asked
#: to approve are another promise); what is being taken back has an inverse that still goes on.
LOST_WRITES = text("""
    SELECT w.id, w.status || ', and nothing moves it' AS why FROM writes w
    WHERE w.status IN ('planned', 'approved', 'sending', 'in_doubt') AND w.confirmed_at IS NULL AND w.due_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM case_events m JOIN cases c ON c.id = m.case_id
                      WHERE m.event_id = w.event_id AND m.cleared_at IS NULL
                        AND c.status IN ('open', 'acknowledged', 'snoozed'))
    UNION ALL
    SELECT w.id, w.status || ', and nothing takes it back' FROM writes w
    WHERE w.status = 'reversing' AND NOT EXISTS (
        SELECT 1 FROM writes i WHERE i.reverses = w.id
          AND i.status IN ('planned', 'awaiting_approval', 'approved', 'sending', 'in_doubt'))
""")

#: P3. Every write key once; also when somebody dropped the constraint that holds it.
DOUBLE_WRITES = text("SELECT key AS id, count(*) || ' writes' AS why FROM writes GROUP BY key HAVING count(*) > 1")
KEY_CONSTRAINTS = text("""
    SELECT wanted.name AS id, 'the constraint is gone or not valid' AS why
    FROM (VALUES ('events_identity'), ('writes_key'), ('books_entries_write_key')) AS wanted(name)
    WHERE NOT EXISTS (SELECT 1 FROM pg_constraint c JOIN pg_index i ON i.indexrelid = c.conindid
                      WHERE c.conname = wanted.name AND c.contype = 'u' AND i.indisvalid AND i.indisunique)
""")

#: The books: every entry has lines and they come to zero; every confirmed write to the books has its entry.
UNBALANCED_ENTRIES = text("""
    SELECT e.id, CASE WHEN count(l.*) = 0 THEN 'no lines' ELSE 'off by ' || sum(l.amount_minor) END AS why
    FROM books_entries e LEFT JOIN books_lines l ON l.entry_id = e.id
    GROUP BY e.id HAVING count(l.*) = 0 OR sum(l.amount_minor) <> 0 OR count(DISTINCT l.currency) > 1
""")
UNBOOKED_WRITES = text("""
    SELECT w.key AS id, 'confirmed, and not in the books' AS why FROM writes w
    WHERE w.destination = 'books' AND w.status = 'confirmed'
      AND NOT EXISTS (SELECT 1 FROM books_entries e WHERE e.write_key = w.key)
""")

#: P8. What was sent, or may be, needed no people or has enough of them for exactly what it is; asked the database too,
#: which refuses anything else while its triggers stand.
UNAPPROVED_WRITES = text("""
    SELECT w.id, w.status || ' without ' || w.approvals_needed || ' people who saw it' AS why FROM writes w
    WHERE w.status IN ('approved', 'sending', 'in_doubt', 'confirmed', 'reversing', 'reversed')
      AND (w.approvals_needed > 0 OR w.status = 'approved')
      AND NOT EXISTS (
        SELECT 1 FROM approvals a WHERE a.write_id = w.id AND a.status IN ('approved', 'used')
          AND a.shown ->> 'effect_digest' = w.digest
          AND (SELECT count(DISTINCT lower(v.person)) FROM approval_votes v
               WHERE v.approval_id = a.id AND v.decision = 'approve' AND v.digest = a.digest
                 AND v.voted_at < a.expires_at AND NOT write_is_of(w.id, v.person, v.voted_at))
              >= greatest(a.needed, w.approvals_needed))
""")
#: P8: a write that waits for a person has a request that somebody can answer.
UNASKED_WRITES = text("""
    SELECT w.id, 'waits for approval, and nobody is asked' AS why FROM writes w
    WHERE w.status = 'awaiting_approval'
      AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.write_id = w.id AND a.status = 'open')
""")
APPROVAL_TRIGGERS = text("""
    SELECT wanted.name AS id, 'the trigger is gone or off' AS why
    FROM (VALUES ('writes_born'), ('writes_keep_rules'), ('writes_stay'), ('approvals_keep_rules'), ('approvals_stay'),
                 ('approval_votes_keep_rules'), ('approval_votes_append_only')) AS wanted(name)
    WHERE NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgname = wanted.name AND t.tgenabled IN ('O', 'A'))
""")

#: P9: the kinds of case that are live, for the roster to be asked about.
_LIVE_KINDS = text("""
    SELECT failure_class, source, handler, owner, count(*) AS cases FROM cases
    WHERE status IN ('open', 'acknowledged', 'snoozed') GROUP BY failure_class, source, handler, owner
""")
_BACKLOG = text("""
    SELECT count(*) AS due, coalesce(extract(epoch FROM now() - min(due_at)), 0)::float8 AS oldest_seconds
    FROM events WHERE due_at <= now()
""")
_SERVER = text("""
    SELECT current_setting('server_version') AS version, extract(epoch FROM clock_timestamp())::float8 AS clock,
           current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
           current_setting('full_page_writes') AS full_page_writes
""")


def violators(*promises: TextClause) -> tuple[int, list[str]]:
    """How many rows break these promises, and the first of them in words."""
    found: list[str] = []
    count = 0
    with Session(database.engine()) as session:
        for promise in promises:
            for row in session.connection().execute(promise).mappings():
                count += 1
                if len(found) < LISTED_MAX:
                    found.append(f"{row['id']}: {row['why']}")
    return count, found


def live_kinds() -> list[dict[str, Any]]:
    """The kinds of live case and how many there are of each."""
    return _rows(_LIVE_KINDS)


def backlog() -> dict[str, Any]:
    """How many events are due and since when."""
    return _rows(_BACKLOG)[0]


def server() -> dict[str, Any]:
    """What the database says about itself."""
    return _rows(_SERVER)[0]


def _rows(query: TextClause) -> list[dict[str, Any]]:
    with Session(database.engine()) as session:
        return [dict(row) for row in session.connection().execute(query).mappings()]
