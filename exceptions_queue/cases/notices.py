"""Notices: who must be told what, written in the transaction that makes it true; `notify` sends them afterwards."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal
from uuid import UUID

import msgspec

from counterfoil import keys
from counterfoil.database import Connection

Kind = Literal["opened", "grew", "assigned", "woken", "lapsed", "escalated", "digest"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One person (or the last resort) to tell about one case, or about their day."""

    case_id: UUID | None
    kind: str  #: one of `Kind`
    recipient: str
    channel: str | None = None  #: the channel to begin with; None: the person's first
    fallback_of: UUID | None = None  #: the first attempt, if this one replaces it
    digest_id: UUID | None = None  #: instead of a case
    id: UUID = field(default_factory=keys.new_id)


_RECORD = """
INSERT INTO notifications (id, case_id, digest_id, kind, recipient, channel, fallback_of)
SELECT r.id, r.case_id, r.digest_id, r.kind, r.recipient, r.channel, r.fallback_of FROM jsonb_to_recordset(%s::jsonb)
    AS r(id uuid, case_id uuid, digest_id uuid, kind text, recipient text, channel text, fallback_of uuid)
"""


def record_notices(conn: Connection, notices: Sequence[Notice]) -> None:
    """Write notices down as pending."""
    if notices:
        conn.execute(_RECORD, (msgspec.json.encode([asdict(one) for one in notices]).decode(),))
