"""Associations between two records: made and taken away; either twice is once."""

from collections.abc import Iterator, Mapping
from typing import Any

from counterfoil import keys
from destinations.base import Effect
from destinations.http import Answer, Failed, Http
from destinations.hubspot import account, answers, api, fields
from destinations.hubspot.action import member_problems, not_there
from destinations.remote import Attempt, Finding, Image, NoInverse, Operation, Sent

KINDS = ("contacts", "companies", "deals", "tickets", "tasks")
#: An association that is made later than this after its client went away is not known of HubSpot (seconds).
LATE_SECONDS = 10.0

_STANDS = "associated"


class _Link:
    """What both operations share: an association either stands or it does not."""

    operation: Operation
    #: What is wanted: that it stands, or that it does not.
    wanted: bool

    def problems(self, body: Mapping[str, Any]) -> Iterator[str]:
        yield from member_problems(body, {"from", "to"})
        for name in ("from", "to"):
            end = body.get(name)
            if not isinstance(end, Mapping) or end.keys() != {"type", "id"} or end["type"] not in KINDS:
                yield f"{name} is a type ({', '.join(KINDS)}) and an id"
            else:
                yield from fields.id_problems(f"the id of {name}", end["id"])
        if body.get("from") == body.get("to"):
            yield "a record is not associated with itself"

    def target(self, effect: Effect) -> str | None:
        if any(fields.is_mark(effect.body[name]["id"]) for name in ("from", "to")):
            return None
        # From either side it is one association.
        return "associations/" + "+".join(sorted(_told(effect.body[name], "=") for name in ("from", "to")))

    def look(self, http: Http, effect: Effect) -> Image:
        body = effect.body
        if any(fields.is_mark(body[name]["id"]) for name in ("from", "to")):
            return Image(None)
        stands = _stands(http, body)
        version = None if stands is None else keys.digest([body["from"], body["to"], stands])[:32]
        return Image(version, _told(body["to"]) if stands else None, {_STANDS: bool(stands)})

    def probe(self, http: Http, effect: Effect, attempt: Attempt) -> Finding:
        stands = _stands(http, effect.body)
        told = "the records are associated" if stands else "the records are not associated"
        if bool(stands) is self.wanted:
            return Finding("happened", told, _told(effect.body["to"]), _ends(effect.body))
        return not_there(attempt, self.operation, told)

    def read_back(self, http: Http, effect: Effect, sent: Sent) -> list[str]:
        stands = bool(_stands(http, effect.body))
        if stands is self.wanted:
            return []
        return ["the records are still associated" if stands else "the records are not associated"]

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        if image is None:
            raise NoInverse("whether they were associated before was not recorded")
        if bool(image.fields.get(_STANDS)) is self.wanted:
            raise NoInverse("it stood like this before the write, which changed nothing")
        body = {name: receipt.get(name, effect.body[name]) for name in ("from", "to")}
        operation = "dissociate" if self.wanted else "associate"
        return Effect("hubspot", operation, f"reverse:{keys.short_hash(effect.key)}", effect.subject, None, body)

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        if bool(now.fields.get(_STANDS)) is self.wanted:
            return []
        return ["somebody took the association away" if self.wanted else "somebody associated them again"]

    def _sent(self, http: Http, effect: Effect, answer: Answer, image: Image | None, *, done: bool) -> Sent:
        if not done:
            verdict = answers.not_understood(answer) if answer.status < 300 else answers.classify(answer)
            return account.sent_of(http, verdict, answers.receipt(answer))
        stood = image is not None and image.fields.get(_STANDS) is self.wanted
        told = "the records are associated" if self.wanted else "the records are no longer associated"
        return Sent("already" if stood else "done", f"{told} ({answer.status})", _told(effect.body["to"]),
                    answers.receipt(answer, **_ends(effect.body)))  # fmt: skip


class Associate(_Link):
    """Associate two records, by the type of association that HubSpot takes by default."""

    operation = Operation(
        name="associate",
        safety="natural_key",
        title="Associate two records in HubSpot",
        undone_by="the association is taken away, if it was not there before",
        lag_seconds=LATE_SECONDS,
        looks=True,
    )
    wanted = True

    def render(self, effect: Effect) -> list[str]:
        return [f"Associate the HubSpot record {_told(effect.body['from'])} with {_told(effect.body['to'])}."]

    def send(self, http: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        one, other = effect.body["from"], effect.body["to"]
        path = f"/crm/v4/objects/{one['type']}/{one['id']}/associations/default/{other['type']}/{other['id']}"
        try:
            answer = http.call("PUT", path)
        except Failed as failed:
            return answers.of_failure(failed)
        rows = answer.member("results")
        return self._sent(http, effect, answer, image, done=answer.status in (200, 201) and bool(rows))


class Dissociate(_Link):
    """Take away every association between two records."""

    operation = Operation(
        name="dissociate",
        safety="natural_key",
        title="Take away the association of two records in HubSpot",
        undone_by="they are associated again, by the default type",
        lag_seconds=LATE_SECONDS,
        looks=True,
        deletes=True,
    )
    wanted = False

    def render(self, effect: Effect) -> list[str]:
        one, other = _told(effect.body["from"]), _told(effect.body["to"])
        return [f"Take away the association of the HubSpot records {one} and {other}; both stay."]

    def send(self, http: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        one, other = effect.body["from"], effect.body["to"]
        path = f"/crm/v4/objects/{one['type']}/{one['id']}/associations/{other['type']}/{other['id']}"
        try:
            answer = http.call("DELETE", path)
        except Failed as failed:
            return answers.of_failure(failed)
        return self._sent(http, effect, answer, image, done=answer.status == 204)


def _stands(http: Http, body: Mapping[str, Any]) -> bool | None:
    """Whether the association stands; None when the first record does not exist. Raises: Failed."""
    one, other = body["from"], body["to"]
    links = api.linked(http, one["type"], one["id"], other["type"])
    if links is not None:
        return any(link.id == other["id"] for link in links)
    # That a record does not exist is believed of the record, not of a list.
    if api.find_by_id(http, one["type"], one["id"], [api.RECORD_ID]) is not None:
        raise answers.NotRead(answers.NOTHING_TOLD)
    return None


def _ends(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"from": body["from"], "to": body["to"]}


def _told(end: Mapping[str, Any], between: str = "/") -> str:
    return f"{end['type']}{between}{fields.shown_id(end['id'])}"
