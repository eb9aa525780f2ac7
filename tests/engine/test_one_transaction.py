"""A write to our own books lives and dies with its run; a plan that cannot be written leaves nothing."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from counterfoil import database
from counterfoil.ledger.claim import Claimed, claim
from engine.pipeline import Pipeline
from engine.steps import commit as commit_step
from engine.worker import Worker
from exceptions_queue import replay

An = Callable[..., UUID]
Look = Callable[..., list[dict[str, Any]]]


class PowerCut(BaseException):
    """What no code of ours catches."""


def _claim_one() -> Claimed:
    with database.connect() as conn:
        (event,) = claim(conn, limit=1, lease_seconds=60)
    return event


def _counts(look: Look) -> dict[str, int]:
    tables = ("writes", "books_entries", "books_lines", "runs", "audit_entries")
    return {table: look(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}


def test_a_worker_that_dies_before_its_commit_has_written_nothing(
    an_event: An, pipeline: Pipeline, worker: Worker, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P5: the power goes after everything was sent and before the commit; then somebody else writes it, once.

    Commit after `_write` on its own and this fails: an effect stands that no run, state or audit entry knows of.
    """

    def cut(*_: Any) -> None:
        raise PowerCut

    event_id = an_event("contact.creation", 7)
    one = pipeline.walk(_claim_one())
    with monkeypatch.context() as patch, database.connect() as conn:
        patch.setattr(commit_step.audit, "append", cut)
        with pytest.raises(PowerCut):
            pipeline.commit(conn, [one], worker="dies")
    assert set(_counts(look).values()) == {0}
    assert look("SELECT status, fence FROM events") == [{"status": "running", "fence": 1}]

    with database.connect() as conn:
        conn.execute("UPDATE events SET lease_until = now() - interval '1 second' WHERE id = %s", (event_id,))
    assert worker.run_once() == 1
    assert look("SELECT status FROM events") == [{"status": "done"}]
    assert _counts(look) == {"writes": 1, "books_entries": 1, "books_lines": 2, "runs": 1, "audit_entries": 1}


def test_a_replay_of_what_is_done_writes_nothing(an_event: An, worker: Worker, look: Look) -> None:
    """P10: from the start, through every step again; the confirmed effect is found by its key and left alone."""
    event_id = an_event("contact.creation", 7)
    worker.run_once()
    before = look("SELECT * FROM writes") + look("SELECT * FROM books_entries") + look("SELECT * FROM books_lines")
    for generation in (1, 2):
        with database.transaction() as conn:
            assert replay.replay_event(conn, event_id, from_step="start", who="Rhea", reason="again") == generation
        assert worker.run_once() == 1
        assert look("SELECT status FROM events") == [{"status": "done"}]
    after = look("SELECT * FROM writes") + look("SELECT * FROM books_entries") + look("SELECT * FROM books_lines")
    assert after == before
    assert len(look("SELECT * FROM runs")) == 3


def test_a_plan_that_its_destination_would_refuse_is_the_handlers_bug(an_event: An, worker: Worker, look: Look) -> None:
    """P7: found by the gate, before anything is recorded, and owned by whoever owns handlers."""
    an_event("ticket.propertyChange", 66)
    worker.run_once()
    (case,) = look("SELECT failure_class, destination FROM cases")
    assert case == {"failure_class": "handler_bug", "destination": "books"}
    (run,) = look("SELECT detail FROM runs")
    assert "Assets:Nowhere" in run["detail"]
    assert look("SELECT * FROM writes") == []


def test_a_pass_that_fails_late_keeps_nothing_of_its_plan(an_event: An, pipeline: Pipeline, look: Look) -> None:
    """P7: what the gate refuses is not carried on to the commit, whatever its other effects are worth."""
    an_event("ticket.propertyChange", 66)
    one = pipeline.walk(_claim_one())
    assert one.verdict is not None
    assert one.verdict.failure is not None
    assert one.effects == ()
