"""Money for models: set aside before anybody is asked, in every budget or in none."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from counterfoil import database
from counterfoil.settings import settings
from exceptions_queue.failures import ModelUnavailable
from judgement.hosted import budgets

EVENT = UUID(int=7)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Three cents an hour, two for one call."""
    monkeypatch.setenv("COUNTERFOIL_MODEL_USD_PER_HOUR", "0.03")
    monkeypatch.setenv("COUNTERFOIL_MODEL_USD_PER_CALL", "0.02")
    settings.cache_clear()
    yield monkeypatch
    settings.cache_clear()


def _reserved(conn: database.Connection) -> set[int]:
    return {row["reserved_micro_usd"] for row in conn.execute("SELECT reserved_micro_usd FROM model_spends")}


def test_what_is_set_aside_is_spent_by_nobody_else(conn: database.Connection, limits: pytest.MonkeyPatch) -> None:
    """Twice two cents are more than three; the second sets nothing aside, in the roomier budgets either."""
    budgets.reserve(conn, budgets.budgets_for("route", EVENT), 20_000)
    with pytest.raises(ModelUnavailable, match="hour budget") as refused:
        budgets.reserve(conn, budgets.budgets_for("route", EVENT), 20_000)
    assert refused.value.rule == "budget_hour"
    assert _reserved(conn) == {20_000}


def test_what_it_did_cost_takes_the_place_of_what_was_set_aside(
    conn: database.Connection, limits: pytest.MonkeyPatch
) -> None:
    """The difference is there again for the next."""
    made = budgets.reserve(conn, budgets.budgets_for("route", None), 20_000)
    budgets.settle(conn, made, 5_000)
    budgets.reserve(conn, budgets.budgets_for("route", None), 20_000)
    assert _reserved(conn) == {20_000}


def test_a_call_that_could_cost_more_than_one_may_sets_nothing_aside(
    conn: database.Connection, limits: pytest.MonkeyPatch
) -> None:
    """However much room there is."""
    with pytest.raises(ModelUnavailable) as refused:
        budgets.reserve(conn, budgets.budgets_for("route", None), 20_001)
    assert refused.value.rule == "budget_call"
    assert _reserved(conn) == set()


def test_a_window_is_the_clocks(conn: database.Connection, limits: pytest.MonkeyPatch) -> None:
    """Two hours have two budgets, and a day is one for all of them."""
    at = datetime(2026, 11, 21, 14, 59, 59, tzinfo=UTC)
    limits.setattr("counterfoil.clock.now", lambda: at)
    found = {budget.name: budget.start for budget in budgets.budgets_for("route", EVENT)}
    assert found["hour"] == at.replace(minute=0, second=0)
    assert {found["day"], found["question:route"], found[f"event:{EVENT}"]} == {at.replace(hour=0, minute=0, second=0)}
