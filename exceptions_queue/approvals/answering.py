"""What people answer: yes to exactly what was shown, alone or many alike at once, or no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import WriteState
from exceptions_queue.approvals.difference import difference
from exceptions_queue.approvals.ending import drop_rest, end_event, entry, lock, unblock
from exceptions_queue.refusals import (
    EditorMayNot,
    NotAwaiting,
    Refused,
    ShownChanged,
    VotedAlready,
    WriteNotFound,
    signed,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one yes of many: `counted` means that it needs another person still."""

    write_id: UUID
    outcome: Literal["approved", "counted", "refused"]
    detail: str
    difference: list[dict[str, Any]] = field(default_factory=list)


def approve(conn: Connection, write_id: UUID, *, digest: str, who: str, reason: str) -> bool:
    """Say yes to exactly what was shown; True when no further person is needed. Ring the bell after the commit.

    Raises: WriteNotFound, NotAwaiting, ShownChanged, EditorMayNot, VotedAlready, ReasonMissing.
    """
    who, reason = signed(who, reason)
    enough, entries = _approve(conn, write_id, digest, who, reason)
    audit.append(conn, "desk", entries)
    return enough


def approve_many(conn: Connection, shown: Sequence[tuple[UUID, str]], *, who: str, reason: str) -> list[Answer]:
    """Say yes to many, each under its own digest; one that is refused does not stop the others.

    Raises: ReasonMissing.
    """
    who, reason = signed(who, reason)
    conn.execute(
        "SELECT 1 FROM events WHERE id IN (SELECT event_id FROM writes WHERE id = ANY(%s)) ORDER BY id FOR UPDATE",
        ([write_id for write_id, _ in shown],),
    )
    found, entries = [], []
    for write_id, digest in shown:
        try:
            with conn.transaction():
                enough, more = _approve(conn, write_id, digest, who, reason)
        except Refused as refused:
            found.append(Answer(write_id, "refused", str(refused), getattr(refused, "difference", [])))
            continue
        entries += more
        said = "approved" if enough else "counted; another person has to approve it too"
        found.append(Answer(write_id, "approved" if enough else "counted", said))
    audit.append(conn, "desk", entries)
    return found


def _approve(conn: Connection, write_id: UUID, digest: str, who: str, reason: str) -> tuple[bool, list[audit.Entry]]:
    write = lock(conn, write_id)
    request = get_open(conn, write_id, write, digest)
    assert write is not None, "Bug: a request without its write"
    _may_vote(conn, write_id, request, who)
    yes = _vote(conn, request, who, "approve", reason)
    enough = yes >= int(request["needed"])
    entries = [entry(who, "approval.given", write_id, reason, digest=digest, votes=yes, needed=request["needed"])]
    if enough:
        conn.execute("UPDATE approvals SET status = 'approved', closed_at = now() WHERE id = %s", (request["id"],))
        # Looked at once more before it is sent: the yes is bound to the target as it was shown.
        move(conn, "write", [write_id], WriteState.APPROVED, sets={"due_at": NOW, "looked_at": None})
        entries.append(entry(who, "write.approved", write_id, reason, digest=digest))
        entries += unblock(conn, write)
    return enough, entries


def reject(conn: Connection, write_id: UUID, *, who: str, reason: str) -> None:
    """Say no; one no is enough, also of somebody who said yes before. The rest of the plan is not made either.

    Raises: WriteNotFound, NotAwaiting, ReasonMissing.
    """
    who, reason = signed(who, reason)
    write = lock(conn, write_id)
    request = get_open(conn, write_id, write)
    assert write is not None, "Bug: a request without its write"
    entries = _reject(conn, write, request, who, reason)
    audit.append(conn, "desk", entries + end_event(conn, write, f"rejected by {who}: {reason}", who))


_WAITING = """
SELECT w.id, a.id AS approval_id
FROM case_events m JOIN writes w ON w.event_id = m.event_id AND (w.reverses IS NOT NULL) = (m.detail ? 'beside')
JOIN approvals a ON a.write_id = w.id AND a.status = 'open'
WHERE m.case_id = %s AND m.cleared_at IS NULL AND w.status = 'awaiting_approval' ORDER BY w.event_id, w.id
"""


_BY_ID = "SELECT id, status, digest, expires_at <= now() AS late FROM approvals WHERE id = %s"


