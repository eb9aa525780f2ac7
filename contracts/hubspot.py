"""What HubSpot's events look like: one element of the array that HubSpot posts, not the array.

Pages: https://developers.hubspot.com/docs/api/webhooks. Ids are 64-bit numbers; `occurredAt` is in milliseconds.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.base import Contract, Violation

#: 64 bits; what is larger is no id of theirs.
Id = Annotated[int, Field(ge=0, lt=2**63)]

#: 2010 and 2100 in milliseconds: seconds taken for milliseconds fall below, microseconds above.
_OCCURRED_MS = (1_262_304_000_000, 4_102_444_800_000)

#: The objects that have subscriptions of their own; every other one comes as `object.*` with an `objectTypeId`.
_OBJECTS = ("contact", "company", "deal", "ticket", "product", "line_item", "object")


def occurred_in_bounds(event: "ObjectEvent") -> Iterator[Violation]:
    """`occurredAt` is a time in milliseconds."""
    low, high = _OCCURRED_MS
    if not low <= event.occurredAt <= high:
        yield Violation(
            "occurredAt", "date_in_bounds", str(event.occurredAt), f"{low} to {high} (milliseconds)",
            "Compare with the record's history at HubSpot; seconds were probably taken for milliseconds.",
        )  # fmt: skip


def object_type_named(event: "ObjectEvent") -> Iterator[Violation]:
    """A generic event says which type of object it is about."""
    if (event.subscriptionType or event.eventType or "").startswith("object.") and not event.objectTypeId:
        yield Violation(
            "objectTypeId", "object_type_named", "absent", "an object type such as 0-1 or 2-…",
            "Look the object up at HubSpot and add its type, then replay.",
        )  # fmt: skip


class ObjectEvent(Contract):
    """What all events about a record have in common."""

    source: ClassVar[str] = "hubspot"
    rules = (occurred_in_bounds, object_type_named)

    # The names are HubSpot's own, so that a violation points at what stands in the payload.
    portalId: Id  # noqa: N815
    objectId: Id  # noqa: N815
    occurredAt: int  # noqa: N815
    subscriptionType: str | None = None  # noqa: N815
    eventType: str | None = None  # noqa: N815
    objectTypeId: str | None = None  # noqa: N815
    changeSource: str | None = None  # noqa: N815


class ObjectCreated(ObjectEvent):
    """A record was created."""

    types: ClassVar[frozenset[str]] = frozenset(f"{name}.creation" for name in _OBJECTS)
    version: ClassVar[str] = "hubspot.object_created/1"


class ObjectDeleted(ObjectEvent):
    """A record was deleted, or deleted for privacy; the latter comes together with the former, in any order."""

    types: ClassVar[frozenset[str]] = frozenset(f"{name}.deletion" for name in _OBJECTS) | {"contact.privacyDeletion"}
    version: ClassVar[str] = "hubspot.object_deleted/1"


class PropertyChanged(ObjectEvent):
    """One property of a record changed; an emptied one comes with an empty or absent value."""

    types: ClassVar[frozenset[str]] = frozenset(f"{name}.propertyChange" for name in _OBJECTS)
    version: ClassVar[str] = "hubspot.property_changed/1"

    propertyName: str = Field(min_length=1)  # noqa: N815
    propertyValue: str | None = None  # noqa: N815


class ObjectsMerged(ObjectEvent):
    """Records became one; `newObjectId` may be an id that neither of them had."""

    types: ClassVar[frozenset[str]] = frozenset(f"{name}.merge" for name in _OBJECTS)
    version: ClassVar[str] = "hubspot.objects_merged/1"

    primaryObjectId: Id  # noqa: N815
    mergedObjectIds: list[Id] = Field(min_length=1)  # noqa: N815
    newObjectId: Id | None = None  # noqa: N815
