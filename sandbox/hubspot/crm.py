"""All of an account's state, put together, and the small operations that single calls and batches share."""

import random
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.hubspot import shapes
from sandbox.hubspot.account import Account
from sandbox.hubspot.echoes import Author, Echoes
from sandbox.hubspot.kinds import CONTACT, Kind
from sandbox.hubspot.links import Links
from sandbox.hubspot.properties import Catalogue
from sandbox.hubspot.reading import properties_of, wishes_of
from sandbox.hubspot.records import Prepared, Record, Records, Taken


class Crm:
    """One account's records, associations and properties."""

    def __init__(self, account: Account, now: Callable[[], float], rng: random.Random) -> None:
        """Start empty."""
        self.account = account
        self.rng = rng
        self.catalogue = Catalogue(account.properties)
        self.echoes = Echoes(account, now, rng)
        self.records = Records(account, self.catalogue, self.echoes, now)
        self.links = Links(self.records, self.echoes)
        #: How our own writes are told: by the app, not by a person.
        self.app = Author("INTEGRATION", str(account.app_id))

    def prepare_new(self, kind: Kind, row: dict[str, Any], taken: Taken) -> Prepared:
        """Check a record that is to be made, with its associations. Raises: Refusal."""
        prepared = self.records.prepare(kind, None, properties_of(row), taken=taken)
        prepared.links = self.links.check(kind, wishes_of(row))
        return prepared

    def prepare_upsert(self, kind: Kind, id_: str, id_property: str, row: dict[str, Any], taken: Taken) -> Prepared:
        """Check a record that is to be made or changed. Raises: Refusal."""
        record = self.records.find(kind, id_, id_property)
        raw = properties_of(row)
        if record is None:
            return self.records.prepare(kind, None, {id_property: id_, **raw}, taken=taken)
        if kind is CONTACT and id_property == "email" and self.account.email_upsert_clears:
            raw = {**self._cleared(record), **raw}
        return self.records.prepare(kind, record, raw, taken=taken)

    def keep(self, prepared: Prepared, author: Author) -> Record:
        """Write what was checked."""
        record = self.records.save(prepared, author)
        for link in prepared.links:
            self.links.add(record, link.to, author, primary=link.is_primary)
        return record

    def row(self, record: Record, names: Iterable[str]) -> dict[str, Any]:
        """A record as the call that wrote it answers: its standing properties and those that were sent."""
        return shapes.shown(self.catalogue, record, (*record.kind.defaults, *names))

    def merge(self, primary: Record, other: Record, author: Author) -> Record:
        """Make two records one, associations included."""
        if self.records.pretends:
            return primary
        made = self.records.merge(primary, other, author)
        for old in (primary, other):
            self.links.move(old, made)
        return made

    def _cleared(self, record: Record) -> dict[str, str]:
        uniques = self.catalogue.uniques(record.kind)
        return {
            name: ""
            for name, value in record.values.items()
            if value and name not in uniques and not _is_read_only(self.catalogue, record.kind, name)
        }


def _is_read_only(catalogue: Catalogue, kind: Kind, name: str) -> bool:
    definition = catalogue.find(kind, name)
    return definition is not None and definition.read_only
