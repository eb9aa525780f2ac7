"""The writing part of a commit: each effect finds its place, is recorded under its key, and written if it is ours."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from counterfoil import audit, failpoints
from counterfoil.database import Connection
from counterfoil.ledger import finish, planning
from counterfoil.lifecycle import WriteState
from destinations.base import Destination, Effect, is_own
from engine.passing import Pass
from engine.sending import approving, completing
from engine.steps.placing import Placed, ask, hold_at_caps, places, planned_row, tell, use_of, written_row
from engine.steps.standing import hold_together, meet_standing
from exceptions_queue import caps


class KeyTaken(Exception):
    """A destination holds other content under a key; the ledger and the destination disagree."""


def write(conn: Connection, passes: Sequence[Pass], destinations: Mapping[str, Destination]) -> list[audit.Entry]:
    """Record and apply what the passes plan, and change the verdicts of those that are not done by it.

    Returns the audit entries.
    """
    placed = [found for one in passes if one.effects for found in places(conn, one, destinations)]
    if not placed:
        return []
    hold_at_caps(conn, placed, destinations)
    hold_together(conn, placed, destinations)
    now = [found for found in placed if found.status is WriteState.CONFIRMED]
    later = [found for found in placed if found.status is not WriteState.CONFIRMED]
    new = finish.record_writes(conn, [written_row(found) for found in now])
    for _ in new:
        failpoints.passing("write.intended")
    _apply(conn, {found.id: found.effect for found in now if found.id in new}, destinations)
    for _ in new:
        failpoints.passing("write.sent")
    new |= planning.plan_writes(conn, [planned_row(found, destinations) for found in later])
    entries = ask(conn, [found for found in later if found.id in new], destinations)
    caps.count(conn, [use_of(found, destinations) for found in placed if found.counts and found.id in new])
    late = [found for found in placed if found.id not in new]
    if late:
        entries += meet_standing(conn, late, destinations)
    if later:
        entries += _supersede_unsent(conn, [found for found in later if found.id in new], destinations)
    for found in later:
        if found.id in new:
            tell(found)
    for _ in new:
        failpoints.passing("write.recorded")
    return entries


def _apply(conn: Connection, effects: Mapping[UUID, Effect], destinations: Mapping[str, Destination]) -> None:
    """Write to destinations that share this transaction.

    Raises: KeyTaken when a destination holds other content under a key that the ledger did not know.
    """
    for name in {effect.destination for effect in effects.values()}:
        batch = {id: effect for id, effect in effects.items() if effect.destination == name}
        destination = destinations[name]
        assert is_own(destination), f"Bug: {name} cannot be written inside a transaction"
        for id, receipt in destination.apply_many(conn, batch).items():
            if receipt.status == "different":
                raise KeyTaken(f"{name} holds other content under {batch[id].key}")


_SUPERSEDE = """
UPDATE writes w SET status = 'superseded', due_at = NULL, detail = 'something newer is written instead'
FROM unnest(%(targets)s::text[], %(handlers)s::text[], %(ids)s::uuid[]) AS r(target, handler, id)
JOIN writes n ON n.id = r.id
WHERE w.target = r.target AND w.handler = r.handler AND w.id <> r.id AND w.subject = n.subject AND w.reverses IS NULL
  AND w.status IN ('planned', 'awaiting_approval', 'approved') AND w.lease_until IS NULL
  AND (w.order_at, w.order_key) <= (n.order_at, n.order_key) AND w.event_id <> n.event_id
RETURNING w.id, w.event_id
"""


def _supersede_unsent(
    conn: Connection, found: Sequence[Placed], destinations: Mapping[str, Destination]
) -> list[audit.Entry]:
    """Of a state only the newest is sent: older writes to the same record that are not on the wire are dropped."""
    latest = [
        (target, one.one.spec.name, one.id)
        for one in found
        if one.one.spec is not None
        and one.one.spec.keeps_state
        and (target := approving.target_of(one.effect, destinations[one.effect.destination]))
    ]
    if not latest:
        return []
    targets, handlers, ids = (list(column) for column in zip(*latest, strict=True))
    rows = conn.execute(_SUPERSEDE, {"targets": targets, "handlers": handlers, "ids": ids}).fetchall()
    if not rows:
        return []
    dropped = [row["id"] for row in rows]
    entries = [audit.Entry("engine", "write.superseded", f"write:{id}", {"by": "something newer"}) for id in dropped]
    return entries + completing.complete(conn, {row["event_id"] for row in rows}, {}, {})
