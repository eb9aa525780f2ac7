"""Telling people: sends what the notices ask for and keeps the receipt of every attempt.

    pending ──▶ sending ──▶ sent
       ▲           │ ├────▶ fallback   not taken; the next channel, a deputy or the last resort has a row of its own
       └─(lease)───┘ └────▶ failed     not taken, and nobody is left to try

That no channel of a person took a message is a case of its own, also when somebody else was told instead.

One attempt per row and pass, each in a thread with a bound on its time, none inside a transaction. A process that dies
while sending leaves its lease; the message then goes out once more rather than never.
"""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from counterfoil import audit, clock, database
from counterfoil.database import Connection
from counterfoil.telemetry import log, metrics, wide
from exceptions_queue import channels, failures, messages, owners, told_links
from exceptions_queue.cases import Incident, open_many, stakes
from exceptions_queue.cases.notices import Notice, record_notices
from exceptions_queue.channels import Channel, Message
from exceptions_queue.roster import Roster

#: Rows per pass: one thread each, and together they take no longer than one send.
PORTION = 16
#: How long a claimed row is left alone; well above the time of one attempt.
LEASE_SECONDS = 60
#: A row that was claimed this often without an end took its process down each time.
CLAIMS_MAX = 5
#: The recipient of the last resort; no person may be called so, because keys of people are words.
LAST_RESORT = "(fallback)"


@dataclass(frozen=True, slots=True)
class Stop:
    """One place where a message can be tried."""

    recipient: str
    label: str  #: what the receipt calls the channel
    reference: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One claimed row, the places where it can be tried, and which of them is tried now."""

    row: dict[str, Any]
    stops: Sequence[Stop]
    here: int
    message: Message

    @property
    def stop(self) -> Stop:
        """Where it is tried now."""
        return self.stops[self.here]


def deliver_pending(limit: int = PORTION) -> dict[str, int]:
    """Send what is due, one attempt each, all at once; returns counts by what became of them."""
    roster = owners.roster()
    with database.transaction() as conn:
        attempts = _prepared(conn, roster, _claim(conn, limit))
    results: dict[UUID, str | None] = {}
    threads = [threading.Thread(target=_attempt, args=(one, results), daemon=True) for one in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * channels.SEND_SECONDS + 5)
    counts: Counter[str] = Counter()
    for one in attempts:
        status = _record(one, results.get(one.row["id"], "the attempt did not come back"))
        metrics.notifications.labels(status).inc()
        counts[status] += 1
    return dict(counts)


_CLAIM = """
UPDATE notifications n SET status = 'sending', attempts = n.attempts + 1,
    due_at = now() + make_interval(secs => %(lease)s)
FROM (SELECT p.id, p.case_id, p.digest_id,
             (SELECT f.recipient FROM notifications f WHERE f.id = p.fallback_of) AS first_recipient
      FROM notifications p WHERE p.status IN ('pending', 'sending') AND p.due_at <= now()
      ORDER BY p.due_at LIMIT %(limit)s FOR UPDATE OF p SKIP LOCKED) AS due
LEFT JOIN cases c ON c.id = due.case_id LEFT JOIN digests d ON d.id = due.digest_id
WHERE n.id = due.id
RETURNING n.id, n.case_id, n.digest_id, n.kind, n.recipient, n.channel, n.attempts, n.fallback_of,
          coalesce(due.first_recipient, n.recipient) AS meant_for, c.failure_class, c.title, c.source, c.handler,
          c.owner, c.status AS case_status, c.events, d.title AS digest_title, d.body AS digest_body,
          d.cases AS digest_cases
