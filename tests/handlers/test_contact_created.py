"""New contacts: what their message wants, and the second record of the same person or company, which is held."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from both_accounts import NOON, Both, both_accounts
from judged import a_quick_judge

from contracts.base import find
from contracts.questions import find as find_questions
from contracts.requests import ROUTE_OF_INTENT
from counterfoil.database import Connection
from destinations.hubspot.writers import bare
from engine import NeedsPerson, Outcome, Plan, Skip
from engine.registry import HandlerSpec
from engine.registry import find as find_handlers
from judgement import settling

MESSAGE = "What does it cost for 60 people, and may we see a demo?"
READ = {"id": "9001", "message": MESSAGE, "intent": ""}


def _event(contact: int = 9001) -> dict[str, Any]:
    return {
        "portalId": 62515, "objectId": contact, "occurredAt": NOON * 1000, "changeSource": "FORM",
        "subscriptionType": "contact.creation",
    }  # fmt: skip


def _spec() -> HandlerSpec:
    spec = find_handlers("handlers").find("hubspot", "contact.creation")
    assert spec is not None
    return spec


def _contract() -> Any:
    return find("hubspot", "contact.creation", None, _event()).check(_event())


def _planned(contact: Any, label: str | None = None) -> Outcome:
    answer = {"message": {"label": label, "by": "repeat"}}
    return _spec().function(_contract(), {"contact": contact, "intent": answer if label else {}})


def _items(contact: Any) -> list[Any]:
    return list(_spec().asks["intent"].items(_contract(), {"contact": contact}))


def test_a_message_becomes_an_intent_and_a_route() -> None:
    """The intent is judged, the route follows from it by a rule."""
    assert [item.fields for item in _items(READ)] == [{"message": MESSAGE}]
    outcome = _planned(READ, "sales_inquiry")
    assert isinstance(outcome, Plan)
    (effect,) = outcome.effects
    assert (effect.operation, effect.key) == ("upsert_contact", "hubspot:62515:contact:9001:intent")
    assert effect.body["properties"] == {"contact_intent": "sales_inquiry", "contact_route": "sales"}


def test_the_contact_tells_what_it_was_answered_with() -> None:
    """Also once a person changed it before it was written."""
    ask, outcome = _spec().asks["intent"], _planned(READ, "press")
    assert isinstance(outcome, Plan)
    assert ask.told is not None
    assert ask.told(outcome.effects[0].body) == {"message": "press"}
    assert ask.told({"properties": {"contact_route": "sales"}}) == {}


def test_every_intent_has_a_route() -> None:
    """One that has none would fail when it is first used."""
    assert set(ROUTE_OF_INTENT) == set(find_questions()["contact_intent"].label_names)


@pytest.mark.parametrize("members", [{"message": " "}, {"intent": "support"}])
def test_nobody_is_asked_where_nothing_is_open(members: dict[str, Any]) -> None:
    """Without a message, or with an intent that somebody has set."""
    assert _items({**READ, **members}) == []
    assert isinstance(_planned({**READ, **members}), Skip)


@pytest.mark.parametrize("contact", [None, {}, {**READ, "intent": None}])
def test_half_an_answer_is_a_persons(contact: Any) -> None:
    """Nothing is judged, nothing is written."""
    assert _items(contact) == []
    assert isinstance(_planned(contact), NeedsPerson)


@pytest.mark.parametrize(
    ("address", "same"),
    [("Ada+News@Example.com", "ada@example.com"), (" ada@example.com ", "ada@example.com"), ("+x@a.com", "+x@a.com")],
)
def test_an_address_is_one_whatever_stands_behind_the_plus(address: str, same: str) -> None:
    """Nobody's name is empty, though."""
    assert bare(address) == same


@pytest.fixture
def both(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    """Both accounts, as the sandbox has them."""
    with a_quick_judge(monkeypatch), both_accounts(conn, monkeypatch, tmp_path) as made:
        yield made


def _contact(both: Both, **properties: str) -> int:
    id = int(both.make("contacts", **properties))
    both.pass_time(60)  # the index has seen it
    return id


def _held(both: Both, event: UUID) -> str:
    """Why an event waits, in words; nothing of it was judged or written, and no address is told."""
    assert both.event(event)["status"] == "waiting"
    assert both.rows("SELECT 1 AS one FROM decisions") == []
    assert both.writes() == {}
    (row,) = both.rows("SELECT failure_class, detail FROM runs WHERE event_id = %s", event)
    assert row["failure_class"] == "context_missing"
    assert "example.com" not in row["detail"]
    return str(row["detail"])


def test_from_the_event_to_the_contact(both: Both) -> None:
    """A person says what the first one wants; the same words are then answered by themselves."""
    first = _contact(both, email="ada@example.com", message=MESSAGE)
    event = both.hear("hubspot", _event(first))
    assert both.event(event)["status"] == "waiting"
    (decision,) = both.rows("SELECT id FROM decisions WHERE event_id = %s", event)
    with both.conn.transaction():
        settling.correct(both.conn, decision["id"], "sales_inquiry", who="Rhea", reason="asks for a price")
    both.work()
    second = _contact(both, email="grace@example.org", message=MESSAGE.upper())
    both.hear("hubspot", _event(second))
    assert [each["contact_route"] for each in both.records("contacts")] == ["sales", "sales"]


@pytest.mark.parametrize(
    "other",
    [
        {"email": "ada@example.com"},
        {"email": "a.example@example.com", "firstname": "ADA", "lastname": "Example"},
    ],
)
def test_a_second_record_of_a_person_is_held(both: Both, other: dict[str, str]) -> None:
    """By the address without what stands behind a plus, or by the name at one company; nothing is judged or written."""
    twin = _contact(both, **other)
    new = _contact(both, email="ada+web@example.com", firstname="Ada", lastname="Example", message=MESSAGE)
    event = both.hear("hubspot", _event(new))
    assert _held(both, event) == f"contact {new} is the same person as {twin}: merge them"


def test_people_of_one_name_elsewhere_are_other_people(both: Both) -> None:
    """At another company, or at a mail service where everybody is."""
    _contact(both, email="ada@elsewhere.example", firstname="Ada", lastname="Example")
    _contact(both, email="ada.e@gmail.com", firstname="Ada", lastname="Example")
    new = _contact(both, email="ada2@gmail.com", firstname="Ada", lastname="Example", message="")
    assert both.event(both.hear("hubspot", _event(new)))["status"] == "ignored"


def test_a_company_that_is_there_twice_is_held(both: Both) -> None:
    """By its domain. One company is as it should be."""
    both.make("companies", name="Example", domain="example.com")
    new = _contact(both, email="ada@example.com", message="")
    assert both.event(both.hear("hubspot", _event(new)))["status"] == "ignored"
    both.make("companies", name="Example Ltd", domain="example.com")
    another = _contact(both, email="grace@example.com", message="")
    assert "several companies" in _held(both, both.hear("hubspot", _event(another)))
