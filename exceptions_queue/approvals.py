"""Asking people before a write is made, and what they answer.

A request shows exactly one action, under a digest; whoever approves repeats the digest. It is answered once, by people
who did not edit the action, before it expires; an edit or a target that changed voids it and opens another. The
database holds these rules as well (`migrations/sql/approvals.sql`), so nothing but a vote leads to `approved`.

    open ──votes──▶ approved ──sent──▶ used
      ├──a no────▶ rejected
      ├──silence─▶ expired
      └──edited, or the target changed──▶ void
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from counterfoil import audit, keys
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import EventState, WriteState
from exceptions_queue import cases, failures
from exceptions_queue.refusals import NotLikeThat, NotNow, NotThere, signed


class WriteNotFound(NotThere):
    """There is no such write."""


class NotAwaiting(NotNow):
    """The write does not wait for anybody's approval."""


class ShownChanged(NotNow):
    """What would be written is not what was shown; `difference` says where."""

    def __init__(self, message: str, difference: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(message)
        self.difference = list(difference)


class EditorMayNot(NotNow):
    """Whoever edited an action cannot approve it."""


class VotedAlready(NotNow):
    """One person, one vote."""


class ActionRefused(NotLikeThat):
    """The edited action would never be accepted by its destination."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person is asked, about one write."""

    write_id: UUID
    #: Exactly what is shown; its digest is what an approval is bound to.
    shown: dict[str, Any]
    rule: str
    needed: int
    expires_hours: int
    edited_by: str | None = None

    @property
    def digest(self) -> str:
        return keys.digest(self.shown)


_REQUEST = """
INSERT INTO approvals (id, write_id, digest, shown, rule, needed, edited_by, expires_at)
SELECT r.id, r.write_id, r.digest, r.shown, r.rule, r.needed, r.edited_by, now() + make_interval(hours => r.hours)
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, write_id uuid, digest text, shown jsonb, rule text, needed int,
     edited_by text, hours int)
"""


def request_many(conn: Connection, requests: Sequence[Request]) -> list[audit.Entry]:
    """Ask about writes in `awaiting_approval`; an open request of the same write is void. Returns the entries."""
    if not requests:
        return []
    conn.execute(
        "UPDATE approvals SET status = 'void', closed_at = now() WHERE write_id = ANY(%s) AND status IN"
        " ('open', 'approved')",
        ([one.write_id for one in requests],),
    )
    rows = [
        {
            "id": keys.new_id(),
            "write_id": one.write_id,
            "digest": one.digest,
            "shown": one.shown,
            "rule": one.rule,
            "needed": one.needed,
            "edited_by": one.edited_by,
            "hours": one.expires_hours,
        }
        for one in requests
    ]
    conn.execute(_REQUEST, (msgspec.json.encode(rows).decode(),))
    return [
        audit.Entry(
            one.edited_by or "engine",
            "approval.requested",
            f"write:{one.write_id}",
            {"digest": one.digest, "rule": one.rule, "needed": one.needed},
        )
        for one in requests
    ]


def approve(conn: Connection, write_id: UUID, *, digest: str, who: str, reason: str) -> bool:
    """Say yes to exactly what was shown; True when no further person is needed. Ring the bell after the commit.

    Raises: WriteNotFound, NotAwaiting, ShownChanged, EditorMayNot, VotedAlready, ReasonMissing.
    """
    who, reason = signed(who, reason)
    write, request = _get_open(conn, write_id)
    if digest != request["digest"]:
        raise ShownChanged(
            "what would be written is not what this digest was shown for: look at it again",
            _difference(conn, write_id, digest, request["shown"]),
        )
    if who == request["edited_by"]:
        raise EditorMayNot(f"{who} edited this action: another person has to approve it")
    _vote(conn, request["id"], who, "approve", digest, reason)
    votes = conn.execute(
        "SELECT count(*) AS n FROM approval_votes WHERE approval_id = %s AND decision = 'approve'", (request["id"],)
    ).fetchone()
    assert votes is not None
    enough = int(votes["n"]) >= int(request["needed"])
    entries = [_entry(who, "approval.given", write_id, reason, digest=digest, enough=enough)]
    if enough:
        conn.execute("UPDATE approvals SET status = 'approved', closed_at = now() WHERE id = %s", (request["id"],))
        move(conn, "write", [write_id], WriteState.APPROVED, sets={"due_at": NOW, "looked_at": None})
        entries.append(_entry(who, "write.approved", write_id, reason))
        entries += _unblock(conn, write["event_id"])
    audit.append(conn, "desk", entries)
    return enough


def reject(conn: Connection, write_id: UUID, *, who: str, reason: str) -> None:
    """Say no; one no is enough. Writes of the same plan that come after it are not made either.

    Raises: WriteNotFound, NotAwaiting, VotedAlready, ReasonMissing.
    """
    who, reason = signed(who, reason)
    write, request = _get_open(conn, write_id)
    _vote(conn, request["id"], who, "reject", request["digest"], reason)
    conn.execute("UPDATE approvals SET status = 'rejected', closed_at = now() WHERE id = %s", (request["id"],))
    move(conn, "write", [write_id], WriteState.REJECTED, sets={"due_at": None, "detail": f"rejected: {reason}"})
    entries = [_entry(who, "write.rejected", write_id, reason, digest=request["digest"])]
    entries += _end_event(conn, write, f"rejected by {who}: {reason}", who)
    audit.append(conn, "desk", entries)


def edit(
    conn: Connection,
    write_id: UUID,
    *,
    body: dict[str, Any],
    show: Callable[[dict[str, Any], dict[str, Any]], tuple[str, dict[str, Any]]],
    who: str,
    reason: str,
) -> str:
    """Change the action; the request is void and another person is asked. Returns the new digest.

    `show` takes the write's row and the new body, holds it against the destination's rules, and gives the effect's
    digest and what is to be shown.

    Raises: WriteNotFound, NotAwaiting, ActionRefused, ReasonMissing.
    """
    who, reason = signed(who, reason)
    write, request = _get_open(conn, write_id)
    digest, shown = show(write, body)
    action = {**write["action"], "body": body}
    conn.execute(
        "UPDATE writes SET action = %s::jsonb, digest = %s WHERE id = %s AND status = 'awaiting_approval'",
        (msgspec.json.encode(action).decode(), digest, write_id),
    )
    asked = Request(write_id, shown, request["rule"], request["needed"], 72, edited_by=who)
    entries = request_many(conn, [asked])
    audit.append(conn, "desk", [_entry(who, "write.edited", write_id, reason, digest=asked.digest), *entries])
    return asked.digest


def expire(conn: Connection, limit: int = 200) -> dict[str, int]:
    """Requests that nobody answered in time: the write is not made. For the sweeper."""
    rows = conn.execute(
        "SELECT a.id, a.write_id FROM approvals a WHERE a.status = 'open' AND a.expires_at <= now()"
        " ORDER BY a.expires_at LIMIT %s",
        (limit,),
    ).fetchall()
    for row in rows:
        write = _lock(conn, row["write_id"])
        closed = conn.execute(
            "UPDATE approvals SET status = 'expired', closed_at = now() WHERE id = %s AND status = 'open' RETURNING id",
            (row["id"],),
        ).fetchone()
        if closed is None or write is None:
            continue
        sets = {"due_at": None, "detail": "nobody approved it in time"}
        move(conn, "write", [row["write_id"]], WriteState.EXPIRED, sets=sets)
        entries = [_entry("sweeper", "write.expired", row["write_id"], "nobody approved it in time")]
        audit.append(conn, "engine", entries + _end_event(conn, write, "not approved in time", "sweeper"))
    return {"expired": len(rows)}


def incident(write: Mapping[str, Any], *, source: str, rule: str) -> cases.Incident:
    """The case in which an event waits for an approval; alike requests share one."""
    return cases.Incident(
        event_id=write["event_id"],
        failure_class=failures.ApprovalNeeded.code,
        source=source,
        handler=write["handler"],
        rule=rule,
        destination=write["destination"],
        detail={"sentence": f"{write['key']} waits for approval", "write_id": str(write["id"]), "key": write["key"]},
        amount_minor=write["amount_minor"],
        currency=write["currency"],
    )


_COLUMNS = (
    "id, key, status, destination, operation, subject, amount_minor, currency, action, digest, event_id, handler,"
    " pre_image, reverses, approval_rule, approvals_needed"
)


def _lock(conn: Connection, write_id: UUID) -> dict[str, Any] | None:
    """The write, locked after its event: the order in which everybody takes both."""
    conn.execute("SELECT 1 FROM events WHERE id = (SELECT event_id FROM writes WHERE id = %s) FOR UPDATE", (write_id,))
    return conn.execute(f"SELECT {_COLUMNS} FROM writes WHERE id = %s FOR UPDATE", (write_id,)).fetchone()


def _get_open(conn: Connection, write_id: UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    write = _lock(conn, write_id)
    if write is None:
        raise WriteNotFound(f"there is no write {write_id}")
    request = conn.execute(
        "SELECT id, digest, shown, rule, needed, edited_by, expires_at <= now() AS late FROM approvals"
        " WHERE write_id = %s AND status = 'open'",
        (write_id,),
    ).fetchone()
    if write["status"] != WriteState.AWAITING_APPROVAL or request is None:
        raise NotAwaiting(f"the write is {write['status']}: nobody is asked about it")
    if request["late"]:
        raise NotAwaiting("the request has expired: replay the event to be asked again")
    return write, request


def _vote(conn: Connection, approval_id: UUID, who: str, decision: str, digest: str, reason: str) -> None:
    voted = conn.execute(
        "INSERT INTO approval_votes (approval_id, person, decision, digest, reason) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING RETURNING person",
        (approval_id, who, decision, digest, reason),
    ).fetchone()
    if voted is None:
        raise VotedAlready(f"{who} has answered this request already; it needs another person")


def _difference(conn: Connection, write_id: UUID, digest: str, shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Member by member: what the given digest showed (when we ever showed it) and what would be written now."""
    row = conn.execute(
        "SELECT shown FROM approvals WHERE write_id = %s AND digest = %s LIMIT 1", (write_id, digest)
    ).fetchone()
    was = row["shown"] if row else {}
    return [
        {"field": name, "shown": was.get(name), "now": shown.get(name)}
        for name in sorted({*was, *shown})
        if was.get(name) != shown.get(name)
    ]


def _unblock(conn: Connection, event_id: UUID) -> list[audit.Entry]:
    """The event no longer waits for a person, unless another write of its plan still does."""
    row = conn.execute(
        "SELECT count(*) AS n FROM writes WHERE event_id = %s AND status = 'awaiting_approval'", (event_id,)
    ).fetchone()
    if row is None or row["n"]:
        return []
    conn.execute("UPDATE events SET case_id = NULL WHERE id = %s AND status = 'waiting'", (event_id,))
    return cases.clear(conn, [event_id], actor="desk")


def _end_event(conn: Connection, write: Mapping[str, Any], outcome: str, who: str) -> list[audit.Entry]:
    """A no ends the event: what was not sent yet of its plan is not made either."""
    if write["reverses"] is not None:
        # The inverse is not made: what it would have taken back stands.
        kept = move(conn, "write", [write["reverses"]], WriteState.CONFIRMED, sets={"detail": outcome})
        return [_entry(who, "write.kept", one, outcome) for one in kept]
    event_id = write["event_id"]
    rest = conn.execute(
        "SELECT id FROM writes WHERE event_id = %s AND id <> %s AND status IN ('planned', 'awaiting_approval',"
        " 'approved') AND lease_until IS NULL AND reverses IS NULL",
        (event_id, write["id"]),
    ).fetchall()
    ids = [row["id"] for row in rest]
    entries: list[audit.Entry] = []
    if ids:
        conn.execute(
            "UPDATE approvals SET status = 'void', closed_at = now() WHERE write_id = ANY(%s) AND status IN"
            " ('open', 'approved')",
            (ids,),
        )
        dropped = move(conn, "write", ids, WriteState.SUPERSEDED, sets={"due_at": None, "detail": outcome})
        entries += [_entry(who, "write.superseded", one, outcome) for one in sorted(dropped)]
    sets = {"outcome": outcome, "case_id": None, "due_at": None, "finished_at": NOW}
    ended = move(conn, "event", [event_id], EventState.IGNORED, sets=sets)
    entries += [audit.Entry(who, "event.ignored", f"event:{one}", {"outcome": outcome}) for one in ended]
    return entries + cases.clear(conn, [event_id], actor=who)


def _entry(who: str, action: str, write_id: UUID, reason: str, **more: Any) -> audit.Entry:
    return audit.Entry(who, action, f"write:{write_id}", {"reason": reason, **more})