"""


def _claim(conn: Connection, limit: int) -> list[dict[str, Any]]:
    rows = conn.execute(_CLAIM, {"limit": limit, "lease": LEASE_SECONDS}).fetchall()
    return sorted(rows, key=lambda row: row["id"])


def _prepared(conn: Connection, roster: Roster, rows: Sequence[dict[str, Any]]) -> list[Attempt]:
    """What each row says, and where; links are kept before anybody can hold one."""
    stops = {row["id"]: route(roster, row) for row in rows}
    here = {row["id"]: _where(stops[row["id"]], row) for row in rows}
    held = stakes(conn, {row["case_id"] for row in rows if row["case_id"] is not None})
    # The last resort is a place and no person, and a line in the log is nobody's letter.
    letters = [
        (row["id"], stop.recipient)
        for row in rows
        for stop in [stops[row["id"]][here[row["id"]]]]
        if row["case_id"] is not None and stop.recipient != LAST_RESORT and stop.reference != "log://"
    ]
    tokens = told_links.make(conn, letters)
    return [
        Attempt(
            row,
            stops[row["id"]],
            here[row["id"]],
            messages.of_day(row)
            if row["case_id"] is None
            else messages.of_case(row, held[row["case_id"]], tokens.get(row["id"])),
        )
        for row in rows
    ]


def route(roster: Roster, row: Mapping[str, Any]) -> list[Stop]:
    """Where this message can be tried: the person meant, the owner of the moment, deputies, the last resort.

    A person's day is nobody else's: after their own channels comes the last resort.
    """
    likely = [row["meant_for"]]
    if row["case_id"] is not None:
        whose = roster.resolve(row["failure_class"], source=row["source"], handler=row["handler"], at=clock.now())
        likely += [whose.owner, *whose.deputies]
    stops = [
        Stop(one, label, reference)
        for one in dict.fromkeys(likely)
        if one in roster.people
        for label, reference in zip(
            channels.labelled(roster.people[one].channels), roster.people[one].channels, strict=True
        )
    ]
    return [*stops, Stop(LAST_RESORT, channels.labelled((roster.fallback,))[0], roster.fallback)]


def _where(stops: Sequence[Stop], row: dict[str, Any]) -> int:
    """The stop that this row stands for. When the roster has changed since, a fallback goes to the last resort:
    it must never begin the round again."""
    for position, stop in enumerate(stops):
        if stop.recipient == row["recipient"] and row["channel"] in (None, stop.label):
            return position
    return 0 if row["fallback_of"] is None else len(stops) - 1


def _attempt(attempt: Attempt, results: dict[UUID, str | None]) -> None:
    """One send; what went wrong, or None, lands in `results`."""
    id = attempt.row["id"]
    if attempt.row["attempts"] > CLAIMS_MAX:
        results[id] = f"given up after {CLAIMS_MAX} attempts that never ended"
        return
    try:
        channel: Channel = channels.resolve(attempt.stop.reference)
        results[id] = channels.send_within(channel, attempt.message)
    except Exception as failure:
        results[id] = str(failure) if isinstance(failure, channels.ChannelUnusable) else type(failure).__name__


def _record(attempt: Attempt, problem: str | None) -> str:
    """Write the receipt, and the next attempt if there is one; a transaction of its own."""
    row, stop = attempt.row, attempt.stop
    following = attempt.stops[attempt.here + 1 : attempt.here + 2]
    status = "sent" if problem is None else "fallback" if following else "failed"
    with database.transaction() as conn:
        kept = conn.execute(
            "UPDATE notifications SET status = %s, channel = %s, recipient = %s, detail = %s,"
            " sent_at = CASE WHEN %s THEN now() END"
            " WHERE id = %s AND status = 'sending' AND attempts = %s RETURNING id",
            (status, stop.label, stop.recipient, problem, problem is None, row["id"], row["attempts"]),
        ).fetchone()
        if kept is None:
            # The lease ran out and somebody else sends it: that receipt counts.
            return "late"
        if problem is not None and following:
            there, first = following[0], row["fallback_of"] or row["id"]
            again = Notice(row["case_id"], row["kind"], there.recipient, there.label, first, row["digest_id"])
            record_notices(conn, [again])
        if problem is not None and (not following or following[0].recipient != stop.recipient):
            _not_reached(conn, row, stop.recipient)
    wide(
        f"notification.{status}",
        case_id=_text(row["case_id"]),
        recipient=stop.recipient,
        channel=stop.label,
        problem=problem,
    )
    return status


def _not_reached(conn: Connection, row: dict[str, Any], recipient: str) -> None:
    """Every way to somebody failed: the people who run the service get a case, whoever is told instead. About that
    case itself no other is opened."""
    if row["failure_class"] == failures.NotificationFailed.code:
        log.error("notification.undeliverable", case_id=_text(row["case_id"]), recipient=recipient)
        return
    detail = {"case": _text(row["case_id"]), "title": row["title"], "kind": row["kind"], "last": recipient}
    opened = open_many(conn, [Incident(None, failures.NotificationFailed.code, detail=detail)], actor="notify")
    audit.append(conn, "desk", opened.entries)


def _text(id: UUID | None) -> str | None:
    return None if id is None else str(id)