def withdraw(conn: Connection, case_id: UUID, *, who: str, reason: str) -> list[audit.Entry]:
    """Say no to everything that waits for approval in a case which is about to be dismissed, expired or not.

    The events and the case are left to whoever dismisses them. Returns the audit entries, for the end.

    Raises: ReasonMissing.
    """
    who, reason = signed(who, reason)
    entries: list[audit.Entry] = []
    for row in conn.execute(_WAITING, (case_id,)).fetchall():
        write = lock(conn, row["id"])
        request = conn.execute(_BY_ID, (row["approval_id"],)).fetchone()
        # Answered while we waited for it, or dropped as the rest of a plan that was rejected just now.
        if write is not None and request is not None and request["status"] == "open":
            entries += _reject(conn, write, request, who, reason)
            entries += drop_rest(conn, write, f"rejected by {who}: {reason}", who)
    return entries


def _reject(
    conn: Connection, write: Mapping[str, Any], request: Mapping[str, Any], who: str, reason: str
) -> list[audit.Entry]:
    if not _voted(conn, request["id"], who) and not request["late"]:
        _vote(conn, request, who, "reject", reason)
    conn.execute("UPDATE approvals SET status = 'rejected', closed_at = now() WHERE id = %s", (request["id"],))
    move(conn, "write", [write["id"]], WriteState.REJECTED, sets={"due_at": None, "detail": f"rejected: {reason}"})
    return [entry(who, "write.rejected", write["id"], reason, digest=request["digest"])]


def get_open(
    conn: Connection, write_id: UUID, write: Mapping[str, Any] | None, digest: str | None = None
) -> dict[str, Any]:
    """The open request of a locked write; with a digest, only if that is what it shows.

    Raises: WriteNotFound, NotAwaiting, ShownChanged.
    """
    if write is None:
        raise WriteNotFound(f"there is no write {write_id}")
    request = conn.execute(
        "SELECT id, digest, shown, rule, needed, expires_at <= now() AS late FROM approvals"
        " WHERE write_id = %s AND status = 'open'",
        (write_id,),
    ).fetchone()
    if digest is not None:
        _same_as_shown(conn, write, request, digest)
    if write["status"] != WriteState.AWAITING_APPROVAL or request is None:
        raise NotAwaiting(f"the write is {write['status']}: nobody is asked about it")
    if request["late"]:
        raise NotAwaiting("the request has expired: replay the event to be asked again")
    return request


def _same_as_shown(conn: Connection, write: Mapping[str, Any], now: Mapping[str, Any] | None, digest: str) -> None:
    """Raises: ShownChanged, with what was shown under the digest beside what would be written now."""
    if now is not None and now["digest"] == digest:
        return
    row = conn.execute(
        "SELECT shown FROM approvals WHERE write_id = %s AND digest = %s LIMIT 1", (write["id"], digest)
    ).fetchone()
    was = row["shown"] if row else {}
    if now is not None:
        differs = difference(was, now["shown"])
    elif row is not None and was.get("effect_digest") != write["digest"]:
        # Planned anew, and nobody is asked about that yet.
        differs = difference({"body": was.get("body")}, {"body": write["action"].get("body")})
    else:
        return
    raise ShownChanged("what would be written is not what this digest was shown for: look at it again", differs)


# The database's own rule, asked before it has to refuse (counterfoil/migrations/sql/approvals.sql).
_EDITED = "SELECT 1 AS one WHERE write_is_of(%(write)s, %(who)s)"
_VOTED = "SELECT 1 AS one FROM approval_votes WHERE approval_id = %s AND lower(person) = lower(%s)"


def _may_vote(conn: Connection, write_id: UUID, request: Mapping[str, Any], who: str) -> None:
    if conn.execute(_EDITED, {"write": write_id, "who": who}).fetchone():
        raise EditorMayNot(f"{who} edited this: another person has to approve it")
    if _voted(conn, request["id"], who):
        raise VotedAlready(f"{who} has answered this request already; it needs another person")


def _voted(conn: Connection, approval_id: UUID, who: str) -> bool:
    return conn.execute(_VOTED, (approval_id, who)).fetchone() is not None


def _vote(conn: Connection, request: Mapping[str, Any], who: str, decision: str, reason: str) -> int:
    """Record the answer; returns how many have said yes."""
    conn.execute(
        "INSERT INTO approval_votes (approval_id, person, decision, digest, reason) VALUES (%s, %s, %s, %s, %s)",
        (request["id"], who, decision, request["digest"], reason),
    )
    row = conn.execute(
        "SELECT count(*) AS n FROM approval_votes WHERE approval_id = %s AND decision = 'approve'", (request["id"],)
    ).fetchone()
    return int(row["n"]) if row else 0
