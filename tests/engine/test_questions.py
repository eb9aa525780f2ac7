"""What a handler asks outside itself: a broken question is a case, an answer is kept, and a dry run asks nobody."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from counterfoil import database
from engine import dry_run
from engine.pipeline import Pipeline
from engine.registry import Registry
from engine.worker import Worker

An = Callable[..., UUID]
Look = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def asked() -> Iterator[list[int]]:
    """Whom the handler's reader was asked about."""
    from workflows.every_outcome import ASKED

    ASKED.clear()
    yield ASKED
    ASKED.clear()


def _asking(pipeline: Pipeline, question: Callable[[Any, Mapping[str, Any]], Any]) -> None:
    """Let the one handler that reads ask this question instead."""
    spec = pipeline.registry.find("hubspot", "company.propertyChange")
    assert spec is not None
    others = {(each.source, type): each for each in pipeline.registry.every() for type in each.types}
    pipeline.registry = Registry(
        {**others, ("hubspot", "company.propertyChange"): replace(spec, reads={"owner": question})}
    )


def test_a_question_that_breaks_is_a_case_of_its_own_event(
    an_event: An, pipeline: Pipeline, worker: Worker, look: Look
) -> None:
    """P4: nobody foresaw what it raises; its event is on a desk, and an innocent one is done."""

    def broken(_: Any, __: Mapping[str, Any]) -> Any:
        raise LookupError("no such thing as whsec_hidden")

    _asking(pipeline, broken)
    event_id = an_event("company.propertyChange", 3)
    an_event("contact.creation", 4)
    worker.run_once()
    worker.close()
    assert look("SELECT status FROM events ORDER BY type") == [{"status": "exception"}, {"status": "done"}]
    (case,) = look("SELECT id, failure_class, detail FROM cases")
    assert case["failure_class"] == "handler_bug"
    assert "whsec_hidden" not in str(case)
    assert look("SELECT case_id FROM events WHERE id = %s", event_id) == [{"case_id": case["id"]}]


def test_a_dry_run_asks_nobody_and_says_what_is_missing(
    an_event: An, pipeline: Pipeline, worker: Worker, look: Look, asked: list[int]
) -> None:
    """P10: before the first run the answer is missing; afterwards the kept one is used. The outside is asked once."""
    event_id = an_event("company.propertyChange", 3)
    with database.connect() as conn:
        before = dry_run.compare(conn, pipeline, event_id)
    assert before is not None
    assert before["would"]["failure_class"] == "context_missing"
    assert asked == []
    assert look("SELECT * FROM checkpoints") == look("SELECT * FROM runs") == []

    worker.run_once()
    worker.close()
    with database.connect() as conn:
        after = dry_run.compare(conn, pipeline, event_id)
    assert after is not None
    assert [one["change"] for one in after["difference"]] == ["same"]
    assert asked == [3]
    assert len(look("SELECT * FROM runs")) == 1
