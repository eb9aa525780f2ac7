"""What a later pass of the same event owes to the earlier one: answers, case, patience, and its place in the order."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from contracts.money import Money
from counterfoil import database, keys
from counterfoil.ledger.claim import claim
from destinations.books import DESTINATION, JournalLine, journal
from engine import dry_run
from engine.passing import Pass
from engine.pipeline import Pipeline
from engine.registry import Registry
from exceptions_queue import replay
from exceptions_queue.failures import ContextMissing

An = Callable[..., UUID]
Look = Callable[..., list[dict[str, Any]]]
Ask = Callable[[Callable[[Any], Any]], None]


@pytest.fixture
def ask(pipeline: Pipeline) -> Ask:
    """Lets the one handler that reads put another question."""

    def put(question: Callable[[Any], Any]) -> None:
        spec = pipeline.registry.find("hubspot", "company.propertyChange")
        assert spec is not None

        def asked(contract: Any, _: Mapping[str, Any]) -> Any:
            return question(contract)

        others = {(each.source, type): each for each in pipeline.registry.every() for type in each.types}
        mine = replace(spec, reads={"owner": asked})
        pipeline.registry = Registry({**others, ("hubspot", "company.propertyChange"): mine})

    return put


def run(pipeline: Pipeline) -> list[Pass]:
    """One group, in this thread."""
    with database.connect() as conn:
        events = claim(conn, limit=100, lease_seconds=60)
        return pipeline.commit(conn, [pipeline.walk(event) for event in events], worker="test")


def again(event_id: UUID, from_step: Any = "start") -> None:
    """A person sends the event back."""
    with database.transaction() as conn:
        replay.replay_event(conn, event_id, from_step=from_step, who="Rhea", reason="mended")


def missing(_: Any) -> Any:
    """A record that is not there yet."""
    raise ContextMissing("no such company", rule="company")


def broken(_: Any) -> Any:
    """A reader with a bug."""
    raise LookupError


def test_a_replay_from_the_start_asks_again_and_one_from_the_failed_step_does_not(
    an_event: An, pipeline: Pipeline, ask: Ask
) -> None:
    """P10: an answer belongs to its generation."""
    asked: list[int] = []

    def question(contract: Any) -> Any:
        asked.append(contract.objectId)
        return {"seen": 1}

    ask(question)
    event_id = an_event("company.propertyChange", 3)
    run(pipeline)
    again(event_id, "failed_step")
    run(pipeline)
    assert asked == [3]
    again(event_id, "start")
    run(pipeline)
    assert asked == [3, 3]


def test_an_answer_belongs_to_what_was_asked_about(an_event: An, pipeline: Pipeline, ask: Ask, conn: Any) -> None:
    """P5: when the payload changed, the kept answer is about something else and is not used."""
    asked: list[int] = []

    def question(contract: Any) -> Any:
        asked.append(contract.objectId)
        return {"seen": 1}

    ask(question)
    event_id = an_event("company.propertyChange", 3)
    run(pipeline)
    (row,) = conn.execute("SELECT body FROM payloads").fetchall()
    conn.execute("UPDATE payloads SET body = %s", (json.dumps({**json.loads(row["body"]), "objectId": 4}),))
    conn.commit()
    again(event_id, "failed_step")
    run(pipeline)
    assert asked == [3, 4]


def test_what_heals_by_itself_is_looked_at_again_and_in_the_end_by_a_person(
    an_event: An, pipeline: Pipeline, ask: Ask, look: Look, conn: Any
) -> None:
    """P4: at first it has a time and no case; when patience is over it has a case and no time."""
    ask(missing)
    an_event("company.propertyChange", 3)
    run(pipeline)
    (first,) = look("SELECT status, due_at - now() > interval '10 s' AS later, case_id FROM events")
    assert first == {"status": "waiting", "later": True, "case_id": None}
    assert look("SELECT * FROM cases") == []

    conn.execute("UPDATE events SET due_at = now(), attempts = 5")
    conn.commit()
    run(pipeline)
    (case,) = look("SELECT id, failure_class FROM cases")
    assert case["failure_class"] == "context_missing"
    assert look("SELECT status, due_at, case_id FROM events") == [
        {"status": "exception", "due_at": None, "case_id": case["id"]}
    ]


def test_an_event_that_looks_again_stays_in_the_case_it_came_from(
    an_event: An, pipeline: Pipeline, ask: Ask, look: Look
) -> None:
    """P4: sent back by a person and still not through: the desk goes on showing it."""
    ask(broken)
    event_id = an_event("company.propertyChange", 3)
    run(pipeline)
    (case,) = look("SELECT id FROM cases")
    ask(missing)
    again(event_id)
    run(pipeline)
    assert look("SELECT status, case_id FROM events") == [{"status": "waiting", "case_id": case["id"]}]
    assert look("SELECT status FROM cases") == [{"status": "open"}]


def test_an_event_that_went_through_leaves_its_case_and_both_are_audited(
    an_event: An, pipeline: Pipeline, ask: Ask, look: Look
) -> None:
    """P4, P11: the last event closes the case, in the transaction that wrote it; nobody has to."""
    ask(broken)
    event_id = an_event("company.propertyChange", 3)
    run(pipeline)
    (case,) = look("SELECT id, status FROM cases")
    assert case["status"] == "open"
    ask(lambda _: {"seen": 1})
    again(event_id)
    run(pipeline)
    assert look("SELECT status, closed_by FROM cases") == [{"status": "resolved", "closed_by": "replay"}]
    assert look("SELECT status, case_id FROM events") == [{"status": "done", "case_id": None}]
    entries = look("SELECT action FROM audit_entries WHERE lane = 'engine' AND subject = %s", f"case:{case['id']}")
    assert [entry["action"] for entry in entries] == ["case.opened", "case.resolved"]


def test_a_fact_is_written_however_late_it_comes(an_event: An, pipeline: Pipeline, look: Look) -> None:
    """P10: staleness is for handlers that keep a state; a fact of last week is as true as one of today."""
    an_event("contact.creation", 7, at=20)
    run(pipeline)
    an_event("contact.creation", 7, at=0)
    run(pipeline)
    assert look("SELECT DISTINCT status FROM events") == [{"status": "done"}]
    assert look("SELECT * FROM subject_states") == []


def test_books_that_know_more_than_the_ledger_are_believed(
    an_event: An, pipeline: Pipeline, look: Look, conn: Any
) -> None:
    """P3: an entry stands under the key with other content, and no write tells of it: nothing is added, a person looks.

    As after a restore of one and not the other; the doctor would list such an entry, the engine must not bury it.
    """
    lines = [JournalLine("Assets:Stripe:Clearing", 999), JournalLine("Income:Other", -999)]
    standing = journal(
        key="books:contact:7:created", subject="hubspot:test", on=date(2026, 1, 1), memo="by hand",
        amount=Money(999, "EUR"), lines=lines,
    )  # fmt: skip
    DESTINATION.apply_many(conn, {keys.new_id(): standing})
    conn.commit()
    an_event("contact.creation", 7)
    run(pipeline)
    assert look("SELECT memo FROM books_entries") == [{"memo": "by hand"}]
    assert look("SELECT * FROM writes") == []
    assert look("SELECT failure_class FROM cases") == [{"failure_class": "write_refused"}]
    assert look("SELECT status FROM events") == [{"status": "exception"}]


def test_an_effect_for_a_place_that_is_not_there_is_the_handlers_bug(
    an_event: An, pipeline: Pipeline, look: Look
) -> None:
    """P7: found before anything is recorded, and said by name."""
    pipeline.destinations = {}
    an_event("contact.creation", 7)
    run(pipeline)
    (run_row,) = look("SELECT failure_class, detail FROM runs")
    assert run_row["failure_class"] == "handler_bug"
    assert "'books'" in run_row["detail"]
    assert look("SELECT * FROM writes") == []


def test_a_dry_run_names_what_changed_and_what_is_no_longer_planned(
    an_event: An, pipeline: Pipeline, look: Look, conn: Any
) -> None:
    """P10: other content under a key, a key that would be new, and one that today's plan has no more."""
    event_id = an_event("contact.propertyChange", 7, value="100")
    run(pipeline)
    (row,) = conn.execute("SELECT body FROM payloads").fetchall()
    body = json.loads(row["body"])

    def difference(**changes: Any) -> dict[str, str]:
        conn.execute("UPDATE payloads SET body = %s", (json.dumps({**body, **changes}),))
        conn.commit()
        shown = dry_run.compare(conn, pipeline, event_id)
        assert shown is not None
        return {one["key"]: one["change"] for one in shown["difference"]}

    assert difference() == {"books:collision:7": "same"}
    assert difference(propertyValue="250") == {"books:collision:7": "other_content"}
    assert difference(objectId=8) == {"books:collision:7": "no_longer_planned", "books:collision:8": "would_write"}
    assert len(look("SELECT * FROM writes")) == 1
