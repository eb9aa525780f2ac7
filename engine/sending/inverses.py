"""The effect that takes a write back, made from what is kept of the write. Nothing here asks or changes anything.

A write that was kept (changed since, refused, not approved) may be tried again: each try has a key of its own, which a
destination that remembers keys must not take for the one before.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from contracts.money import Money
from counterfoil import clock, keys
from counterfoil.database import Connection
from counterfoil.lifecycle import WriteState
from destinations.base import KEY_LENGTH_MAX, Destination, Effect, is_own
from destinations.references import ReceiptMissing, resolve
from destinations.remote import Image, NoInverse, is_remote
from exceptions_queue.refusals import NotNow, NotThere


class WriteNotFound(NotThere):
    """There is no such write."""


class NotReversible(NotNow):
    """The write cannot be taken back now; the message says why."""


#: `tries`: inverses of it so far; `references`: what the writes of its plan were given, by key.
_ORIGINALS = """
SELECT w.id, w.key, w.status, w.destination, w.operation, w.subject, w.amount_minor, w.currency, w.action, w.event_id,
       w.handler, w.receipt, w.pre_image, w.reverses, w.position, w.target,
       (SELECT e.source FROM events e WHERE e.id = w.event_id) AS source,
       (SELECT count(*) FROM writes i WHERE i.reverses = w.id) AS tries,
       (SELECT coalesce(jsonb_object_agg(o.key, o.receipt ->> 'reference'), '{}'::jsonb) FROM writes o
        WHERE o.event_id = w.event_id AND o.receipt ->> 'reference' IS NOT NULL) AS references
FROM writes w WHERE w.id = ANY(%s)
"""


def read(conn: Connection, write_ids: list[UUID], *, lock: bool) -> dict[UUID, dict[str, Any]]:
    """Writes as this module wants them; locked after their events, the order in which everybody takes both."""
    if lock:
        conn.execute(
            "SELECT 1 FROM events WHERE id IN (SELECT event_id FROM writes WHERE id = ANY(%s)) ORDER BY id FOR UPDATE",
            (write_ids,),
        )
        conn.execute("SELECT 1 FROM writes WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (write_ids,))
    return {row["id"]: row for row in conn.execute(_ORIGINALS, (write_ids,)).fetchall()}


def original_of(row: Mapping[str, Any]) -> Effect:
    """The effect as it was sent: what it took from writes before it is filled in."""
    money = Money(row["amount_minor"], row["currency"]) if row["amount_minor"] is not None else None
    try:
        body = resolve(row["action"]["body"], row["references"])
    except ReceiptMissing as missing:
        raise NotReversible(f"what it was sent with is not known any more: {missing}") from None
    return Effect(row["destination"], row["operation"], row["key"], row["subject"] or "", money, body)


def inverse_of(row: Mapping[str, Any], destination: Destination) -> tuple[Effect, Effect]:
    """A confirmed write as it was sent, and the effect that takes it back. Raises: NotReversible."""
    if row["reverses"] is not None:
        raise NotReversible("it takes another write back; what was taken back stays so under its key")
    if row["status"] != WriteState.CONFIRMED:
        raise NotReversible(f"it is {row['status']}: only what is confirmed can be taken back")
    original = original_of(row)
    try:
        if is_remote(destination):
            image = Image.from_json(row["pre_image"]) if row["pre_image"] else None
            effect = destination.inverse(original, row["receipt"] or {}, image)
        else:
            assert is_own(destination), f"Bug: {destination.name} has no safety that is known"
            effect = destination.inverse(original, on=clock.now().date())
    except NoInverse as none:
        raise NotReversible(str(none)) from none
    return original, replace(effect, key=key_of(original.key, row["tries"]))


def key_of(original_key: str, tries: int) -> str:
    """The key of the next try: `reverse:<key>`, then `reverse:<key>#2`."""
    again = f"#{tries + 1}" if tries else ""
    key = f"reverse:{original_key}{again}"
    return key if len(key) <= KEY_LENGTH_MAX else f"reverse:{keys.digest(original_key)}{again}"
