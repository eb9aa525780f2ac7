"""What an effect takes from the receipts of the effects before it in the same plan, e.g. the customer just created.

A plan is pure data, so it names what it cannot know yet: `receipt_of(key)` stands in a body for the reference that the
write under `key` gets; it is filled in when that write is confirmed, before this one is sent.
"""

from collections.abc import Mapping
from typing import Any

MARK = "$receipt"


class ReceiptMissing(LookupError):
    """A body names a write that is not confirmed: its turn has not come, or it never will."""


def receipt_of(key: str) -> dict[str, str]:
    """Stands for the reference of the write under `key`."""
    return {MARK: key}


def resolve(body: Any, references: Mapping[str, str]) -> Any:
    """The body with every mark replaced. Raises: ReceiptMissing."""
    if isinstance(body, Mapping):
        if body.keys() == {MARK}:
            key = body[MARK]
            if key not in references:
                raise ReceiptMissing(f"the write {key} is not confirmed")
            return references[key]
        return {name: resolve(value, references) for name, value in body.items()}
    if isinstance(body, list):
        return [resolve(value, references) for value in body]
    return body


def named(body: Any) -> set[str]:
    """The keys of the writes that a body takes something from."""
    if isinstance(body, Mapping):
        if body.keys() == {MARK}:
            return {body[MARK]}
        return {key for value in body.values() for key in named(value)}
    if isinstance(body, list):
        return {key for value in body for key in named(value)}
    return set()
