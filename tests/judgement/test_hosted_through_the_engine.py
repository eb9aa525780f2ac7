"""Whatever a hosted model does wrong: the event is on the right desk, nothing is written, and a person may answer."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from judged import a_decision, a_quick_judge, a_ticket, work
from model_server import ModelServer, a_model_server

from contracts import questions
from contracts.answers import Question
from counterfoil import clock
from counterfoil.database import Connection
from counterfoil.settings import settings
from engine import registry
from exceptions_queue import owners
from judgement import settling

NAME = "revenue_category"
QUESTION = questions.find()[NAME]
LEAVING = Question.model_validate({**QUESTION.model_dump(), "may_leave": True}, strict=False)
SAID = "Onboarding workshop"
#: What goes wrong, what the settings are, and under which class it ends.
DOWN = {fault: ([fault] * 2, {}, "model_unavailable") for fault in ("429", "500", "529", "401", "404", "hang")}
INVALID = {
    fault: ([fault] * 2, {}, "model_output_invalid")
    for fault in ("wrong_schema", "unknown_label", "extra_keys", "prose", "invented", "no_evidence", "truncated")
}
SPENT: dict[str, tuple[list[str], dict[str, str], str]] = {
    "no price": ([], {"COUNTERFOIL_MODEL_PRICE": ""}, "model_unavailable"),
    "no key": ([], {"OPENAI_API_KEY": ""}, "model_unavailable"),
    "no budget": ([], {"COUNTERFOIL_MODEL_USD_PER_HOUR": "0.0001"}, "model_unavailable"),
}
WRONG = {**DOWN, **INVALID, **SPENT}


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch, conn: Connection) -> Iterator[ModelServer]:
    """A hosted model that is asked about lines of a customer who is known."""
    (spec,) = registry.find("judging").every()
    monkeypatch.setattr("contracts.questions.find", lambda: {NAME: LEAVING})
    # The registry's own mapping: what it finds, now and later, asks the question whose text may leave.
    monkeypatch.setitem(
        spec.asks,
        "category",
        dataclasses.replace(spec.asks["category"], question=LEAVING),  # type: ignore[arg-type]
    )
    mind = {"label": "services", "quotes": [{"field": "description", "text": "workshop"}]}
    with a_model_server(lambda _: mind) as server, a_quick_judge(monkeypatch):
        for name, value in {
            "COUNTERFOIL_MODEL": "openai:judge-1", "COUNTERFOIL_MODEL_PRICE": "2,4", "COUNTERFOIL_MODEL_SECONDS": "1",
            "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": f"{server.url}/v1",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        a_decision(conn, LEAVING, "Hours", status="settled", settled_by="Ann", settled_label="services",
                   settled_at="2026-11-01", counterparty="cus_1")  # fmt: skip
        conn.commit()
        yield server
    settings.cache_clear()


@pytest.fixture
def told(conn: Connection) -> Callable[[int], UUID]:
    """One event with one line, at its last attempt, worked on."""

    def make(number: int) -> UUID:
        event = a_ticket(conn, number, f"cus_1|{SAID} {'abcdefghijklmnopqrstuvwxyz'[number]}")
        conn.execute("UPDATE events SET attempts = 4 WHERE id = %s", (event,))
        conn.commit()
        work()
        return event

    return make


def _rows(conn: Connection, sql: str, *values: Any) -> list[dict[str, Any]]:
    found = conn.execute(sql, values).fetchall()
    conn.rollback()
    return found


def _on_a_desk(conn: Connection, event: UUID) -> dict[str, Any]:
    (row,) = _rows(
        conn,
        "SELECT e.status, c.failure_class, c.source FROM events e JOIN cases c ON c.id = e.case_id WHERE e.id = %s",
        event,
    )
    return row


def test_every_failure_is_on_the_right_desk_and_nothing_is_written(
    conn: Connection, vendor: ModelServer, told: Callable[[int], UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, each another line; what the model said meanwhile is nowhere. Break it: take an answer as it
    comes, or pass the line on without one."""
    for number, (name, (faults, changes, expected)) in enumerate(WRONG.items()):
        vendor.faults = list(faults)
        with monkeypatch.context() as patch:
            for variable, value in changes.items():
                patch.setenv(variable, value)
            settings.cache_clear()
            event = told(number)
        settings.cache_clear()
        found = _on_a_desk(conn, event)
        assert (found["status"], found["failure_class"]) == ("exception", expected), name
        owner = owners.roster().owner_of(found["failure_class"], source=found["source"], at=clock.now())
        assert owner == owners.roster().roles["platform"].line[0], name
        assert _rows(conn, "SELECT status, acted FROM decisions WHERE event_id = %s", event) == [
            {"status": "asked", "acted": False}
        ], name
    assert _rows(conn, "SELECT 1 AS one FROM writes") == []
    assert _rows(conn, "SELECT 1 AS one FROM books_entries") == []


@pytest.mark.parametrize("name", ["500", "invented"])
def test_a_person_answers_in_its_place(
    conn: Connection, vendor: ModelServer, told: Callable[[int], UUID], name: str
) -> None:
    """The line is open like any other: with the answer the event goes on, and the model is not asked again."""
    vendor.faults = list(WRONG[name][0])
    event = told(1)
    asked = len(vendor.asked)
    (decision,) = _rows(conn, "SELECT id, why, label FROM decisions WHERE event_id = %s", event)
    assert "judge-1" in decision["why"]
    with conn.transaction():
        assert settling.correct(conn, decision["id"], "services", who="Rhea", reason="it says so on the offer")
    work()
    assert _rows(conn, "SELECT status FROM events WHERE id = %s", event) == [{"status": "done"}]
    assert len(vendor.asked) == asked
