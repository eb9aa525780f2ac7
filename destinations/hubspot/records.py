"""Contacts, companies, deals and tickets, found by a unique property and set; made when there is none.

HubSpot knows no idempotency key: a repeat is safe because it sets the same values at the same record. How it is sent
follows from how the record is found:

    a unique property of the account's own    batch upsert: finds, makes or sets in one request
    email                                     create, or set by the record's id: HubSpot does not support an upsert of
                                              some properties by email and may empty the others
    the record's own id                       set; never made
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil import keys
from destinations.base import Effect
from destinations.http import Answer, Failed, Http
from destinations.hubspot import account, answers, api, fields, history
from destinations.hubspot.action import added, member_problems, not_there
from destinations.remote import Attempt, Finding, Image, NoInverse, Operation, Sent

#: A write that is executed later than this after its client went away is not known of HubSpot (seconds).
LATE_SECONDS = 10.0
#: The member of a body that names the property, a time, by which a record tells that it was set to something newer.
NEWEST_BY = "newest_by"


@dataclass(frozen=True, slots=True)
class Upsert:
    """Set properties of the record that a unique property names."""

    kind: str
    noun: str

    @property
    def operation(self) -> Operation:
        return Operation(
            name=f"upsert_{self.noun}",
            safety="natural_key",
            title=f"Set properties of a HubSpot {self.noun}",
            undone_by="the values before are set again; a record that it made is archived while nobody added to it",
            lag_seconds=LATE_SECONDS,
            looks=True,
            record=api.TYPE_IDS[self.kind],
        )

    def problems(self, body: Mapping[str, Any]) -> Iterator[str]:
        yield from member_problems(body, {"by", "properties"}, frozenset({NEWEST_BY}))
        yield from fields.by_problems(self.kind, body.get("by"))
        by = body.get("by")
        taken = by.get("property") if isinstance(by, Mapping) else None
        yield from fields.property_problems(body.get("properties"), taken)
        yield from _order_problems(body)

    def target(self, effect: Effect) -> str | None:
        name, value = _by(effect)
        if fields.is_mark(value):
            return None
        # Two writes to one address meet here without the address being told.
        told = f"#{keys.short_hash(value)}" if fields.looks_like_email(value) else value
        return f"{self.kind}/{name}={told}"

    def render(self, effect: Effect) -> list[str]:
        name, value = _by(effect)
        if name == api.RECORD_ID:
            lines = [f"Change the HubSpot {self.noun} {fields.shown_id(value)}."]
        else:
            lines = [f"Change the HubSpot {self.noun} whose {name} is {fields.shown(value)}, or create it."]
        properties = sorted(effect.body["properties"].items())
        lines += [f"Its {name} becomes {fields.shown(value)}." for name, value in properties]
        newest_by = effect.body.get(NEWEST_BY)
        return lines + ([f"Nothing of this when its {newest_by} is later already."] if newest_by else [])

    def look(self, http: Http, effect: Effect) -> Image:
        name, value = _by(effect)
        if fields.is_mark(value):
            return Image(None)
        return self._image(effect, api.find_by_property(http, self.kind, name, value, _names(effect)))

    def send(self, http: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        name, _ = _by(effect)
        try:
            image = self.look(http, effect) if image is None else image
            marked = image.version is None and name != api.RECORD_ID and account.has_marker(http, self.kind)
        except Failed as failed:
            return answers.before_writing(failed)
        if _is_outdated(effect, image.fields):
            return Sent(
                "already", "something newer stands there", image.reference, {"id": image.reference, "new": False}
            )
        properties = dict(effect.body["properties"]) | ({api.MARKER: key} if marked else {})
        try:
            if name == api.RECORD_ID or (name == "email" and image.version is not None):
                return self._set(http, effect, image, properties)
            if name == "email":
                return self._create(http, effect, properties)
            return self._upsert(http, effect, key, image, properties)
        except Failed as failed:
            return answers.of_failure(failed)

    def probe(self, http: Http, effect: Effect, attempt: Attempt) -> Finding:
        name, value = _by(effect)
        before = attempt.image
        wanted = {*_names(effect), history.CREATED}
        if history.may_have_made(before) and account.has_marker(http, self.kind):
            wanted.add(api.MARKER)
        record = api.find_by_property(http, self.kind, name, value, wanted, history=True)
        if record is None:
            if before is not None and before.version is not None:
                return Finding("unknown", f"the {self.noun} that stood there before is gone")
            return not_there(attempt, self.operation, f"there is no such {self.noun}")
        receipt = {"id": record.id, "new": history.made(effect, record, attempt)}
        if _is_outdated(effect, record.values):
            return Finding("happened", "something newer stands there", record.id, receipt)
        if not _differences(effect, record.values):
            return Finding("happened", "all values stand there", record.id, receipt)
        if history.was_ours(effect, record, attempt):
            return Finding("happened", "it was set, and somebody changed it again since", record.id, receipt)
        if before is not None and self._image(effect, record).version == before.version:
            return not_there(attempt, self.operation, "the values are those from before")
        return Finding("unknown", "other values stand there than before, and none of them is ours", record.id)

    def read_back(self, http: Http, effect: Effect, sent: Sent) -> list[str]:
        name, value = _by(effect)
        if sent.reference is None:
            return [f"HubSpot named no {self.noun}"]
        record = api.find_by_id(http, self.kind, sent.reference, {*_names(effect), name})
        if record is None:
            return [f"there is no {self.noun} {sent.reference}"]
        found = [] if _is_outdated(effect, record.values) else _differences(effect, record.values)
        # A contact may also be found by a second address, so its first one proves nothing.
        if name not in (api.RECORD_ID, "email") and not api.same_value(value, record.values.get(name, "")):
            found.append(f"{name} is not what the {self.noun} was found by")
        return found

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        id = answers.record_id(receipt.get("id"))
        if id is None or image is None:
            raise NoInverse("what stood there before was not recorded")
        if image.version is None:
            if receipt.get("new") is not True:
                raise NoInverse(f"who made the {self.noun} is not certain, so it is not archived")
            return Effect("hubspot", "archive", f"reverse:{keys.short_hash(effect.key)}", effect.subject, None,
                          {"object": self.kind, "id": id})  # fmt: skip
        before = {name: str(image.fields.get(name, "")) for name in effect.body["properties"]}
        body = {"by": {"property": api.RECORD_ID, "value": id}, "properties": before}
        return Effect("hubspot", effect.operation, f"reverse:{keys.short_hash(effect.key)}", effect.subject, None, body)

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        if now.version is None:
            return [f"the {self.noun} is no longer there"]
        if now.reference != receipt.get("id"):
            return [f"another {self.noun} stands there now"]
        return _differences(effect, now.fields, "is no longer as it was written") + added(now)

    def _image(self, effect: Effect, record: api.Record | None) -> Image:
        if record is None:
            return Image(None)
        values = {name: record.values.get(name, "") for name in _names(effect)}
        return Image(keys.digest([record.id, values])[:32], record.id, values)

    def _set(self, http: Http, effect: Effect, image: Image, properties: Mapping[str, Any]) -> Sent:
        """Set values of the record that was looked at, by its id."""
        name, value = _by(effect)
        id = value if name == api.RECORD_ID else image.reference
        if name == api.RECORD_ID and image.version is not None and image.reference != value:
            return Sent("refused", f"the {self.noun} was merged into another one since")
        answer = http.call("PATCH", f"/crm/v3/objects/{self.kind}/{id}", json={"properties": properties})
        if answer.status == 404 and name != api.RECORD_ID:
            return Sent("retry", f"the {self.noun} went away since it was looked at (404)")
        return self._one(http, effect, answer, image, is_new=False)

    def _create(self, http: Http, effect: Effect, properties: Mapping[str, Any]) -> Sent:
        name, value = _by(effect)
        body = {"properties": {name: value, **properties}}
        answer = http.call("POST", f"/crm/v3/objects/{self.kind}", json=body)
        if answer.status == 409:
            return self._conflict(http, effect, answers.classify(answer), answers.receipt(answer))
        return self._one(http, effect, answer, Image(None), is_new=True)

    def _upsert(
        self, http: Http, effect: Effect, key: str, image: Image, properties: Mapping[str, Any]
    ) -> Sent:  # fmt: skip
        name, value = _by(effect)
        # A row with a trace id fails alone, and its error can be told from others.
        row = {"idProperty": name, "id": value, "properties": properties, "objectWriteTraceId": keys.short_hash(key)}
        answer = http.call("POST", f"/crm/v3/objects/{self.kind}/batch/upsert", json={"inputs": [row]})
        if answer.status == 409:
            return self._conflict(http, effect, answers.classify(answer), answers.receipt(answer))
        if answer.status not in (200, 201, 207):
            return account.sent_of(http, answers.classify(answer), answers.receipt(answer))
        rows, errors = answer.member("results"), answer.member("errors") or []
        if isinstance(rows, list) and isinstance(errors, list) and len(rows) + len(errors) == 1:
            if rows and isinstance(rows[0], dict):
                is_new = rows[0].get("new")
                return self._one(http, effect, Answer(200, answer.headers, rows[0]), image, is_new=is_new is True)
            verdict = answers.classify_row(errors[0] if errors else None)
            if isinstance(errors[0] if errors else None, dict) and errors[0].get("category") == "CONFLICT":
                return self._conflict(http, effect, verdict, answers.receipt(answer))
            return account.sent_of(http, verdict, answers.receipt(answer))
        return account.sent_of(http, answers.not_understood(answer), answers.receipt(answer))

    def _one(self, http: Http, effect: Effect, answer: Answer, image: Image, *, is_new: bool) -> Sent:
        """What an answer with one record means."""
        id = answers.record_id(answer.member("id")) if answer.status in (200, 201) else None
        if id is None or not isinstance(answer.member("properties"), dict):
            verdict = answers.not_understood(answer) if answer.status < 300 else answers.classify(answer)
            return account.sent_of(http, verdict, answers.receipt(answer))
        receipt = answers.receipt(answer, id=id, new=is_new, updated_at=api.time_in(answer.member("updatedAt")))
        if image.reference == id and not _differences(effect, image.fields):
            return Sent("already", f"the {self.noun} had these values ({answer.status})", id, receipt)
        return Sent("done", f"the {self.noun} was {'created' if is_new else 'set'} ({answer.status})", id, receipt)

    def _conflict(self, http: Http, effect: Effect, verdict: answers.Verdict, receipt: dict[str, Any]) -> Sent:
        """Another record is in the way: the one that was meant, made a moment ago, or one that was not."""
        name, value = _by(effect)
        try:
            if verdict.existing_id is not None:
                record = api.find_by_id(http, self.kind, verdict.existing_id, {*_names(effect), name})
            else:
                record = api.find_by_property(http, self.kind, name, value, _names(effect))
        except Failed as failed:
            return answers.before_writing(failed)
        if record is None or not api.same_value(value, record.values.get(name, ""), name):
            return Sent("refused", verdict.detail, receipt=receipt)
        if _differences(effect, record.values):
            return Sent("retry", f"the {self.noun} was created meanwhile; its values are set next", receipt=receipt)
        return Sent("already", f"the {self.noun} stands there with these values", record.id,
                    {**receipt, "id": record.id, "new": False})  # fmt: skip


def _by(effect: Effect) -> tuple[str, Any]:
    by = effect.body["by"]
    return by["property"], by["value"]


def _names(effect: Effect) -> list[str]:
    return sorted(effect.body["properties"])


def _order_problems(body: Mapping[str, Any]) -> Iterator[str]:
    if NEWEST_BY not in body:
        return
    properties = body.get("properties")
    value = properties.get(body[NEWEST_BY]) if isinstance(properties, Mapping) else None
    if api.moment_of(value) is None:
        yield f"{NEWEST_BY} names a property that is set to a time"


def _is_outdated(effect: Effect, values: Mapping[str, Any]) -> bool:
    """Whether what stands there is newer than what the effect would set."""
    name = effect.body.get(NEWEST_BY)
    if name is None:
        return False
    stands, ours = api.moment_of(str(values.get(name) or "")), api.moment_of(effect.body["properties"][name])
    return stands is not None and ours is not None and stands > ours


def _differences(effect: Effect, values: Mapping[str, Any], told: str = "does not stand there as sent") -> list[str]:
    return [
        f"{name} {told}"
        for name, value in sorted(effect.body["properties"].items())
        if not api.same_value(value, str(values.get(name) or ""), name)
    ]
