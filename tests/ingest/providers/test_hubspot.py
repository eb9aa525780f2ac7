"""HubSpot: identities that survive every regrouping of a batch."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from ingest.providers.base import (
    BodyRefused,
    Received,
    Request,
    Unreadable,
)
from ingest.providers.hubspot import PROVIDER

URL = "https://example.test/hooks/hubspot"


def an_event(**changes: Any) -> dict[str, Any]:
    """One element of a subscription's array."""
    return {
        "eventId": 501,
        "subscriptionId": 77,
        "portalId": 62515,
        "appId": 54321,
        "occurredAt": 1767225599999,
        "subscriptionType": "deal.propertyChange",
        "attemptNumber": 0,
        "objectId": 9001,
        "changeSource": "CRM_UI",
        "propertyName": "dealstage",
        "propertyValue": "closedwon",
    } | changes


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    """The event without these members."""
    return {name: value for name, value in event.items() if name not in names}


def split(*events: Any) -> list[Received | Unreadable]:
    """Split an array."""
    return PROVIDER.split(Request("POST", URL, {}, json.dumps(events).encode()))


def key(event: Any) -> str:
    """The key of one readable event."""
    [received] = split(event)
    assert isinstance(received, Received)
    return received.key


def test_an_element_is_read() -> None:
    """Every field, and the element byte for byte."""
    [received] = split(an_event())
    assert isinstance(received, Received)
    value = f"sha256:{sha256(b'closedwon').hexdigest()[:32]}"
    assert received.key == (
        f"62515/deal.propertyChange/objectId=9001/propertyName=dealstage/propertyValue={value}@1767225599999"
    )
    assert received.type == "deal.propertyChange"
    assert received.subject == "hubspot:62515:0-3:9001"
    assert received.occurred_at == datetime(2025, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
    assert received.account == "62515"
    assert json.loads(received.payload) == an_event()


@pytest.mark.parametrize("changes", [{"attemptNumber": 3}, {"eventId": 9}, {"subscriptionId": 78}])
def test_what_changes_between_attempts_is_no_part_of_the_event(changes: dict[str, Any]) -> None:
    """Neither of the key nor of the content."""
    [first], [again] = split(an_event()), split(an_event(**changes))
    assert isinstance(first, Received)
    assert isinstance(again, Received)
    assert (first.key, first.content_hash) == (again.key, again.content_hash)


def test_everything_else_is_part_of_the_event() -> None:
    """Events that differ in one member each have different keys."""
    assoc = an_event(
        subscriptionType="deal.associationChange",
        associationType="DEAL_TO_CONTACT",
        fromObjectId=1,
        toObjectId=2,
        associationRemoved=False,
        isPrimaryAssociation=False,
    )
    merge = an_event(subscriptionType="contact.merge", primaryObjectId=1, mergedObjectIds=[2, 3], newObjectId=4)
    events = [
        an_event(),
        an_event(portalId=1),
        an_event(subscriptionType="deal.creation"),
        an_event(objectId=9002),
        an_event(objectTypeId="0-3"),
        an_event(occurredAt=1767225600000),
        an_event(propertyName="amount"),
        an_event(propertyValue="closedlost"),
        assoc,
        assoc | {"associationRemoved": True},
        assoc | {"isPrimaryAssociation": True},
        assoc | {"fromObjectId": 2, "toObjectId": 1},
        merge,
        merge | {"mergedObjectIds": [2]},
        merge | {"newObjectId": 5},
        an_event(subscriptionType="conversation.newMessage", messageId="m1"),
        an_event(subscriptionType="conversation.newMessage", messageId="m2"),
    ]
    assert len({key(event) for event in events}) == len(events)


def test_ids_are_one_whether_number_or_text() -> None:
    """Some senders quote them; 64 bits pass, 65 do not."""
    assert key(an_event(objectId="9001", portalId="62515")) == key(an_event())
    assert key(an_event(occurredAt="1767225599999")) == key(an_event(occurredAt="01767225599999")) == key(an_event())
    assert "objectId=9223372036854775807/" in key(an_event(objectId=2**63 - 1))
    assert key(an_event(objectId=2**53)) != key(an_event(objectId=2**53 + 1))


@pytest.mark.parametrize("value", ["x" * 65_536, "🦊" * 100, "a/b@c=d", "", " ", None, True, 7, ["a"], {"a": 1}])
def test_any_property_value_gives_a_short_and_stable_key(value: Any) -> None:
    """Long ones as a hash; none can pose as another."""
    event = an_event(propertyValue=value)
    assert len(key(event)) < 400
    assert key(event) == key(dict(reversed(event.items())))


def test_no_persons_data_stand_in_a_key() -> None:
    """P12: a key is answered, searched for in URLs, and outlives the payload."""
    event = an_event(subscriptionType="contact.propertyChange", propertyName="email", propertyValue="jo@example.org")
    assert "jo" not in key(event)
    assert key(event) != key({**event, "propertyValue": "jo@example.net"})


def test_values_that_look_alike_have_different_keys() -> None:
    """Text and number, a value and the hash of another, a value that holds the separators."""
    long = "x" * 200
    hashed = key(an_event(propertyValue=long)).partition("propertyValue=")[2].partition("@")[0]
    values = ["7", 7, "true", True, long, hashed, "a@1", "a", "a/b", "a%2Fb", "!7"]
    assert len({key(an_event(propertyValue=value)) for value in values}) == len(values)


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (an_event(subscriptionType="contact.creation"), "hubspot:62515:0-1:9001"),
        (an_event(subscriptionType="company.deletion"), "hubspot:62515:0-2:9001"),
        (an_event(subscriptionType="object.propertyChange", objectTypeId="2-7"), "hubspot:62515:2-7:9001"),
        (an_event(subscriptionType="contact.merge", primaryObjectId=1, mergedObjectIds=[2]), "hubspot:62515:0-1:1"),
        (
            an_event(
                subscriptionType="deal.associationChange",
                associationType="CONTACT_TO_DEAL",
                fromObjectId=5,
                toObjectId=6,
                objectId=None,
            ),
            "hubspot:62515:0-1:5",
        ),
        (an_event(subscriptionType="conversation.creation"), "hubspot:62515:conversation:9001"),
        (without(an_event(eventType="ticket.creation"), "subscriptionType"), "hubspot:62515:0-5:9001"),
    ],
)
def test_the_subject_is_the_object(event: dict[str, Any], subject: str) -> None:
    """Of a merge the primary, of an association the one it starts from; generic and named events meet."""
    [received] = split(event)
    assert isinstance(received, Received)
    assert received.subject == subject


