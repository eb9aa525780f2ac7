"""What taking a write back would do, and whether a write stands as it was made: shown, nothing is changed anywhere.

Each reads what is kept in one short transaction, then asks the destination through a client that cannot write.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from counterfoil.database import Connection
from counterfoil.lifecycle import WriteState
from destinations.base import Destination, Effect
from destinations.http import Failed
from destinations.remote import Sent, is_remote
from engine.sending import approving
from engine.sending.inverses import NotReversible, WriteNotFound, inverse_of, original_of, read
from exceptions_queue.policy import Decision, policy


@dataclass(frozen=True, slots=True)
class Preview:
    """The inverse as it would be shown, and what is in its way."""

    shown: dict[str, Any]
    #: What somebody changed since the write was made: it would be kept.
    changed: list[str]
    #: Why the destination could not be asked; None: it was, or nobody needs to.
    unknown: str | None


def preview(conn: Connection, write_id: UUID, destinations: Mapping[str, Destination]) -> Preview:
    """The inverse of a write. Ends the caller's transaction before it asks anybody.

    Raises: WriteNotFound, NotReversible.
    """
    row = read(conn, [write_id], lock=False).get(write_id)
    if row is None:
        raise WriteNotFound(f"there is no write {write_id}")
    destination = destinations[row["destination"]]
    original, effect = inverse_of(row, destination)
    known = approving.known_targets(conn, [target]) if (target := approving.target_of(effect, destination)) else set()
    conn.rollback()
    decision = policy().decide(approving.proposed(effect, destination, row["handler"], known, None))
    return _looked(original, effect, row["receipt"] or {}, destination, decision)


def _looked(
    original: Effect, effect: Effect, receipt: Mapping[str, Any], destination: Destination, decision: Decision
) -> Preview:
    if not is_remote(destination):
        return Preview(approving.shown(effect, effect.digest, destination, None, decision), [], None)
    try:
        http = destination.connect(write=False)
        try:
            image = destination.look(http, effect)
        finally:
            http.close()
    except Failed as failed:
        return Preview(approving.shown(effect, effect.digest, destination, None, decision), [], str(failed))
    changed = destination.changed_since(original, receipt, image)
    return Preview(approving.shown(effect, effect.digest, destination, image, decision), changed, None)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a confirmed write stands at its destination now."""

    outcome: str  #: `stands`, `differs` or `unknown`
    detail: str
    differences: list[str] = field(default_factory=list)


def standing(conn: Connection, write_id: UUID, destinations: Mapping[str, Destination]) -> Standing:
    """Ask the destination about a confirmed write; nothing of it is kept. Ends the caller's transaction first.

    Raises: WriteNotFound, NotReversible.
    """
    row = read(conn, [write_id], lock=False).get(write_id)
    if row is None:
        raise WriteNotFound(f"there is no write {write_id}")
    destination, original = destinations[row["destination"]], original_of(row)
    if row["status"] not in (WriteState.CONFIRMED, WriteState.REVERSING):
        raise NotReversible(f"the write is {row['status']}: only what is confirmed can be compared")
    if not is_remote(destination):
        return _in_our_books(conn, row)
    conn.rollback()
    receipt = row["receipt"] or {}
    sent = Sent("done", "kept", receipt.get("reference"), receipt)
    try:
        http = destination.connect(write=False)
        try:
            differences = destination.read_back(http, original, sent)
        finally:
            http.close()
    except Failed as failed:
        return Standing("unknown", str(failed))
    if differences:
        return Standing("differs", "it does not stand there as it was made", differences)
    return Standing("stands", "it stands there as it was made")


def _in_our_books(conn: Connection, row: Mapping[str, Any]) -> Standing:
    found = conn.execute("SELECT 1 AS one FROM books_entries WHERE write_key = %s", (row["key"],)).fetchone()
    conn.rollback()
    if found is None:
        return Standing("differs", "it is not in the books", ["no entry stands under its key"])
    return Standing("stands", "its entry stands in the books, and entries are never changed")
