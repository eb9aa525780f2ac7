"""Tasks. HubSpot gives them no natural key, so ours goes with them and is looked for before anything is sent again.

The key stands in the property `counterfoil_key` where the account has it, and as the last line of the text otherwise.
A task is looked for first among those of the record that it belongs to, a list that does not lag, then in the search.
https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide
"""

import html
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from counterfoil import keys
from destinations.base import Effect
from destinations.http import Failed, Http
from destinations.hubspot import account, answers, api, fields
from destinations.hubspot.action import added, member_problems, not_there
from destinations.remote import Attempt, Finding, Image, NoInverse, Operation, Sent

KIND = "tasks"
PRIORITIES = ("LOW", "MEDIUM", "HIGH")
#: What a person reads in a list of tasks, and in one; a task that hangs on more records is about none of them.
TITLE_LENGTH_MAX = 255
TEXT_LENGTH_MAX = 10_000
ASSOCIATIONS_MAX = 10

#: Longer than we wait for any answer: what timed out has had its time, and the search has caught up.
LAG_SECONDS = 30.0
#: What of a record's tasks is read, newest first: ours was made a moment ago.
NEWEST_READ_MAX = 500
SEARCH_MAX = 100
#: How far HubSpot's clock may be from ours when it is searched from a moment on.
_CLOCKS_APART = timedelta(minutes=5)

#: The association of a task with each type, by HubSpot's own number.
#: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
_ASSOCIATION_TYPES = {"contacts": 204, "companies": 192, "deals": 216, "tickets": 230}
_SHOWN = ("hs_task_subject", "hs_task_body", "hs_timestamp", "hubspot_owner_id", "hs_task_priority", "hs_task_status")
_MARK = re.compile(r"\[counterfoil ([0-9a-f]{16})\]")
#: What a new task's status is, and what it is no more when somebody worked on it.
_NEW = "NOT_STARTED"


