"""Taking many back, by page: the plan first, then start, pause, go on; exactly what was shown."""

from collections.abc import Callable
from typing import Any

import pytest
from pages import Visitor

import destinations
from console import problems
from console.pages import jobs
from console.pages import reversals as page
from counterfoil import database
from engine import mentioning, reversals

Rows = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def fiona(visitor: Callable[..., Visitor], story: Any, conn: database.Connection) -> Visitor:
    """Somebody who may take things back, in front of the story."""
    mentioning.run_once(conn)
    conn.commit()
    return visitor("fiona", "owner")


def test_from_a_list_to_a_plan_to_the_report(fiona: Visitor, story: Any, rows: Rows, conn: database.Connection) -> None:
    """Filter, look, plan, start, pause, go on; nothing moves before the start, and not while it is held."""
    (new,) = fiona.get("/writes", q="destination:books customer:northwind").links("/reversals/new")
    assert "1 confirmed write fit now" in fiona.get(new).text
    planned = fiona.post("/reversals", on=new, reason="the year was wrong")
    path = planned.to
    seen = fiona.get(path)
    assert seen.h1 == "Reversal of 1 write"
    assert "1 post entry in books" in seen.text
    assert "189.57 EUR" in seen.text
    fiona.post(f"{path}/start", reason="looked right")
    assert fiona.post(f"{path}/pause", reason="wait").status == 303
    reversals.advance(conn, destinations.find())
    conn.commit()
    assert rows("SELECT 1 FROM writes WHERE reverses IS NOT NULL") == []
    fiona.post(f"{path}/resume", reason="go")
    reversals.advance(conn, destinations.find())
    conn.commit()
    assert len(rows("SELECT 1 FROM writes WHERE reverses IS NOT NULL")) == 1
    assert "Report" in fiona.get(path).text
    assert path in fiona.get("/reversals").links("/reversals/")


def test_everything_is_never_meant(fiona: Visitor, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by an empty filter nor by one that fits nothing, nor more than can be looked through."""
    assert "Say which writes" in fiona.get("/reversals/new").text
    assert fiona.post("/reversals", reason="all").status == 422
    assert fiona.post("/reversals", reason="none", q="customer:nobody").status == 422
    assert fiona.post("/reversals", reason="", q="destination:books").status == 400
    monkeypatch.setattr(jobs, "NAMED_MAX", 0)
    with pytest.raises(problems.NotAcceptable, match="narrow"):
        page.named({"q": "destination:books"})
    assert rows("SELECT 1 FROM reversals") == []


def test_whoever_may_only_look_takes_nothing_back(visitor: Callable[..., Visitor], story: Any, rows: Rows) -> None:
    """No button, and refused by hand."""
    vera = visitor("vera", "viewer")
    assert vera.get("/writes", destination="books").links("/reversals/new") == []
    assert vera.post("/reversals", on="/reversals", q="destination:books").status == 403
    assert rows("SELECT 1 FROM reversals") == []
