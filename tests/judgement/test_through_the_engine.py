"""Judging as a step of a run: an open item waits for a person, and the next one like it does not."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from judged import a_quick_judge

import destinations
from counterfoil import database, keys
from counterfoil.settings import settings
from engine import registry
from engine.pipeline import Pipeline
from engine.worker import Worker
from exceptions_queue.refusals import ReasonMissing
from judgement import decisions, labels, settling

Look = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is judged here is known by its words or to nobody."""
    with a_quick_judge(monkeypatch):
        yield


@pytest.fixture
def worker(database_url: str) -> Iterator[Worker]:
    """A worker over a handler that asks."""
    made = Worker(Pipeline(registry.find("judging"), destinations.find(), crashes_max=5), settings())
    yield made
    made.close()


@pytest.fixture
def a_ticket(conn: database.Connection) -> Callable[[int, str], UUID]:
    """Records one due ticket event with this value."""

    def record(object_id: int, value: str) -> UUID:
        id, now = keys.new_id(), datetime.now(UTC)
        payload = {
            "portalId": 1, "objectId": object_id, "occurredAt": int(now.timestamp() * 1000),
            "subscriptionType": "ticket.propertyChange", "propertyName": "lines", "propertyValue": value,
        }  # fmt: skip
        conn.execute(
            "INSERT INTO events (id, source, provider, key, type, subject, occurred_at, due_at)"
            " VALUES (%s, 'hubspot', 'hubspot', %s, 'ticket.propertyChange', %s, %s, now())",
            (id, str(id), f"hubspot:1:ticket:{object_id}", now),
        )
        conn.execute("INSERT INTO payloads (event_id, version, body) VALUES (%s, 0, %s)", (id, json.dumps(payload)))
        conn.commit()
        return id

    return record


def _work(worker: Worker) -> None:
    while worker.run_once() or worker._slow_now:
        wait(set(worker._slow_now))


def _correct(conn: database.Connection, decision: UUID, label: str | None) -> bool:
    with conn.transaction():
        return settling.correct(conn, decision, label, who="Rhea", reason="it says so on the offer")


def _status(look: Look, event: UUID) -> str:
    (row,) = look("SELECT status FROM events WHERE id = %s", event)
    return str(row["status"])


def test_what_metadata_tells_asks_nobody(worker: Worker, a_ticket: Any, look: Look) -> None:
    """No item, no decision, and the event stays on the loop of its group."""
    event = a_ticket(1, "known:usage")
    worker.run_once()
    assert _status(look, event) == "done"
    assert look("SELECT 1 AS one FROM decisions") == []


def test_an_open_item_waits_for_a_person_and_the_next_one_is_answered(
    worker: Worker, a_ticket: Any, look: Look, conn: database.Connection
) -> None:
    """Money: nothing is certified yet, so nothing is booked; once a person has said it, the same words are known."""
    event = a_ticket(1, "cus_1|Onboarding workshop, two days")
    _work(worker)
    assert _status(look, event) == "waiting"
    assert look("SELECT 1 AS one FROM books_entries") == []
    (case,) = look("SELECT failure_class, owner, detail FROM cases")
    assert case["failure_class"] == "low_confidence"
    (decision,) = look("SELECT id, status, acted, sampled, evidence FROM decisions")
    assert (decision["status"], decision["acted"]) == ("asked", False)

    assert _correct(conn, decision["id"], "services")
    _work(worker)
    assert _status(look, event) == "done"
    assert look("SELECT account, amount_minor FROM books_lines WHERE amount_minor < 0") == [
        {"account": "Income:Services", "amount_minor": -1000}
    ]
    assert look("SELECT status FROM cases") == [{"status": "resolved"}]

    again = a_ticket(2, "cus_1|onboarding workshop - two days!")
    _work(worker)
    assert _status(look, again) == "done"
    (second,) = look("SELECT tier, status, acted, why FROM decisions WHERE event_id = %s", again)
    assert (second["tier"], second["status"], second["acted"]) == ("repeat", "committed", True)


def test_somebody_new_is_asked_about_however_sure_the_judge_is(
    worker: Worker, a_ticket: Any, look: Look, conn: database.Connection
) -> None:
    """The words are known, the customer is not."""
    first = a_ticket(1, "cus_1|Onboarding workshop, two days")
    _work(worker)
    (decision,) = look("SELECT id FROM decisions")
    _correct(conn, decision["id"], "services")
    _work(worker)
    assert _status(look, first) == "done"
    other = a_ticket(2, "cus_2|Onboarding workshop, two days")
    _work(worker)
    assert _status(look, other) == "waiting"
    (row,) = look("SELECT label, why FROM decisions WHERE event_id = %s", other)
    assert row["label"] == "services"
    assert "before" in row["why"]


