"""Owns the records: found, created, changed, archived and merged, with every value's history.

A write has two halves: `prepare` finds everything that HubSpot would object to and changes nothing, `save` cannot fail.
So a batch that is refused as a whole has written none of its rows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.hubspot.account import Account
from sandbox.hubspot.echoes import Author, Echoes
from sandbox.hubspot.kinds import CONTACT, LINE_ITEM, Kind
from sandbox.hubspot.properties import STARTS_WITH, Catalogue
from sandbox.hubspot.refusals import Refusal, invalid, invalid_properties, not_found
from sandbox.hubspot.values import ValueRefused, as_text, iso

#: Ids count for each kind by itself, so a contact and a company can share one; and they need more than 32 bits.
FIRST_ID = 20_000_000_001

#: In-batch claims on unique values: (property, value) -> the row that was first.
Taken = dict[tuple[str, str], str]


class Version(NamedTuple):
    """A value that a property had."""

    value: str
    at_ms: int
    author: Author


class Past(NamedTuple):
    """A record as it stood from a moment on: what a search that lags still sees."""

    at_ms: int
    values: Mapping[str, str]
    is_archived: bool


@dataclass(slots=True)
class Record:
    """One object of the CRM. `values` is replaced at every change, never changed in place."""

    kind: Kind
    id: str
    created_ms: int
    modified_ms: int
    values: Mapping[str, str] = field(default_factory=dict)
    history: dict[str, list[Version]] = field(default_factory=dict)
    past: list[Past] = field(default_factory=list)
    archived_ms: int | None = None

    def value(self, name: str, past: Past | None = None) -> str | None:
        """A property's value, now or as it stood."""
        if name == "hs_object_id":
            return self.id
        if name == self.kind.created:
            return iso(self.created_ms)
        if name == self.kind.modified:
            return iso(past.at_ms if past else self.modified_ms)
        return (past.values if past else self.values).get(name)


@dataclass(slots=True)
class Prepared:
    """A write that nothing speaks against."""

    kind: Kind
    record: Record | None  #: None: a new one
    values: dict[str, str]
    links: tuple[Any, ...] = ()


