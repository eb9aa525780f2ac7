"""What events mention is kept for search: read once, bounded, found although it came late, in nobody's way."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from console import deliveries
from counterfoil import clock, database, keys
from engine import mentioned, mentioning
from engine.mentioned import Mentioned
from ingest.providers import find
from ingest.providers.base import Received, Request
from ingest.providers.hubspot import _TYPE_IDS as HUBSPOT_KINDS

Connection = database.Connection


def stripe(**members: Any) -> str:
    """A payload of Stripe's shape."""
    return json.dumps({"id": "evt_1", "object": "event", "data": {"object": members}})


def test_what_people_search_by_is_read() -> None:
    """Ids of things, addresses in small letters, beginnings of names, amounts with their currency."""
    body = stripe(
        id="in_1",
        object="invoice",
        customer={"id": "cus_9", "object": "customer", "name": "Acme Blue GmbH"},
        customer_email="Anna@Example.com",
        number="A-17",
        total=4200,
        currency="eur",
        lines={"data": [{"amount": 4000, "currency": "eur", "subscription": "sub_3"}]},
    )
    assert set(mentioned.read("stripe", "stripe:in_1", "evt_1", body)) == {
        Mentioned("id", "in_1"),
        Mentioned("id", "cus_9"),
        Mentioned("id", "A-17"),
        Mentioned("id", "sub_3"),
        Mentioned("email", "anna@example.com"),
        Mentioned("name", "acme blue gmbh"),
        Mentioned("name", "blue gmbh"),
        Mentioned("name", "gmbh"),
        Mentioned("amount", "EUR", 4200),
    }


def test_a_record_of_hubspot_is_known_by_its_number() -> None:
    """Its subject carries the portal and the kind too."""
    read = mentioned.read("hubspot", "hubspot:62:0-3:5501", "k", json.dumps({"objectId": 5501}))
    assert read == [Mentioned("id", "62:0-3:5501"), Mentioned("id", "5501")]


@pytest.mark.parametrize("to", [*HUBSPOT_KINDS, "pet"])
def test_the_far_end_of_an_association_is_known_by_its_whole_name(to: str) -> None:
    """As the door would name it if the association started there. Break it: keep its number alone."""
    there = json.dumps(
        {"portalId": 62, "associationType": f"CONTACT_TO_{to.upper()}", "fromObjectId": 5, "toObjectId": 6}
    )
    back = json.dumps(
        {"portalId": 62, "associationType": f"{to.upper()}_TO_CONTACT", "fromObjectId": 6, "toObjectId": 5}
        | {"subscriptionType": f"{to}.associationChange", "occurredAt": 1767225599999}
    )
    (received,) = find()["hubspot"].split(Request("POST", "https://door.example", {}, f"[{back}]".encode()))
    assert isinstance(received, Received)
    assert received.subject is not None
    whole = Mentioned("id", received.subject.removeprefix("hubspot:"))
    assert whole in mentioned.read("hubspot", "hubspot:62:0-1:5", "k", there)
    named = json.loads(there) | {"associationType": "7_TO_9", "toObjectTypeId": "2-77"}
    assert Mentioned("id", "62:2-77:6") in mentioned.read("hubspot", "hubspot:62:0-1:5", "k", json.dumps(named))


@pytest.mark.parametrize("body", [None, "", "{", "[" * 100_000, '"x"', "null", '{"customer": {"id": {}}}'])
def test_what_cannot_be_read_is_known_by_its_subject_or_key(body: str | None) -> None:
    """Nothing that is sent stops the reading."""
    assert mentioned.read("s", "s:thing", "k", body) == [Mentioned("id", "thing")]
    assert mentioned.read("s", None, "k", body) == [Mentioned("id", "k")]


def test_a_payload_full_of_names_is_bounded() -> None:
    """However many there are, only so many are kept; what a database cannot hold is not."""
    many = stripe(items=[{"customer": f"cus_{n}", "charge": f"ch_{n}\u0000"} for n in range(1000)])
    assert len(mentioned.read("stripe", "stripe:x", "k", many)) <= mentioned.MENTIONS_MAX
    assert mentioned.read("s", "s:x", "k", stripe(customer="a\u0000b", invoice="\ud800"))[1:] == []


@pytest.mark.parametrize("name", find())
def test_every_sample_names_something(name: str) -> None:
    """Whoever the sender is, its events are known by something."""
    provider = find()[name]
    for kind, sample in deliveries.samples(provider).items():
        assert mentioned.read(name, None, "k", sample.body.decode()), kind


@pytest.fixture
def received(conn: Connection) -> Callable[..., UUID]:
    """Puts an event with a payload into the ledger."""

    def put(number: int, *, event_id: UUID | None = None) -> UUID:
        event_id = event_id or keys.new_id()
        conn.execute(
            "INSERT INTO events (id, source, provider, key, type, subject, status)"
            " VALUES (%s, 'stripe', 'stripe', %s, 'invoice.paid', %s, 'done')",
            (event_id, f"evt_{event_id.hex}", f"stripe:in_{number}"),
        )
        body = stripe(id=f"in_{number}", customer=f"cus_{number % 3}")
        conn.execute("INSERT INTO payloads (event_id, version, body) VALUES (%s, 0, %s)", (event_id, body))
        return event_id

    return put


def mentions_of(conn: Connection, event_id: UUID) -> set[str]:
    """What is kept about an event."""
    return {row["value"] for row in conn.execute("SELECT value FROM mentions WHERE event_id = %s", (event_id,))}


def test_every_event_is_read_once_in_portions(
    conn: Connection, received: Callable[..., UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pass by pass, oldest first, until nothing is left."""
    monkeypatch.setattr(mentioning, "PORTION", 4)
    events = [received(number) for number in range(10)]
    assert [mentioning.run_once(conn)["read"] for _ in range(4)] == [4, 4, 2, 0]
    assert [mentions_of(conn, one) for one in events] == [{f"in_{n}", f"cus_{n % 3}"} for n in range(10)]


def test_an_event_that_was_committed_late_is_found_all_the_same(
    conn: Connection, received: Callable[..., UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id is older than what was read already. Break it: leave out `_late`."""

    def id_ago(seconds: int) -> UUID:
        return UUID(int=keys.id_at(clock.now() - timedelta(seconds=seconds)).int + seconds)

    received(1, event_id=id_ago(20))
    assert mentioning.run_once(conn) == {"read": 1, "late": 0}
    late = received(2, event_id=id_ago(40))
    assert mentioning.run_once(conn) == {"read": 0, "late": 0}, "it may be on its way still"
    monkeypatch.setattr(mentioning, "LATE", timedelta(0))
    monkeypatch.setattr(mentioning, "LATE_EVERY", timedelta(0))
    assert mentioning.run_once(conn) == {"read": 0, "late": 1}
    assert mentions_of(conn, late) == {"in_2", "cus_2"}
    assert mentioning.run_once(conn) == {"read": 0, "late": 0}


def test_what_is_gone_is_passed_by(conn: Connection, received: Callable[..., UUID]) -> None:
    """A deleted payload leaves the subject."""
    event = received(5)
    conn.execute("DELETE FROM payloads WHERE event_id = %s", (event,))
    mentioning.run_once(conn)
    assert mentions_of(conn, event) == {"in_5"}