BAD = {
    "no type": without(an_event(), "subscriptionType"),
    "strange type": an_event(subscriptionType="deal/../x"),
    "no portal": without(an_event(), "portalId"),
    "no object": without(an_event(), "objectId"),
    "no time": without(an_event(), "occurredAt"),
    "time of no calendar": an_event(occurredAt=10**18),
    "time of many digits": an_event(occurredAt=10**30),
    "time before 1970": an_event(occurredAt=-1),
    "time before 1970 as a text": an_event(occurredAt="-1"),
    "time as a float": an_event(occurredAt=1.5),
    "time as a whole float": an_event(occurredAt=1767225599999.0),
    "time as the text of a float": an_event(occurredAt="1767225599999.5"),
    "time as a flag": an_event(occurredAt=True),
    "time as a list": an_event(occurredAt=[1767225599999]),
    "time in words": an_event(occurredAt="2026-01-01"),
    "time in other digits": an_event(occurredAt="１７６７２２５５９９９９９"),
    "id as a float": an_event(objectId=1.5),
    "id as a flag": an_event(objectId=True),
    "id of 65 bits": an_event(objectId=2**63),
    "negative id": an_event(objectId=-1),
    "id in other digits": an_event(objectId="９"),
    "id of many digits": an_event(objectId="9" * 5000),
    "not an object": [1],
    "null": None,
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_element_is_parked_alone(bad: Any) -> None:
    """The good one beside it is read; alone, a bad one refuses the request."""
    good, parked = split(an_event(), bad)
    assert isinstance(good, Received)
    assert isinstance(parked, Unreadable)
    assert json.loads(parked.payload) == bad
    with pytest.raises(BodyRefused):
        split(bad)


@pytest.mark.parametrize("body", [b"[]", b"7", b'"x"', b"null", b"[", b"", b"{}", b'{"callbackId":"x"}'])
def test_a_body_without_events_is_refused(body: bytes) -> None:
    """An empty array, no array, an object that names no portal."""
    with pytest.raises(BodyRefused):
        PROVIDER.split(Request("POST", URL, {}, body))


def _action(body: Any) -> Received:
    [received] = PROVIDER.split(Request("POST", URL, {}, json.dumps(body).encode()))
    assert isinstance(received, Received)
    return received


def test_a_workflow_action_is_one_event() -> None:
    """A custom action names its execution; the plain webhook is told apart by the object's last change."""
    custom = {
        "callbackId": "ap-123-456-7-8",
        "origin": {"portalId": 62515, "actionDefinitionId": 2},
        "object": {"objectId": 4, "objectType": "CONTACT", "properties": {}},
        "inputFields": {},
    }
    received = _action(custom)
    assert (received.key, received.type) == ("62515/workflow.action/ap-123-456-7-8", "workflow.action")
    assert received.subject == "hubspot:62515:0-1:4"
    plain = {"portal-id": 62515, "vid": 4, "properties": {"lastmodifieddate": {"value": "1767225599999"}}}
    later = {"portal-id": 62515, "vid": 4, "properties": {"lastmodifieddate": {"value": "1767225600000"}}}
    assert _action(plain).key != _action(later).key
    assert _action(plain).occurred_at == datetime(2025, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
