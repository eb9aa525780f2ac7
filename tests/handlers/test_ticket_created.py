"""New tickets: what is judged, what is written and what waits, from the event to the ticket at HubSpot."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from both_accounts import NOON, Both, both_accounts
from judged import a_quick_judge

from contracts.base import find
from contracts.questions import find as find_questions
from contracts.requests import HUBSPOT_CATEGORY
from counterfoil.database import Connection
from engine import NeedsPerson, Outcome, Plan, Skip
from engine.registry import HandlerSpec
from engine.registry import find as find_handlers
from judgement import settling

WORDS = {"subject": "Charged twice", "text": "There are two debits of 490 EUR for May."}
READ = {"id": "4401", **WORDS, "category": "", "priority": "", "route": ""}


def _event(ticket: int = 4401) -> dict[str, Any]:
    return {
        "portalId": 62515, "objectId": ticket, "occurredAt": NOON * 1000, "changeSource": "FORM",
        "subscriptionType": "ticket.creation",
    }  # fmt: skip


def _spec() -> HandlerSpec:
    spec = find_handlers("handlers").find("hubspot", "ticket.creation")
    assert spec is not None
    return spec


def _contract() -> Any:
    return find("hubspot", "ticket.creation", None, _event()).check(_event())


def _planned(ticket: Any, **answers: Any) -> Outcome:
    said = {name: {"ticket": {"label": label}} for name, label in answers.items()}
    return _spec().function(_contract(), {"ticket": ticket, "category": {}, "priority": {}, "route": {}, **said})


def _asked(ticket: Any) -> dict[str, list[Mapping[str, str]]]:
    asks = _spec().asks
    return {name: [item.fields for item in ask.items(_contract(), {"ticket": ticket})] for name, ask in asks.items()}


def test_a_ticket_is_asked_about_once_per_question() -> None:
    """By its own words and nothing else."""
    assert _asked(READ) == {"category": [WORDS], "priority": [WORDS], "route": [WORDS]}


def test_what_is_set_already_is_neither_asked_nor_written() -> None:
    """A form or a person was first."""
    set_already = {**READ, "priority": "HIGH", "route": "finance"}
    assert _asked(set_already) == {"category": [WORDS], "priority": [], "route": []}
    outcome = _planned(set_already, category="billing")
    assert isinstance(outcome, Plan)
    assert outcome.effects[0].body["properties"] == {"hs_ticket_category": "BILLING_ISSUE"}


def test_the_answers_stand_on_the_ticket() -> None:
    """In HubSpot's own words where it has some."""
    outcome = _planned(READ, category="bug", priority="high", route="engineering")
    assert isinstance(outcome, Plan)
    (effect,) = outcome.effects
    assert (effect.operation, effect.key) == ("upsert_ticket", "hubspot:62515:ticket:4401:sorted")
    assert effect.body == {
        "by": {"property": "hs_object_id", "value": "4401"},
        "properties": {
            "hs_ticket_category": "PRODUCT_ISSUE",
            "hs_ticket_priority": "HIGH",
            "ticket_route": "engineering",
        },
    }


def test_the_ticket_tells_what_it_was_answered_with() -> None:
    """Also once a person changed it before it was written; a word of HubSpot's for three of ours tells none of them."""
    outcome = _planned(READ, category="billing", priority="high", route="engineering")
    assert isinstance(outcome, Plan)

    def told(**changes: str) -> dict[str, str | None]:
        body = {"properties": {**outcome.effects[0].body["properties"], **changes}}
        return {name: ask.told(body).get("ticket") for name, ask in _spec().asks.items() if ask.told}

    assert told() == {"category": "billing", "priority": "high", "route": "engineering"}
    assert told(hs_ticket_category="PRODUCT_ISSUE", hs_ticket_priority="", ticket_route="finance") == {
        "category": None, "priority": None, "route": "finance",
    }  # fmt: skip


def test_every_label_can_be_written() -> None:
    """A label without a place at HubSpot would fail when it is first used."""
    questions = find_questions()
    assert set(HUBSPOT_CATEGORY) == set(questions["ticket_category"].label_names)
    for priority in questions["ticket_priority"].label_names:
        assert priority.upper() in {"LOW", "MEDIUM", "HIGH", "URGENT"}


def test_none_of_these_leaves_the_property_as_it_is() -> None:
    """A person said so; what the other questions were answered with is still written."""
    outcome = _planned(READ, category=None, priority="low", route="support")
    assert isinstance(outcome, Plan)
    assert "hs_ticket_category" not in outcome.effects[0].body["properties"]
    assert isinstance(_planned(READ, category=None, priority=None, route=None), Skip)


@pytest.mark.parametrize("ticket", [None, {}, {**READ, "subject": " ", "text": ""}, {**READ, "id": 4401}])
def test_a_ticket_that_says_nothing_is_a_persons(ticket: Any) -> None:
    """Nobody is asked about it, and nothing is guessed."""
    outcome = _planned(ticket)
    assert isinstance(outcome, NeedsPerson)
    assert outcome.failure_class == "context_missing"
    assert set(map(len, _asked(ticket).values())) == {0}


@pytest.fixture
def both(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    """Both accounts, as the sandbox has them."""
    with a_quick_judge(monkeypatch), both_accounts(conn, monkeypatch, tmp_path) as made:
        yield made


def _settle(both: Both, event: UUID, **labels: str | None) -> None:
    """A person answers whatever is open, question by question."""
    while both.event(event)["status"] == "waiting":
        open_now = both.rows("SELECT id, question FROM decisions WHERE event_id = %s AND status = 'asked'", event)
        assert open_now
        for row in open_now:
            with both.conn.transaction():
                settling.correct(both.conn, row["id"], labels[row["question"]], who="Rhea", reason="read it")
        both.work()


def test_from_the_event_to_the_ticket(both: Both) -> None:
    """Nothing is certified: a person says what it is, and then it stands on the ticket, once."""
    ticket = both.make("tickets", subject=WORDS["subject"], content=WORDS["text"], hs_pipeline_stage="1")
    event = both.hear("hubspot", _event(int(ticket)))
    assert both.event(event)["status"] == "waiting"
    assert both.writes() == {}
    _settle(both, event, ticket_category="billing", ticket_priority="medium", ticket_route="finance")
    assert both.event(event)["status"] == "done"
    (record,) = both.records("tickets")
    assert (record["hs_ticket_category"], record["hs_ticket_priority"]) == ("BILLING_ISSUE", "MEDIUM")
    assert record["ticket_route"] == "finance"
    assert both.writes() == {f"hubspot:62515:ticket:{ticket}:sorted": "confirmed"}

    # The next one that says the same is answered by itself.
    again = both.make("tickets", subject="charged twice!", content=WORDS["text"], hs_pipeline_stage="1")
    assert both.event(both.hear("hubspot", _event(int(again))))["status"] == "done"
    assert [each["ticket_route"] for each in both.records("tickets")] == ["finance", "finance"]


def test_a_ticket_that_is_gone_is_looked_for_again(both: Both) -> None:
    """It may come back within the hour; until then nothing is judged."""
    event = both.hear("hubspot", _event(999))
    assert both.event(event)["moves"]
    assert both.rows("SELECT 1 AS one FROM decisions") == []
