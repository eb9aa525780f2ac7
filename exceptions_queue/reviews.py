"""Reviews: a person says whether a write that was made, or would have been, is right; the evidence of a rollout.

It approves nothing and sends nothing. Bound to the digest of what was judged, one per person and write.
"""

from uuid import UUID

from counterfoil import audit, keys
from counterfoil.database import Connection
from exceptions_queue.refusals import NotLikeThat, ShownChanged, VotedAlready, WriteNotFound, signed


class NotReviewed(NotLikeThat):
    """What a person has taken back is no handler's plan."""


def review(conn: Connection, write_id: UUID, *, digest: str, agrees: bool, who: str, reason: str) -> None:
    """Keep what somebody thinks of a handler's write.

    Raises: WriteNotFound, NotReviewed, ShownChanged, VotedAlready, ReasonMissing.
    """
    who, reason = signed(who, reason)
    write = conn.execute(
        "SELECT key, digest, handler, reverses FROM writes WHERE id = %s FOR SHARE", (write_id,)
    ).fetchone()
    if write is None:
        raise WriteNotFound(f"there is no write {write_id}")
    if write["handler"] is None or write["reverses"] is not None:
        raise NotReviewed(f"{write['key']} takes another write back: it is a person's plan, not a handler's")
    if write["digest"] != digest:
        difference = [{"field": "digest", "shown": digest, "now": write["digest"]}]
        raise ShownChanged(f"{write['key']} is not what you have seen any more: look at it again", difference)
    kept = conn.execute(
        "INSERT INTO reviews (id, write_id, digest, agrees, person, reason) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (write_id, person) DO NOTHING RETURNING id",
        (keys.new_id(), write_id, digest, agrees, who, reason),
    ).fetchone()
    if kept is None:
        raise VotedAlready(f"{who} has reviewed {write['key']} before")
    detail = {"key": write["key"], "digest": digest, "agrees": agrees, "reason": reason}
    audit.append(conn, "desk", [audit.Entry(who, "write.reviewed", f"write:{write_id}", detail)])
