"""Replays of many, by page: the plan first, then start, pause, go on, cancel; what failed is listed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from pages import Visitor

from console import asks, problems
from console.pages import jobs
from console.pages import replays as page
from counterfoil import database
from engine import mentioning
from exceptions_queue import replay

Rows = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def fiona(visitor: Callable[..., Visitor], story: Any, conn: database.Connection) -> Visitor:
    """Somebody who may replay, in front of the story."""
    mentioning.run_once(conn)
    conn.commit()
    return visitor("fiona", "owner")


def test_from_a_list_to_a_plan_to_the_end(
    fiona: Visitor, story: Any, rows: Rows, conn: database.Connection, work: Callable[[], None]
) -> None:
    """Filter, look, plan, start, pause, go on; each step with its reason, and nothing moves before the start."""
    listed = fiona.get("/events", q="source:stripe customer:northwind")
    (new,) = listed.links("/replays/new")
    assert "fit now" in fiona.get(new).text
    planned = fiona.post("/replays", on=new, reason="the handler is mended")
    seen = fiona.follow(planned)
    path = planned.to
    assert "Planned" in planned.promised
    assert seen.h1 == "Replay of 2 events"
    for words in ("1 done, 1 exception", "189.57 EUR", "1 in books"):
        assert words in seen.text, words
    assert rows("SELECT count(*) AS n FROM events WHERE generation > 0") == [{"n": 0}]

    fiona.post(f"{path}/start", reason="looked right")
    held = fiona.post(f"{path}/pause", reason="wait for finance")
    assert (held.status, held.to) == (303, path)
    replay.advance(conn)
    conn.commit()
    assert rows("SELECT count(*) AS n FROM events WHERE generation > 0") == [{"n": 0}]
    assert "paused" in fiona.get(path).text
    fiona.post(f"{path}/resume", reason="finance says yes")
    replay.advance(conn)
    conn.commit()
    work()
    replay.advance(conn)
    conn.commit()
    done = fiona.get(path)
    assert rows("SELECT status FROM replays") == [{"status": "finished"}]
    assert "2 of 2 came to rest" in done.text
    assert done.links(f"/events/{story.failed}")
    said = [
        row["action"] for row in rows("SELECT action FROM audit_entries WHERE subject LIKE 'replay:%%' ORDER BY seq")
    ]
    assert said == [f"replay.{verb}" for verb in ("planned", "started", "paused", "resumed", "finished")]
    assert path in fiona.get("/replays").links("/replays/")


def test_a_planned_replay_can_be_dropped(fiona: Visitor, story: Any, rows: Rows) -> None:
    """Cancelled before it began; then nothing more can be done with it."""
    path = fiona.post("/replays", on="/replays/new?status=exception", reason="a try").to
    fiona.post(f"{path}/cancel", reason="not needed")
    seen = fiona.get(path)
    assert "cancelled" in seen.text
    assert not seen.forms(f"{path}/start")
    assert fiona.post(f"{path}/start").status == 409
    assert fiona.get(f"/replays/{uuid4()}").status == 404


def test_everything_is_never_meant(fiona: Visitor, story: Any, rows: Rows) -> None:
    """Neither by an empty filter nor by one that fits nothing, nor by a filter that is wrong."""
    assert "Say which events" in fiona.get("/replays/new").text
    assert fiona.post("/replays", reason="all").status == 422
    assert fiona.post("/replays", reason="none", q="customer:nobody").status == 422
    assert fiona.post("/replays", reason="wrong", q="colour:red source:x").status == 422
    assert fiona.post("/replays", reason="", q="status:exception").status == 400
    assert rows("SELECT 1 FROM replays") == []


def test_whoever_may_only_look_plans_nothing(visitor: Callable[..., Visitor], story: Any, rows: Rows) -> None:
    """No button, and refused by hand."""
    vera = visitor("vera", "viewer")
    assert vera.get("/events", status="exception").links("/replays/new") == []
    assert vera.get("/replays").status == 200
    assert vera.post("/replays", on="/replays", q="status:exception").status == 403
    assert rows("SELECT 1 FROM replays") == []


def test_a_filter_is_said_as_fields_where_it_can_be(
    fiona: Visitor, story: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the events are named one by one, and too many are refused: never are others taken than were shown."""
    assert page.chosen(asks.EventsAsk(q="class:contract_violation source:stripe")) == {
        "class": "contract_violation",
        "source": "stripe",
    }
    same = page.chosen(asks.EventsAsk(q="since:2026-11-20", source="stripe"))
    assert same == {"source": "stripe", "since": "2026-11-20T00:00:00Z"}
    assert page.chosen(asks.EventsAsk(q="amount>1 status:done")) == {"ids": [story.done]}
    assert page.chosen(asks.EventsAsk(q=f"case:{story.case}")) == {"ids": [story.failed]}
    assert page.chosen(asks.EventsAsk(q="class:contract_violation status:exception")) == {"ids": [story.failed]}
    with pytest.raises(problems.NotAcceptable, match="no event fits"):
        page.chosen(asks.EventsAsk(q="source:hubspot", source="stripe"))
    monkeypatch.setattr(jobs, "NAMED_MAX", 1)
    with pytest.raises(problems.NotAcceptable, match="narrow"):
        page.chosen(asks.EventsAsk(q="amount>1"))


def test_the_list_of_chosen_events_is_a_filter_too(fiona: Visitor, story: Any, rows: Rows) -> None:
    """The plan holds exactly these."""
    path = fiona.post("/replays", on="/replays/new?q=amount>1+status:done", reason="these").to
    items = rows("SELECT event_id FROM replay_items WHERE replay_id = %s", UUID(path.removeprefix("/replays/")))
    assert items == [{"event_id": story.done}]
    assert "1 chosen event" in fiona.get(path).text
