"""Archiving a record: how what we made is taken back, and nothing else.

It reads right before it deletes, and keeps whatever somebody added to. A person restores archived records in HubSpot,
within 90 days; the API cannot.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from counterfoil import keys
from destinations.base import Effect
from destinations.http import Failed, Http
from destinations.hubspot import account, answers, api, fields
from destinations.hubspot.action import ADDED, member_problems, not_there
from destinations.remote import Attempt, Finding, Image, NoInverse, Operation, Sent

#: A deletion that is executed later than this after its client went away is not known of HubSpot (seconds).
LATE_SECONDS = 10.0
#: What HubSpot fills in by itself right after a creation is nobody's addition.
_SETTLING = timedelta(seconds=2)
#: HubSpot's words for values that it works out itself; every other one is taken for somebody.
_MACHINE = frozenset({"CALCULATED", "ANALYTICS", "AVATARS_SERVICE", "INTERNAL_PROCESSING", "WAL_INCREMENTAL"})
#: What hangs on a record because somebody hung it there; contacts and companies find each other by themselves.
_HANGING = {
    "contacts": ("deals", "tickets", "tasks"),
    "companies": ("deals", "tickets", "tasks"),
    "deals": ("line_items", "tickets", "tasks"),
    "tickets": ("deals", "tasks"),
    "tasks": (),
}


class Archive:
    """Archive a record that we made, unless somebody added to it."""

    operation = Operation(
        name="archive",
        safety="natural_key",
        title="Archive a record in HubSpot",
        undone_by=None,
        lag_seconds=LATE_SECONDS,
        looks=True,
        deletes=True,
    )

    def problems(self, body: Mapping[str, Any]) -> Iterator[str]:
        yield from member_problems(body, {"object", "id"})
        if body.get("object") not in _HANGING:
            yield f"the object is one of {', '.join(_HANGING)}"
        yield from fields.id_problems("the record's id", body.get("id"))

    def target(self, effect: Effect) -> str | None:
        kind, id = effect.body["object"], effect.body["id"]
        return None if fields.is_mark(id) else f"{kind}/{api.RECORD_ID}={id}"

    def render(self, effect: Effect) -> list[str]:
        kind, id = effect.body["object"], fields.shown_id(effect.body["id"])
        return [
            f"Archive the HubSpot record {kind}/{id}, which an earlier write created.",
            "It is kept if somebody added to it since.",
            "Only a person can restore it, in HubSpot, within 90 days.",
        ]

    def look(self, http: Http, effect: Effect) -> Image:
        """All that is set there, and what somebody added: whoever takes it back is told."""
        kind, id = effect.body["object"], effect.body["id"]
        record = None if fields.is_mark(id) else self._find(http, effect)
        if record is None:
            return Image(None)
        whole = _whole(http, kind, record)
        values = {name: value for name, value in whole.values.items() if value}
        found = {**values, ADDED: _added(whole, record)}
        return Image(keys.digest([record.id, found])[:32], record.id, found)

    def send(self, http: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        kind, id = effect.body["object"], effect.body["id"]
        try:
            record = self._find(http, effect)
            if record is None:
                return Sent("already", "there is no such record", id, {"id": id})
            merged = [] if record.id == id else ["it was merged into another record"]
            added = merged or _added(_whole(http, kind, record), record)
        except Failed as failed:
            return answers.before_writing(failed)
        if added:
            return Sent("refused", f"kept: {'; '.join(added)}", id, {"id": id, "kept": added})
        try:
            answer = http.call("DELETE", f"/crm/v3/objects/{kind}/{id}")
        except Failed as failed:
            return answers.of_failure(failed)
        if answer.status != 204:
            verdict = answers.not_understood(answer) if answer.status < 300 else answers.classify(answer)
            return account.sent_of(http, verdict, answers.receipt(answer))
        return Sent("done", "the record was archived (204)", id, answers.receipt(answer, id=id))

    def probe(self, http: Http, effect: Effect, attempt: Attempt) -> Finding:
        record = self._find(http, effect)
        if record is None:
            id = effect.body["id"]
            return Finding("happened", "the record is no longer there", id, {"id": id})
        return not_there(attempt, self.operation, "the record still stands there")

    def read_back(self, http: Http, effect: Effect, sent: Sent) -> list[str]:
        return [] if self._find(http, effect) is None else ["the record still stands there"]

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        raise NoInverse("the API cannot restore an archived record; a person can, in HubSpot, within 90 days")

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        return [] if now.version is None else ["somebody restored the record"]

    def _find(self, http: Http, effect: Effect) -> api.Record | None:
        kind = effect.body["object"]
        return api.find_by_id(http, kind, effect.body["id"], [api.RECORD_ID], linked=_HANGING[kind])


def _whole(http: Http, kind: str, record: api.Record) -> api.Record:
    """The record with everything that anybody can set, and its history. Raises: Failed."""
    rows = api.read_batch(http, kind, [record.id], account.all_names(http, kind), history=True)
    if not rows:
        raise answers.NotRead(answers.NOTHING_TOLD)
    return rows[0]


def _added(whole: api.Record, record: api.Record) -> list[str]:
    """What somebody added to a record after it was made."""
    found = [f"it has {name} now" for name, ids in sorted(record.linked.items()) if ids]
    touched = _touched_later(whole.history)
    return [f"somebody set {', '.join(touched)}", *found] if touched else found


def _touched_later(history: Mapping[str, Sequence[api.Version]]) -> list[str]:
    times = [version.at for versions in history.values() for version in versions]
    if not times:
        return []
    made = min(times) + _SETTLING
    return sorted(
        name
        for name, versions in history.items()
        if any(version.at > made and version.source not in _MACHINE for version in versions)
    )
