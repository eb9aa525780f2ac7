"""What speaks for letting a handler out further, and what against it: counted, with the doubt that small counts have.

decisions   what people said about the handler's own plans: a yes to exactly the plan speaks for it; an edit, a no, a
            reversal or a review that disagrees speaks against it. One per write; silence is none
outcomes    what became of its writes: confirmed, or refused, not applied, taken back

Of either the lower end of Wilson's interval (95 %) counts, not the share: nine of nine is no proof of nine in ten.
"""

import math
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from counterfoil.database import Connection

#: Of a normal distribution, 95 % lie within so many deviations.
Z = 1.959964
#: Decisions that are read at most, newest first: what was long ago says little of the handler of today.
DECISIONS_MAX = 500


def lower_bound(hits: int, of: int) -> float:
    """The share that is reached with 95 % certainty (Wilson); 0 when nothing was counted."""
    if of == 0:
        return 0.0
    share, doubt = hits / of, Z * Z / of
    middle = share + doubt / 2
    spread = Z * math.sqrt(share * (1 - share) / of + doubt / (4 * of))
    return max(0.0, (middle - spread) / (1 + doubt))


@dataclass(frozen=True, slots=True)
class Decisions:
    """What people decided about one handler's plans; each write stands in one of the numbers."""

    agreed: int
    edited: int
    rejected: int
    reversed: int
    #: Reviews that disagree, where nothing else was decided.
    disagreed: int

    @property
    def count(self) -> int:
        return self.agreed + self.against

    @property
    def against(self) -> int:
        return self.edited + self.rejected + self.reversed + self.disagreed

    @property
    def agreement_lower(self) -> float:
        return lower_bound(self.agreed, self.count)

    @property
    def disagreement_lower(self) -> float:
        return lower_bound(self.against, self.count)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "count": self.count, "agreement_lower": round(self.agreement_lower, 4)}


# Votes, not requests: they stay whatever becomes of their request. Inverses are people's plans, not the handler's.
_DECISIONS = """
WITH said AS (
    SELECT v.write_id, v.decision = 'reject' AS rejected, v.edited, false AS reversed, false AS disagreed, v.at
    FROM (SELECT a.write_id, v.decision, a.edited_by IS NOT NULL AS edited, v.voted_at AS at
          FROM approval_votes v JOIN approvals a ON a.id = v.approval_id WHERE v.voted_at >= %(since)s) v
    UNION ALL
    SELECT i.reverses, false, false, true, false, i.created_at FROM writes i
    WHERE i.reverses IS NOT NULL AND i.handler = %(handler)s AND i.created_at >= %(since)s
    UNION ALL
    SELECT r.write_id, false, false, false, NOT r.agrees, r.reviewed_at FROM reviews r WHERE r.reviewed_at >= %(since)s
), decided AS (
    SELECT s.write_id, bool_or(s.rejected) AS rejected, bool_or(s.edited) AS edited, bool_or(s.reversed) AS reversed,
           bool_or(s.disagreed) AS disagreed
    FROM said s JOIN writes w ON w.id = s.write_id WHERE w.handler = %(handler)s AND w.reverses IS NULL
    GROUP BY s.write_id ORDER BY max(s.at) DESC LIMIT %(most)s
)
SELECT count(*) FILTER (WHERE reversed) AS reversed,
       count(*) FILTER (WHERE rejected AND NOT reversed) AS rejected,
       count(*) FILTER (WHERE edited AND NOT rejected AND NOT reversed) AS edited,
       count(*) FILTER (WHERE disagreed AND NOT edited AND NOT rejected AND NOT reversed) AS disagreed,
       count(*) FILTER (WHERE NOT (disagreed OR edited OR rejected OR reversed)) AS agreed
FROM decided
"""


def decisions(conn: Connection, handler: str, since: datetime, *, most: int = DECISIONS_MAX) -> Decisions:
    """What people decided since a moment, of that the newest."""
    row = conn.execute(_DECISIONS, {"handler": handler, "since": since, "most": most}).fetchone()
    assert row is not None
    return Decisions(**row)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the writes of one handler that are settled."""

    confirmed: int
    refused: int
    reversed: int

    @property
    def count(self) -> int:
        return self.confirmed + self.against

    @property
    def against(self) -> int:
        return self.refused + self.reversed

    @property
    def failure_lower(self) -> float:
        return lower_bound(self.against, self.count)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "count": self.count, "failure_lower": round(self.failure_lower, 4)}


def first_id(since: datetime) -> UUID:
    """Below every id that was made since then, on a machine whose clock is less than a day behind."""
    return UUID(int=max(0, int((since - timedelta(days=1)).timestamp() * 1000)) << 80)


# By id, which is made of the time: from the newest backwards until there are enough.
_OUTCOMES = """
SELECT count(*) FILTER (WHERE status = 'confirmed') AS confirmed, count(*) FILTER (WHERE status = 'refused') AS refused,
       count(*) FILTER (WHERE status IN ('reversing', 'reversed')) AS reversed
FROM (SELECT w.status FROM writes w
      WHERE w.id >= %(first)s AND w.handler = %(handler)s AND w.reverses IS NULL AND w.created_at >= %(since)s
        AND w.status IN ('confirmed', 'refused', 'reversing', 'reversed')
      ORDER BY w.id DESC LIMIT %(most)s) AS newest
"""


def outcomes(conn: Connection, handler: str, since: datetime, *, most: int) -> Outcomes:
    """What became of the newest writes since a moment."""
    values = {"handler": handler, "since": since, "first": first_id(since), "most": most}
    row = conn.execute(_OUTCOMES, values).fetchone()
    assert row is not None
    return Outcomes(**row)