class Records:
    """All records of an account."""

    def __init__(self, account: Account, catalogue: Catalogue, echoes: Echoes, now: Callable[[], float]) -> None:
        """Start empty."""
        self._account = account
        self._catalogue = catalogue
        self._echoes = echoes
        self._now = now
        self._of: dict[str, dict[str, Record]] = {}
        self._next: dict[str, int] = {}
        self._holders: dict[tuple[str, str, str], str] = {}
        self._merged_into: dict[tuple[str, str], str] = {}
        #: (type id, property, value in lower case) -> ids that ever had it, so that a search need not look at all.
        self.ever: dict[tuple[str, str, str], set[str]] = {}
        #: Answers are given as always and nothing is kept: HubSpot's 200 that changes nothing.
        self.pretends = False

    def ms(self) -> int:
        """The time now, as HubSpot counts it."""
        return int(self._now() * 1000)

    def all(self, kind: Kind) -> list[Record]:
        """All records of a kind, archived ones too, oldest first."""
        return list(self._of.get(kind.type_id, {}).values())

    def some(self, kind: Kind, ids: Iterable[str]) -> list[Record]:
        """The records of these ids, oldest first."""
        found = self._of.get(kind.type_id, {})
        return [found[id_] for id_ in sorted(ids, key=int)]

    def find(self, kind: Kind, id_: str, id_property: str | None = None, *, archived: bool = False) -> Record | None:
        """Find a record by its id or a unique property. Raises: Refusal when that property is not unique."""
        if id_property and id_property != "hs_object_id":
            if id_property not in self._catalogue.uniques(kind):
                raise invalid(
                    f"Unable to perform update/upsert by non-unique {kind.type_id} property {id_property}"
                    f" in portal ID {self._account.portal_id}"
                )
            value = id_.strip().lower() if id_property == "email" else id_
            id_ = self._holders.get((kind.type_id, id_property, value), "")
        id_ = self._merged_into.get((kind.type_id, id_), id_)
        found = self._of.get(kind.type_id, {}).get(id_)
        return found if found and (found.archived_ms is not None) == archived else None

    def get(self, kind: Kind, id_: str, id_property: str | None = None, *, archived: bool = False) -> Record:
        """Like `find`. Raises: Refusal, a 404."""
        found = self.find(kind, id_, id_property, archived=archived)
        if found is None:
            raise not_found()
        return found

    def prepare(
        self, kind: Kind, record: Record | None, raw: Mapping[str, Any], *, taken: Taken, by_hand: bool = False
    ) -> Prepared:
        """Check a write in full. Raises: Refusal."""
        problems: list[dict[str, Any]] = []
        values: dict[str, str] = dict(STARTS_WITH.get(kind.singular, {})) if record is None else {}
        for name, value in raw.items():
            try:
                values[name] = self._check(kind, name, value, by_hand=by_hand)
            except ValueRefused as refused:
                problems.append({"isValid": False, "message": str(refused), "error": refused.code, "name": name,
                                 "portalId": self._account.portal_id})  # fmt: skip
        if problems:
            raise invalid_properties(problems)
        missing = [
            name for name in kind.required if not (values.get(name) if record is None else values.get(name, "-"))
        ]
        if missing:
            detail = {"message": "Required properties are missing.", "context": {"properties": missing}}
            raise invalid(f"Error creating {kind.singular.upper()}. Some required properties were not set.",
                          errors=[detail])  # fmt: skip
        self._check_unique(kind, record, values, taken)
        return Prepared(kind, record, values)

    def save(self, prepared: Prepared, author: Author) -> Record:
        """Keep a checked write, and tell every change of it."""
        kind, record, ms = prepared.kind, prepared.record, self.ms()
        is_new = record is None
        if record is None:
            record = Record(kind, self._mint(kind), ms, ms)
        elif self.pretends:
            record = replace(record)
        changed = {name: value for name, value in prepared.values.items() if record.values.get(name, "") != value}
        if kind is LINE_ITEM:
            changed |= _amount({**record.values, **changed})
        if not changed and not is_new:
            return record
        record.values = {**record.values, **changed}
        record.modified_ms = ms
        if not self.pretends:
            self._keep(record, changed, author, is_new=is_new)
        return record

    def archive(self, record: Record, author: Author) -> None:
        """Delete a record; its unique values are free again."""
        if self.pretends:
            return
        record.archived_ms = record.modified_ms = self.ms()
        for name in self._catalogue.uniques(record.kind):
            self._holders.pop((record.kind.type_id, name, record.values.get(name, "")), None)
        record.past.append(Past(record.modified_ms, record.values, is_archived=True))
        self._tell(record, "deletion", author, changeFlag="DELETED")

    def merge(self, primary: Record, other: Record, author: Author) -> Record:
        """Make two records one: a third, under an id that neither had. Both old ids lead to it from now on."""
        kind = primary.kind
        values = {**other.values, **{name: value for name, value in primary.values.items() if value}}
        moved = len([name for name in other.values if not primary.values.get(name)])
        values["hs_merged_object_ids"] = ";".join((primary.id, other.id))
        for old in (primary, other):
            old.archived_ms = old.modified_ms = self.ms()
            old.past.append(Past(old.modified_ms, old.values, is_archived=True))
        made = Record(kind, self._mint(kind), self.ms(), self.ms(), values)
        for earlier, later in self._merged_into.items():
            if earlier[0] == kind.type_id and later in (primary.id, other.id):
                self._merged_into[earlier] = made.id
        for id_ in (primary.id, other.id):
            self._merged_into[kind.type_id, id_] = made.id
        self._remember(made, values, author)
        self._tell(
            made, "merge", author, primaryObjectId=int(primary.id), mergedObjectIds=[int(other.id)],
            newObjectId=int(made.id), numberOfPropertiesMoved=moved,
        )  # fmt: skip
        return made

    def _check(self, kind: Kind, name: str, value: Any, *, by_hand: bool) -> str:
        definition = self._catalogue.find(kind, name)
        if definition is None:
            raise ValueRefused("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if definition.read_only:
            raise ValueRefused("READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
        rule = None if by_hand else self._account.rules.get((kind.type_id, name))
        if rule is not None:
            raise ValueRefused("VALIDATION_RULE_FAILED", rule)
        return as_text(definition, value, {owner.id for owner in self._account.owners})

    def _check_unique(self, kind: Kind, record: Record | None, values: Mapping[str, str], taken: Taken) -> None:
        own = record.id if record else None
        for name in self._catalogue.uniques(kind):
            value = values.get(name)
            if not value:
                continue
            holder = taken.get((name, value)) or self._holders.get((kind.type_id, name, value))
            if holder is not None and self._merged_into.get((kind.type_id, holder), holder) != own:
                raise self._conflict(kind, name, value, own, holder)
            taken[name, value] = own or "another row of this batch"

    def _conflict(self, kind: Kind, name: str, value: str, own: str | None, holder: str) -> Refusal:
        if kind is CONTACT and name == "email":
            return Refusal(409, "CONFLICT", f"Contact already exists. Existing ID: {holder}")
        where = f"portalId={self._account.portal_id}, objectTypeId={kind.type_id}, propertyName={name}, value={value}"
        message = f"Cannot set PropertyValueCoordinates{{{where}}} on {own or 0}. {holder} already has that value."
        return invalid_properties([{"isValid": False, "message": message, "error": "CONFLICTING_UNIQUE_VALUE",
                                    "name": name, "portalId": self._account.portal_id}])  # fmt: skip

    def _mint(self, kind: Kind) -> str:
        made = self._next.get(kind.type_id, FIRST_ID)
        self._next[kind.type_id] = made + 1
        return str(made)

    def _keep(self, record: Record, changed: Mapping[str, str], author: Author, *, is_new: bool) -> None:
        if is_new:
            self._tell(record, "creation", author, changeFlag="CREATED")
        for name in self._catalogue.uniques(record.kind):
            if name in changed and record.history.get(name):
                self._holders.pop((record.kind.type_id, name, record.history[name][-1].value), None)
        self._remember(record, changed, author)
        for name, value in changed.items():
            self._tell(record, "propertyChange", author, propertyName=name, propertyValue=value)

    def _remember(self, record: Record, changed: Mapping[str, str], author: Author) -> None:
        type_id = record.kind.type_id
        self._of.setdefault(type_id, {})[record.id] = record
        record.past.append(Past(record.modified_ms, record.values, is_archived=False))
        uniques = self._catalogue.uniques(record.kind)
        for name, value in changed.items():
            record.history.setdefault(name, []).append(Version(value, record.modified_ms, author))
            self.ever.setdefault((type_id, name, value.lower()), set()).add(record.id)
            if name in uniques and value:
                self._holders[type_id, name, value] = record.id

    def _tell(self, record: Record, what: str, author: Author, **fields: Any) -> None:
        self._echoes.note(record.kind, what, record.modified_ms, author, {"objectId": int(record.id), **fields})


def _amount(values: Mapping[str, str]) -> dict[str, str]:
    """What HubSpot works out for a line item."""
    if not values.get("price") or not values.get("quantity"):
        return {}
    return {"amount": format(Decimal(values["price"]) * Decimal(values["quantity"]), "f")}
