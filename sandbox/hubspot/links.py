"""Owns the associations between records, which always run in both directions.

https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sandbox.hubspot.echoes import Author, Echoes
from sandbox.hubspot.kinds import COMPANY, PRIMARY, UNLABELLED, Kind, find_kind, find_pair
from sandbox.hubspot.records import Record, Records
from sandbox.hubspot.refusals import Refusal, invalid

CATEGORY = "HUBSPOT_DEFINED"


class Link(NamedTuple):
    """An association that a new record is to have, checked."""

    to: Record
    is_primary: bool


class End(NamedTuple):
    """One end of an association: a record by kind and id."""

    type_id: str
    id: str


class Links:
    """All associations of an account."""

    def __init__(self, records: Records, echoes: Echoes) -> None:
        """Start without any."""
        self._records = records
        self._echoes = echoes
        #: from -> to -> the associations' numbers, in the order in which they were made
        self._of: dict[End, dict[End, list[int]]] = {}

    def check(self, kind: Kind, wishes: list[dict[str, Any]]) -> tuple[Link, ...]:
        """Check the associations that a new record shall have. Raises: Refusal."""
        return tuple(self._check_one(kind, wish) for wish in wishes)

    def number(self, kind: Kind, to: Kind) -> int:
        """The number of the unlabelled association. Raises: Refusal when two kinds have none."""
        found = UNLABELLED.get((kind.singular, to.singular))
        if found is None:
            raise invalid(f"{kind.plural} and {to.plural} cannot be associated.")
        return found

    def add(self, one: Record, other: Record, author: Author, *, primary: bool = False) -> None:
        """Associate two records; nothing happens when they are."""
        self.number(one.kind, other.kind)
        if self._records.pretends:
            return
        is_first = (one.kind is COMPANY or not self._companies(one)) and (
            other.kind is COMPANY or not self._companies(other)
        )
        for start, end in ((one, other), (other, one)):
            pair = (start.kind.singular, end.kind.singular)
            numbers = self._of.setdefault(_end(start), {}).setdefault(_end(end), [])
            for table, is_primary in ((PRIMARY, True), (UNLABELLED, False)):
                number = table.get(pair)
                if number is None or number in numbers or (is_primary and not (primary or is_first)):
                    continue
                numbers.append(number)
                self._tell(start, end, author, is_primary=is_primary, is_removed=False)

    def remove(self, one: Record, other: Record, author: Author) -> None:
        """Take all associations of two records away; nothing happens when there are none."""
        if self._records.pretends:
            return
        for start, end in ((one, other), (other, one)):
            for number in self._of.get(_end(start), {}).pop(_end(end), []):
                self._tell(start, end, author, is_primary=number in PRIMARY.values(), is_removed=True)

    def of(self, record: Record, to: Kind) -> list[tuple[str, list[int]]]:
        """Ids of the living records of a kind with which this one is associated, and by which associations."""
        found = self._of.get(_end(record), {}).items()
        return [
            (end.id, numbers)
            for end, numbers in found
            if end.type_id == to.type_id and self._records.find(to, end.id) is not None
        ]

    def move(self, old: Record, new: Record) -> None:
        """Give what a merged record had to the one that it became."""
        for end, numbers in self._of.pop(_end(old), {}).items():
            back = self._of[end].pop(_end(old), [])
            self._of.setdefault(_end(new), {}).setdefault(end, []).extend(numbers)
            self._of[end].setdefault(_end(new), []).extend(back)

    def all(self) -> Iterator[dict[str, Any]]:
        """All associations, for counting."""
        for start, ends in self._of.items():
            for end, numbers in ends.items():
                yield {"from": list(start), "to": list(end), "types": numbers}

    def _check_one(self, kind: Kind, wish: dict[str, Any]) -> Link:
        to, types = wish.get("to"), wish.get("types")
        id_ = to.get("id") if isinstance(to, dict) else None
        if id_ is None or not isinstance(types, list) or not types:
            raise invalid("An association needs the id of a record and at least one type.")
        numbers = [each.get("associationTypeId") if isinstance(each, dict) else None for each in types]
        pairs = [find_pair(number) for number in numbers]
        if len(set(pairs)) != 1 or pairs[0] is None or pairs[0][0] != kind.singular:
            raise invalid(f"One or more associations are not valid: no type {numbers} starts at {kind.plural}.")
        target = self._get_target(pairs[0][1], str(id_))
        return Link(target, any(number in PRIMARY.values() for number in numbers))

    def _get_target(self, singular: str, id_: str) -> Record:
        kind = find_kind(singular)
        found = self._records.find(kind, id_) if kind else None
        if found is None:
            raise _unknown_target(singular, id_)
        return found

    def _companies(self, record: Record) -> bool:
        return any(
            end.type_id == COMPANY.type_id and numbers for end, numbers in self._of.get(_end(record), {}).items()
        )

    def _tell(self, start: Record, end: Record, author: Author, *, is_primary: bool, is_removed: bool) -> None:
        fields = {
            "associationType": f"{start.kind.singular}_to_{end.kind.singular}".upper(),
            "fromObjectId": int(start.id),
            "toObjectId": int(end.id),
            "associationRemoved": is_removed,
            "isPrimaryAssociation": is_primary,
        }
        if not start.kind.has_own_events or not end.kind.has_own_events:
            fields |= {"fromObjectTypeId": start.kind.type_id, "toObjectTypeId": end.kind.type_id}
        self._echoes.note(start.kind, "associationChange", self._records.ms(), author, fields)


def _end(record: Record) -> End:
    return End(record.kind.type_id, record.id)


def _unknown_target(singular: str, id_: str) -> Refusal:
    return invalid(f"One or more associations are not valid: there is no {singular} {id_}.")