class CreateTask:
    """Create a task for somebody, on the records that it is about."""

    operation = Operation(
        name="create_task",
        safety="probe",
        title="Create a HubSpot task",
        undone_by="the task is archived, while nobody worked on it",
        lag_seconds=LAG_SECONDS,
        record=api.TYPE_IDS["tasks"],
    )

    def problems(self, body: Mapping[str, Any]) -> Iterator[str]:
        needed = {"title", "text", "due", "priority", "associations"}
        yield from member_problems(body, needed, frozenset({"owner_id"}))
        yield from fields.value_problems("the title", body.get("title"), needed=True, length_max=TITLE_LENGTH_MAX)
        yield from fields.value_problems("the text", body.get("text"), length_max=TEXT_LENGTH_MAX)
        if "[counterfoil" in str(body.get("text")):
            yield "the text holds a line that is ours to write"
        if api.moment_of(body.get("due")) is None:
            yield "due is a time (ISO 8601)"
        if body.get("priority") not in PRIORITIES:
            yield f"the priority is one of {', '.join(PRIORITIES)}"
        if "owner_id" in body:
            yield from fields.id_problems("the owner", body["owner_id"])
        yield from _association_problems(body.get("associations"))

    def target(self, effect: Effect) -> None:
        return None

    def render(self, effect: Effect) -> list[str]:
        body = effect.body
        lines = [
            f"Create a HubSpot task {fields.shown(body['title'])}.",
            f"It is due at {body['due']}, with priority {body['priority']}.",
            f"It is for {'owner ' + fields.shown_id(body['owner_id']) if 'owner_id' in body else 'nobody yet'}.",
        ]
        lines += [f"It is about {each['type']}/{fields.shown_id(each['id'])}." for each in body["associations"]]
        return [*lines, f"It says {fields.shown(body['text'])}."]

    def look(self, http: Http, effect: Effect) -> Image:
        """The task that the effect made: where it is looked for is a question before taking it back only."""
        found = self._find(http, effect, effect.key, None)
        if not found:
            return Image(None)
        values = {name: found[-1].values.get(name, "") for name in _SHOWN}
        return Image(keys.digest([found[-1].id, values])[:32], found[-1].id, values)

    def send(self, http: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        try:
            standing = self._among_those_of_its_record(http, effect, _with_marker(http))
            ours = [record for record in standing if _is_ours(record, key)]
            properties = _properties(effect, key, as_property=account.has_marker(http, KIND))
        except Failed as failed:
            return answers.before_writing(failed)
        if ours:
            return Sent("already", "a task carries our key", ours[0].id, {"id": ours[0].id, "new": True, "key": key})
        associations = [
            {
                "to": {"id": each["id"]},
                "types": [
                    {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _ASSOCIATION_TYPES[each["type"]]}
                ],
            }
            for each in effect.body["associations"]
        ]
        body = {"properties": properties, "associations": associations}
        try:
            answer = http.call("POST", f"/crm/v3/objects/{KIND}", json=body)
        except Failed as failed:
            return answers.of_failure(failed)
        id = answers.record_id(answer.member("id")) if answer.status in (200, 201) else None
        if id is None or not isinstance(answer.member("properties"), dict):
            verdict = answers.not_understood(answer) if answer.status < 300 else answers.classify(answer)
            return account.sent_of(http, verdict, answers.receipt(answer))
        at = api.time_in(answer.member("updatedAt"))
        receipt = answers.receipt(answer, id=id, new=True, key=key, updated_at=at)
        return Sent("done", f"the task was created ({answer.status})", id, receipt)

    def probe(self, http: Http, effect: Effect, attempt: Attempt) -> Finding:
        found = self._find(http, effect, attempt.key, attempt)
        if not found:
            return not_there(attempt, self.operation, "no task carries our key")
        ids = [record.id for record in found]
        told = "a task carries our key" if len(ids) == 1 else f"{len(ids)} tasks carry our key"
        return Finding("happened", told, ids[0], {"id": ids[0], "new": True, "key": attempt.key, "ids": ids})

    def read_back(self, http: Http, effect: Effect, sent: Sent) -> list[str]:
        if sent.reference is None:
            return ["HubSpot named no task"]
        about = effect.body["associations"]
        record = api.find_by_id(
            http, KIND, sent.reference, _with_marker(http), linked=sorted({each["type"] for each in about})
        )
        if record is None:
            return [f"there is no task {sent.reference}"]
        differences = _differences(effect, record.values, "does not stand there as sent")
        if not _is_ours(record, str(sent.receipt.get("key"))):
            differences.append("our key does not stand there")
        missing = [each for each in about if each["id"] not in record.linked.get(each["type"], ())]
        return differences + [f"it is not associated with {each['type']}/{each['id']}" for each in missing]

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        id = answers.record_id(receipt.get("id"))
        if id is None:
            raise NoInverse("which task it made was not recorded")
        body = {"object": KIND, "id": id}
        return Effect("hubspot", "archive", f"reverse:{keys.short_hash(effect.key)}", effect.subject, None, body)

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        if now.version is None or now.reference != receipt.get("id"):
            return ["the task is no longer there, or no longer carries our key"]
        found = _differences(effect, now.fields, "is no longer as it was written")
        if now.fields.get("hs_task_status") != _NEW:
            found.append("somebody worked on it")
        return found + added(now)

    def _find(self, http: Http, effect: Effect, key: str, attempt: Attempt | None) -> list[api.Record]:
        """The tasks that carry our key, oldest first. Raises: Failed."""
        names = _with_marker(http)
        found: dict[str, api.Record] = {}
        for record in self._among_those_of_its_record(http, effect, names):
            if _is_ours(record, key):
                found[record.id] = record
        if not found:
            for record in self._searched(http, effect, key, attempt, names):
                if _is_ours(record, key):
                    found[record.id] = record
        return [found[id] for id in sorted(found, key=int)]

    def _among_those_of_its_record(self, http: Http, effect: Effect, names: list[str]) -> Iterator[api.Record]:
        """The newest tasks of the first record that it is about; this list does not lag."""
        about = [each for each in effect.body["associations"] if not fields.is_mark(each["id"])]
        if not about:
            return
        links = api.linked(http, about[0]["type"], about[0]["id"], KIND) or []
        newest = sorted({link.id for link in links}, key=int, reverse=True)[:NEWEST_READ_MAX]
        for start in range(0, len(newest), api.ROWS_PER_BATCH):
            rows = api.read_batch(http, KIND, newest[start : start + api.ROWS_PER_BATCH], names)
            if rows is None:
                raise answers.NotRead(answers.NOTHING_TOLD)
            yield from rows

    def _searched(
        self, http: Http, effect: Effect, key: str, attempt: Attempt | None, names: list[str]
    ) -> Iterator[api.Record]:
        groups = []
        if api.MARKER in names:
            groups.append([{"propertyName": api.MARKER, "operator": "EQ", "value": key}])
        alike = [{"propertyName": "hs_task_subject", "operator": "EQ", "value": effect.body["title"]}]
        if attempt is not None:
            since = int((attempt.first_sent_at - _CLOCKS_APART).timestamp() * 1000)
            alike.append({"propertyName": "hs_createdate", "operator": "GTE", "value": str(since)})
        yield from api.search(http, KIND, [*groups, alike], names, SEARCH_MAX, complete=attempt is not None)


def _association_problems(associations: Any) -> Iterator[str]:
    if not isinstance(associations, list) or len(associations) > ASSOCIATIONS_MAX:
        yield f"associations are a list of up to {ASSOCIATIONS_MAX}"
        return
    for each in associations:
        if not isinstance(each, Mapping) or each.keys() != {"type", "id"} or each["type"] not in _ASSOCIATION_TYPES:
            yield f"an association is a type ({', '.join(_ASSOCIATION_TYPES)}) and an id"
        else:
            yield from fields.id_problems("the id of an association", each["id"])


def _properties(effect: Effect, key: str, *, as_property: bool) -> dict[str, str]:
    body = effect.body
    properties = {
        "hs_task_subject": body["title"],
        "hs_task_body": _html(body["text"], None if as_property else key),
        "hs_timestamp": body["due"],
        "hs_task_priority": body["priority"],
        "hs_task_status": _NEW,
    }
    if "owner_id" in body:
        properties["hubspot_owner_id"] = body["owner_id"]
    if as_property:
        properties[api.MARKER] = key
    return properties


def _html(text: str, key: str | None) -> str:
    """The text as HubSpot shows it: what a customer wrote stays text there too."""
    lines = html.escape(text, quote=False).split("\n") if text else []
    if key is not None:
        lines.append(f"[counterfoil {keys.short_hash(key)}]")
    return "<br>".join(lines)


def _is_ours(record: api.Record, key: str) -> bool:
    marks = _MARK.findall(record.values.get("hs_task_body", ""))
    return record.values.get(api.MARKER) == key or marks[-1:] == [keys.short_hash(key)]


def _with_marker(http: Http) -> list[str]:
    return [*_SHOWN, api.MARKER] if account.has_marker(http, KIND) else [*_SHOWN]


def _differences(effect: Effect, values: Mapping[str, Any], told: str) -> list[str]:
    """Without the text, of which HubSpot keeps a cleaned form of its own."""
    wanted = {
        "title": ("hs_task_subject", effect.body["title"]),
        "due": ("hs_timestamp", effect.body["due"]),
        "priority": ("hs_task_priority", effect.body["priority"]),
        "owner": ("hubspot_owner_id", effect.body.get("owner_id", "")),
    }
    return [
        f"the {what} {told}"
        for what, (name, value) in wanted.items()
        if not api.same_value(value, str(values.get(name) or ""))
    ]
