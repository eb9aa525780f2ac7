"""A request: one write, exactly what is shown about it, how many people must agree, and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from counterfoil import audit, keys
from counterfoil.database import Connection


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


# A plan made of a payload that a person corrected carries that person's edit as much as an edited action does.
_REQUEST = """
INSERT INTO approvals (id, write_id, digest, shown, rule, needed, edited_by, expires_at)
SELECT r.id, r.write_id, r.digest, r.shown, r.rule, r.needed,
    coalesce(r.edited_by, (SELECT p.author FROM writes w JOIN events e ON e.id = w.event_id
        JOIN payloads p ON p.event_id = e.id AND p.version = e.payload_version
        WHERE w.id = r.write_id AND w.reverses IS NULL)),
    now() + make_interval(hours => r.hours)
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, write_id uuid, digest text, shown jsonb, rule text, needed int,
     edited_by text, hours int)
"""


def request_many(conn: Connection, requests: Sequence[Request]) -> list[audit.Entry]:
    """Ask about writes in `awaiting_approval`; what was asked about them before is void. Returns the entries."""
    if not requests:
        return []
    conn.execute(
        "UPDATE approvals SET status = 'void', closed_at = coalesce(closed_at, now())"
        " WHERE write_id = ANY(%s) AND status IN ('open', 'approved', 'used')",
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
