"""Telling people: sends what the notices ask for and keeps the receipt of every attempt.

    pending ──▶ sending ──▶ sent
       ▲           │ ├────▶ fallback   not taken; the next channel, a deputy or the last resort has a row of its own
       └─(lease)───┘ └────▶ failed     not taken, and nobody is left to try: that itself becomes a case

One attempt per row and pass, each in a thread with a bound on its time, none inside a transaction. A process that dies
while sending leaves its lease; the message then goes out once more rather than never.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts.money import decimal_text, known_currency
from counterfoil import audit, clock, database
from counterfoil.database import Connection
from counterfoil.telemetry import log, metrics, wide
from exceptions_queue import channels, failures, owners
from exceptions_queue.cases import Incident, Stake, open_many, stakes
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

_VERBS = {
    "opened": "New case",
    "grew": "Case has grown",
    "assigned": "Case assigned to you",
    "woken": "Case is awake again",
    "lapsed": "Acknowledged, but still open",
    "escalated": "Nobody has answered",
}


@dataclass(frozen=True, slots=True)
class Stop:
    """One place where a message can be tried."""

    recipient: str
    label: str  #: what the receipt calls the channel
    reference: str


def deliver_pending(limit: int = PORTION) -> dict[str, int]:
    """Send what is due, one attempt each, all at once; returns counts by what became of them."""
    with database.transaction() as conn:
        rows = _claim(conn, limit)
        held = stakes(conn, {row["case_id"] for row in rows})
    if not rows:
        return {}
    roster = owners.roster()
    results: dict[UUID, str | None] = {}
    threads = [
        threading.Thread(target=_attempt, args=(roster, row, held[row["case_id"]], results), daemon=True)
        for row in rows
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * channels.SEND_SECONDS + 5)
    counts: Counter[str] = Counter()
    for row in rows:
        status = _record(roster, row, results.get(row["id"], "the attempt did not come back"))
        metrics.notifications.labels(status).inc()
        counts[status] += 1
    return dict(counts)


_CLAIM = """
UPDATE notifications n SET status = 'sending', attempts = n.attempts + 1,
    due_at = now() + make_interval(secs => %(lease)s)
FROM (SELECT p.id, (SELECT f.recipient FROM notifications f WHERE f.id = p.fallback_of) AS first_recipient
      FROM notifications p WHERE p.status IN ('pending', 'sending') AND p.due_at <= now()
      ORDER BY p.due_at LIMIT %(limit)s FOR UPDATE OF p SKIP LOCKED) AS due, cases c
WHERE n.id = due.id AND c.id = n.case_id
RETURNING n.id, n.case_id, n.kind, n.recipient, n.channel, n.attempts, n.fallback_of,
          coalesce(due.first_recipient, n.recipient) AS meant_for, c.failure_class, c.title, c.source, c.handler,
          c.owner, c.status AS case_status, c.events
"""


def _claim(conn: Connection, limit: int) -> list[dict[str, Any]]:
    rows = conn.execute(_CLAIM, {"limit": limit, "lease": LEASE_SECONDS}).fetchall()
    return sorted(rows, key=lambda row: row["id"])


def route(roster: Roster, row: dict[str, Any]) -> list[Stop]:
    """Where this message can be tried: the person meant, the owner of the moment, deputies, the last resort."""
    whose = roster.resolve(row["failure_class"], source=row["source"], handler=row["handler"], at=clock.now())
    people = [one for one in (row["meant_for"], whose.owner, *whose.deputies) if one in roster.people]
    stops = [
        Stop(one, label, reference)
        for one in dict.fromkeys(people)
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


def _attempt(roster: Roster, row: dict[str, Any], stake: Stake, results: dict[UUID, str | None]) -> None:
    """One send; what went wrong, or None, lands in `results`."""
    if row["attempts"] > CLAIMS_MAX:
        results[row["id"]] = f"given up after {CLAIMS_MAX} attempts that never ended"
        return
    stops = route(roster, row)
    try:
        channel: Channel = channels.resolve(stops[_where(stops, row)].reference)
        results[row["id"]] = channels.send_within(channel, message(row, stake))
    except Exception as failure:
        results[row["id"]] = str(failure) if isinstance(failure, channels.ChannelUnusable) else type(failure).__name__


def message(row: dict[str, Any], stake: Stake) -> Message:
    """What the person reads: which case, how much, what to do. Nothing from a payload."""
    money = ", ".join(_shown(amount, currency) for currency, amount in stake.at_stake.items()) or "no amount known"
    known = failures.find(row["failure_class"])
    lines = [
        f"{row['title']}",
        f"class: {row['failure_class']}    status: {row['case_status']}",
        f"events: {row['events']}, {stake.blocked} blocked now    at stake: {money}",
        f"what to do: {known.advice}" if known is not None else "",
        f"look at it: counterfoil cases {row['case_id']}",
    ]
    fields = {
        "case_id": str(row["case_id"]),
        "kind": row["kind"],
        "recipient": row["recipient"],
        "failure_class": row["failure_class"],
        "blocked": stake.blocked,
        "at_stake": money,
    }
    return Message(f"{_VERBS.get(row['kind'], 'Case')}: {row['title']}", "\n".join(filter(None, lines)), fields)


def _shown(amount_minor: int, currency: str) -> str:
    if known_currency(currency):
        return f"{decimal_text(amount_minor, currency.upper())} {currency.upper()}"
    return f"{amount_minor} minor units of {currency}"


def _record(roster: Roster, row: dict[str, Any], problem: str | None) -> str:
    """Write the receipt, and the next attempt if there is one; a transaction of its own."""
    stops = route(roster, row)
    here = _where(stops, row)
    stop, following = stops[here], stops[here + 1 : here + 2]
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
            record_notices(conn, [Notice(row["case_id"], row["kind"], there.recipient, there.label, first)])
        elif problem is not None:
            _nobody_told(conn, row)
    wide(
        f"notification.{status}",
        case_id=str(row["case_id"]),
        recipient=stop.recipient,
        channel=stop.label,
        problem=problem,
    )
    return status


def _nobody_told(conn: Connection, row: dict[str, Any]) -> None:
    """Every way failed: the people who run the service get a case. About that case itself nobody is told again."""
    if row["failure_class"] == failures.NotificationFailed.code:
        log.error("notification.undeliverable", case_id=str(row["case_id"]))
        return
    detail = {"case": str(row["case_id"]), "title": row["title"], "kind": row["kind"], "last": row["recipient"]}
    opened = open_many(conn, [Incident(None, failures.NotificationFailed.code, detail=detail)], actor="notify")
    audit.append(conn, "desk", opened.entries)
