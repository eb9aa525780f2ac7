"""Metadata of objects that stand at Stripe already: entries set, replaced or taken away."""

from collections.abc import Iterator, Mapping
from typing import Any

from destinations.base import Effect
from destinations.http import Http
from destinations.remote import Attempt, Image, NoInverse, Operation, Sent
from destinations.stripe import check, reads, wire
from destinations.stripe.operation import KEY_SECONDS, Changing, image_of, object_of, taking_back

#: What can be labelled, and how its ids begin.
OBJECTS = {
    "charge": ("ch_", "py_"),
    "credit_note": ("cn_",),
    "customer": ("cus_",),
    "invoice": ("in_",),
    "payment_intent": ("pi_",),
    "refund": ("re_", "pyr_"),
    "subscription": ("sub_",),
}


class UpdateMetadata(Changing):
    """Sets entries of an object's metadata; beside them stands the key of the change, which proves it later."""

    operation = Operation(
        "update_metadata",
        "native_key",
        "Label an object",
        "set back to the previous values",
        key_lifetime_seconds=KEY_SECONDS,
        looks=True,
    )

    def problems(self, effect: Effect) -> Iterator[str]:
        body = effect.body
        yield from check.members(body, {"object", "id", "metadata"}, set())
        if body.get("object") not in OBJECTS:
            yield f"object is one of {', '.join(OBJECTS)}"
        else:
            yield from check.id("id", body.get("id"), *OBJECTS[body["object"]])
        yield from check.metadata(body.get("metadata"), removes=True)
        if not body.get("metadata"):
            yield "there is nothing to set"
        yield from check.no_money(effect)

    def lines(self, effect: Effect) -> list[str]:
        body = effect.body
        what = f"{body['object'].replace('_', ' ')} {check.shown(body['id'], body['object'])}"
        return [
            f"Remove {name} from the {what}." if value is None else f'Set {name} of the {what} to "{value}".'
            for name, value in body["metadata"].items()
        ]

    def target(self, effect: Effect) -> str | None:
        id = effect.body.get("id")
        return None if check.is_receipt(id) else f"{effect.body['object']}s/{id}"

    def look(self, client: Http, effect: Effect) -> Image:
        found = reads.find(client, _path(effect))
        if found is None:
            return Image(None)
        metadata = found.get("metadata")
        if not isinstance(metadata, dict):
            raise reads.Unreadable(f"GET {_path(effect)}: an object without metadata")
        names = [*effect.body["metadata"], check.CHANGED_BY]
        return image_of(effect.body["id"], {name: metadata.get(name) for name in names})

    def send(self, client: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        values = {name: "" if value is None else value for name, value in effect.body["metadata"].items()}
        params = {"metadata": {**values, check.CHANGED_BY: key}}
        return self.ended(client, effect, key, wire.post(client, _path(effect), params, key))

    def id(self, effect: Effect) -> str:
        return str(effect.body["id"])

    def shows(self, effect: Effect, body: Mapping[str, Any]) -> bool:
        metadata = body.get("metadata")
        return body.get("id") == effect.body["id"] and isinstance(metadata, dict) and _says(effect, metadata)

    def is_done(self, effect: Effect, key: str, now: Image) -> bool:
        # Somebody may have changed the values since: then our key still tells that they were set.
        return now.version is not None and (_says(effect, now.fields) or now.fields.get(check.CHANGED_BY) == key)

    def is_undone(self, effect: Effect, attempt: Attempt, now: Image) -> bool:
        return attempt.image is not None and now.version == attempt.image.version

    def read_back(self, client: Http, effect: Effect, sent: Sent) -> list[str]:
        now = self.look(client, effect)
        if now.version is None:
            return [f"the {effect.body['object']} is gone"]
        return [
            f"{name} is not as sent"
            for name, value in effect.body["metadata"].items()
            if (now.fields.get(name) or None) != value
        ]

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        if image is None or image.version is None:
            raise NoInverse("what stood there before is not known")
        before = {name: image.fields.get(name) for name in effect.body["metadata"]}
        body = {"object": effect.body["object"], "id": object_of(receipt), "metadata": before}
        return taking_back(effect, self.operation.name, body)

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        if now.version is None:
            return [f"the {effect.body['object']} is gone"]
        wanted = effect.body["metadata"]
        return [f"{name} was changed" for name, value in wanted.items() if (now.fields.get(name) or None) != value]


def _path(effect: Effect) -> str:
    return f"/v1/{effect.body['object']}s/{effect.body['id']}"


def _says(effect: Effect, metadata: Mapping[str, Any]) -> bool:
    return all((metadata.get(name) or None) == value for name, value in effect.body["metadata"].items())


def update_metadata(
    *,
    key: str,
    subject: str,
    object: str,
    id: str | dict[str, str],
    metadata: dict[str, str | None],
    evidence: dict[str, Any] | None = None,
) -> Effect:
    """The effect of setting metadata of an object; None takes an entry away. `id` may be `references.receipt_of`."""
    body = {"object": object, "id": id, "metadata": metadata}
    return Effect("stripe", UpdateMetadata.operation.name, key, subject, None, body, evidence or {})