def test_two_customers_mean_two_things_by_one_word(
    worker: Worker, a_ticket: Any, look: Look, conn: database.Connection
) -> None:
    """Each is booked as a person said of it, whichever was said last; of a third one a person is asked. Break it: take
    the newest answer, whoever it was about."""
    for number, (who, label) in enumerate([("cus_1", "services"), ("cus_2", "usage")]):
        a_ticket(number, f"{who}|Setup")
        _work(worker)
        (open_now,) = look("SELECT id FROM decisions WHERE status = 'asked'")
        _correct(conn, open_now["id"], label)
        _work(worker)
    for number, (who, label) in enumerate([("cus_1", "services"), ("cus_2", "usage"), ("cus_3", None)], start=2):
        event = a_ticket(number, f"{who}|setup!")
        _work(worker)
        (found,) = look("SELECT label, status FROM decisions WHERE event_id = %s", event)
        assert found == {"label": label, "status": "committed" if label else "asked"}


def test_one_open_line_holds_the_whole_entry(
    worker: Worker, a_ticket: Any, look: Look, conn: database.Connection
) -> None:
    """Two lines, two answers; after the first nothing moves yet."""
    event = a_ticket(1, "cus_1|Consulting hours\ncus_1|Monthly plan")
    _work(worker)
    first, second = look("SELECT id FROM decisions ORDER BY item")
    assert not _correct(conn, first["id"], "services")
    _work(worker)
    assert _status(look, event) == "waiting"
    assert _correct(conn, second["id"], "subscription")
    _work(worker)
    assert _status(look, event) == "done"
    assert {row["account"] for row in look("SELECT account FROM books_lines")} == {
        "Assets:Stripe:Clearing", "Income:Services", "Income:Subscriptions",
    }  # fmt: skip


def test_none_of_these_reaches_the_handler(
    worker: Worker, a_ticket: Any, look: Look, conn: database.Connection
) -> None:
    """It decides what that means; the words are known as none of these from then on."""
    event = a_ticket(1, "cus_1|asdf")
    _work(worker)
    (decision,) = look("SELECT id FROM decisions")
    _correct(conn, decision["id"], None)
    _work(worker)
    assert _status(look, event) == "ignored"
    again = a_ticket(2, "cus_1|asdf")
    _work(worker)
    assert _status(look, again) == "waiting"


def test_a_decision_is_found_again_after_a_crash(
    worker: Worker, a_ticket: Any, look: Look, conn: database.Connection
) -> None:
    """Judged once: the second walk of the same event finds what was decided, whoever walks it."""
    event = a_ticket(1, "cus_1|Consulting hours")
    _work(worker)
    conn.execute("UPDATE events SET status = 'queued', due_at = now(), case_id = NULL WHERE id = %s", (event,))
    conn.commit()
    _work(worker)
    assert len(look("SELECT 1 AS one FROM decisions")) == 1


def test_an_answer_needs_a_name_a_reason_and_a_label_that_there_is(
    worker: Worker, a_ticket: Any, look: Look, conn: database.Connection
) -> None:
    """What cannot be a label is refused with those that can; twice is refused as well."""
    a_ticket(1, "cus_1|Consulting hours")
    _work(worker)
    (decision,) = look("SELECT id FROM decisions")
    with pytest.raises(labels.NoSuchLabel, match="subscription"), conn.transaction():
        settling.correct(conn, decision["id"], "approve_all", who="Rhea", reason="x")
    with pytest.raises(ReasonMissing), conn.transaction():
        settling.correct(conn, decision["id"], "services", who="Rhea", reason=" ")
    with pytest.raises(decisions.DecisionNotFound), conn.transaction():
        settling.correct(conn, keys.new_id(), "services", who="Rhea", reason="x")
    _correct(conn, decision["id"], "services")
    with pytest.raises(decisions.DecisionSettled, match="Rhea"):
        _correct(conn, decision["id"], "usage")


def test_what_people_said_is_never_changed(conn: database.Connection) -> None:
    """Not by SQL either; nor is a settled decision opened again."""
    from contracts import questions

    question = questions.find()["revenue_category"]
    labels.add(conn, question, labels.NewLabel({"description": "Hours"}, "services", "labelling", "Rhea"))
    conn.commit()
    for change in ("UPDATE labels SET label = 'usage'", "DELETE FROM labels", "TRUNCATE labels"):
        with pytest.raises(psycopg.errors.RestrictViolation), conn.transaction():
            conn.execute(change)


def test_a_share_of_what_is_acted_on_is_drawn_by_chance() -> None:
    """Always the same ones, and about as many as the question wants."""
    drawn = [decisions.is_sampled(keys.new_id(), 0.03) for _ in range(20_000)]
    assert 0.02 < sum(drawn) / len(drawn) < 0.04
