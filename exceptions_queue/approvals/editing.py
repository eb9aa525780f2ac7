"""Editing an action before it is approved: held against its destination's rules again, and shown to somebody else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from counterfoil import audit
from counterfoil.database import Connection
from exceptions_queue.approvals.answering import get_open
from exceptions_queue.approvals.asking import Request, request_many
from exceptions_queue.approvals.difference import difference
from exceptions_queue.approvals.ending import entry, lock
from exceptions_queue.refusals import ActionRefused, signed


@dataclass(frozen=True, slots=True)
class Edited:
    """An action as it was edited and checked: what is kept, and what is shown."""

    body: dict[str, Any]
    evidence: dict[str, Any]
    digest: str
    amount_minor: int | None
    currency: str | None
    shown: dict[str, Any]
    rule: str
    needed: int
    expires_hours: int


#: Takes the write's row and the evidence of the edit, holds the new action against every rule, gives what to keep.
Show = Callable[[dict[str, Any], dict[str, Any]], Edited]

_KEEP = """
UPDATE writes SET action = %(action)s::jsonb, digest = %(digest)s, amount_minor = %(amount_minor)s,
    currency = %(currency)s, approvals_needed = greatest(approvals_needed, %(needed)s), approval_rule = %(rule)s
WHERE id = %(id)s AND status = 'awaiting_approval'
"""


def edit(
    conn: Connection, write_id: UUID, *, body: dict[str, Any], show: Show, who: str, reason: str
) -> list[dict[str, Any]]:
    """Change the action; the request is void, and somebody who never edited it is asked. Returns the difference.

    Raises: WriteNotFound, NotAwaiting, ActionRefused, ReasonMissing.
    """
    who, reason = signed(who, reason)
    write = lock(conn, write_id)
    request = get_open(conn, write_id, write)
    assert write is not None, "Bug: a request without its write"
    changed = difference(request["shown"].get("body"), body)
    if not changed:
        raise ActionRefused("the edited action is the one that waits already")
    edited = show(write, {"by": who, "reason": reason, "difference": changed})
    needed = max(edited.needed, int(write["approvals_needed"]), 1)
    # Before the content changes: what is shown and what stands never differ, not for one statement.
    conn.execute("UPDATE approvals SET status = 'void', closed_at = now() WHERE id = %s", (request["id"],))
    # The plan's own digest stays beside it: the same plan, replayed, finds its write.
    kept = {
        "action": {
            **write["action"],
            "body": edited.body,
            "evidence": edited.evidence,
            "planned_digest": write["action"].get("planned_digest", write["digest"]),
        },
    }
    values = {
        "id": write_id,
        "action": msgspec.json.encode(kept["action"]).decode(),
        "digest": edited.digest,
        "amount_minor": edited.amount_minor,
        "currency": edited.currency,
        "needed": needed,
        "rule": edited.rule,
    }
    conn.execute(_KEEP, values)
    shown = {**edited.shown, "people_needed": needed}
    asked = Request(write_id, shown, edited.rule, needed, edited.expires_hours, edited_by=who)
    entries = [entry(who, "write.edited", write_id, reason, digest=asked.digest, difference=changed)]
    audit.append(conn, "desk", entries + request_many(conn, [asked]))
    return changed
