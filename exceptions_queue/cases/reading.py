"""What a case holds at this moment: how many events it blocks, since when, and the money in them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from counterfoil.database import Connection


@dataclass(slots=True)
class Stake:
    """What is blocked by a case."""

    blocked: int = 0
    oldest_at: datetime | None = None
    at_stake: dict[str, int] = field(default_factory=dict)  #: minor units by currency


_STAKES = """
SELECT case_id, currency, count(*) AS blocked, min(added_at) AS oldest_at, sum(amount_minor) AS amount_minor
FROM case_events WHERE case_id = ANY(%s) AND cleared_at IS NULL GROUP BY case_id, currency ORDER BY currency
"""


def stakes(conn: Connection, case_ids: Iterable[UUID]) -> dict[UUID, Stake]:
    """What each of these cases blocks now; every id has an answer."""
    found = {case_id: Stake() for case_id in case_ids}
    for row in conn.execute(_STAKES, (list(found),)).fetchall():
        stake = found[row["case_id"]]
        stake.blocked += row["blocked"]
        stake.oldest_at = min(filter(None, (stake.oldest_at, row["oldest_at"])))
        if row["currency"] is not None and row["amount_minor"] is not None:
            stake.at_stake[row["currency"]] = int(row["amount_minor"])
    return found


def exists(conn: Connection, case_id: UUID) -> bool:
    """Whether there is such a case, open or closed."""
    return conn.execute("SELECT 1 AS one FROM cases WHERE id = %s", (case_id,)).fetchone() is not None
