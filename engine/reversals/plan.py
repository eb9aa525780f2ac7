"""The plan of a reversal: which writes, how much money, and what cannot be taken back with the reason.

The list is fixed here and nothing moves. Newest first: what was built on something goes before it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from counterfoil import audit, keys
from counterfoil.database import Connection
from destinations.base import Destination
from engine.reversals.filters import as_sql, understood
from engine.sending import inverses, reversing
from exceptions_queue.refusals import FilterRefused, signed

#: More writes than this can be neither looked through nor stopped in time: narrow it down.
WRITES_MAX = 10_000
#: Writes that are read at once while their inverses are worked out.
_AT_ONCE = 500
#: What cannot be taken back is listed so far in the plan; each item has its own reason anyway.
LISTED_MAX = 100


def plan_reversal(
    conn: Connection, wanted: Mapping[str, Any], destinations: Mapping[str, Destination], *, who: str, reason: str
) -> UUID:
    """Fix and count the writes that a filter selects; nothing moves until `start`. Returns the reversal's id.

    Raises: FilterRefused, ReasonMissing.
    """
    who, reason = signed(who, reason)
    chosen = understood(wanted)
    id = keys.new_id()
    conn.execute(
        "INSERT INTO reversals (id, filter, reason, author) VALUES (%s, %s::jsonb, %s, %s)",
        (id, _json(chosen.named()), reason, who),
    )
    condition, values = as_sql(chosen)
    found = conn.execute(
        "INSERT INTO reversal_items (reversal_id, write_id, position) SELECT %(reversal)s, w.id,"
        " row_number() OVER (ORDER BY coalesce(w.confirmed_at, w.created_at) DESC, w.position DESC, w.id DESC)"
        f" FROM writes w WHERE {condition} LIMIT {WRITES_MAX + 1}",
        {**values, "reversal": id},
    )
    if found.rowcount > WRITES_MAX:
        raise FilterRefused(f"more than {WRITES_MAX:,} writes fit: narrow the filter, e.g. by since and until")
    plan = _counted(conn, id, destinations)
    conn.execute("UPDATE reversals SET plan = %s::jsonb WHERE id = %s", (_json(plan), id))
    detail = {"filter": chosen.named(), "writes": plan["writes"], "reason": reason}
    audit.append(conn, "desk", [audit.Entry(who, "reversal.planned", f"reversal:{id}", detail)])
    return id


def _examine(
    conn: Connection, id: UUID, destinations: Mapping[str, Destination]
) -> tuple[list[tuple[UUID, str, str]], int]:
    """Id, key and reason of those that have no inverse; and how many inverses a person is asked about.

    What is behind a network is looked at before the policy judges it, so it is not counted yet.
    """
    chosen = conn.execute("SELECT write_id FROM reversal_items WHERE reversal_id = %s ORDER BY position", (id,))
    ids, impossible, approvals = [row["write_id"] for row in chosen.fetchall()], [], 0
    for begin in range(0, len(ids), _AT_ONCE):
        some = ids[begin : begin + _AT_ONCE]
        found = inverses.read(conn, some, lock=False)
        for row in (found[write_id] for write_id in some):
            try:
                _, effect = inverses.inverse_of(row, destinations[row["destination"]])
            except inverses.NotReversible as why:
                impossible.append((row["id"], row["key"], str(why)))
                continue
            approvals += reversing.decide(effect, destinations[effect.destination], row["handler"]).needed > 0
    return impossible, approvals


_COUNTED = """
SELECT w.destination, w.operation, w.currency, count(*) AS writes, sum(w.amount_minor) AS amount_minor
FROM reversal_items i JOIN writes w ON w.id = i.write_id WHERE i.reversal_id = %s AND i.status = 'planned'
GROUP BY w.destination, w.operation, w.currency ORDER BY w.destination, w.operation, w.currency
"""


def _counted(conn: Connection, id: UUID, destinations: Mapping[str, Destination]) -> dict[str, Any]:
    impossible, approvals = _examine(conn, id, destinations)
    conn.cursor().executemany(
        "UPDATE reversal_items SET status = 'failed', detail = %s WHERE reversal_id = %s AND write_id = %s",
        [(why, id, write_id) for write_id, _, why in impossible],
    )
    rows = conn.execute(_COUNTED, (id,)).fetchall()
    money: dict[str, int] = {}
    for row in rows:
        if row["currency"] is not None:
            money[row["currency"]] = money.get(row["currency"], 0) + int(row["amount_minor"] or 0)
    return {
        "writes": sum(row["writes"] for row in rows) + len(impossible),
        "reversible": sum(row["writes"] for row in rows),
        "money": [{"amount_minor": amount, "currency": currency} for currency, amount in sorted(money.items())],
        "operations": _by_operation(rows),
        "not_reversible": [
            {"write_id": str(write_id), "key": key, "detail": why} for write_id, key, why in impossible[:LISTED_MAX]
        ],
        "approvals": approvals,
    }


def _by_operation(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        name = (row["destination"], row["operation"])
        counts[name] = counts.get(name, 0) + row["writes"]
    return [{"destination": one, "operation": two, "writes": count} for (one, two), count in counts.items()]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
