"""A worker dies around a hosted model's answer: nobody pays for it a second time, and its event is on a desk."""

import os
import signal
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from company import Company
from judged import a_ticket
from model_server import ModelServer, a_model_server
from psycopg.rows import dict_row
from servers import Postgres, Redis

#: Where it dies, what the decision says afterwards, and why a person is asked.
DEATHS = {
    "as it is answered": (None, "no answer: lost"),
    "model.answered": ("refund", "a hosted model's answer is a suggestion"),
    "run.classified": ("refund", "a hosted model's answer is a suggestion"),
}


@pytest.fixture(scope="module")
def vendor() -> Iterator[ModelServer]:
    """A model that is paid for."""
    with a_model_server(lambda given: {"label": "refund", "quotes": []}) as server:
        yield server


@pytest.fixture(scope="module")
def company(
    tmp_path_factory: pytest.TempPathFactory, chaos_postgres: Postgres, chaos_redis: Redis, vendor: ModelServer
) -> Iterator[Company]:
    """One worker, whose handler asks that model."""
    founded = Company(
        tmp_path_factory.mktemp("paying"), chaos_postgres, chaos_redis,
        COUNTERFOIL_HANDLERS="paying_handlers", COUNTERFOIL_MODEL="openai:judge-1", COUNTERFOIL_MODEL_PRICE="2,4",
        OPENAI_API_KEY="sk-test", OPENAI_BASE_URL=f"{vendor.url}/v1",
    )  # fmt: skip
    founded.hire("worker")
    yield founded
    founded.close()


def _told(company: Company, number: int, text: str) -> UUID:
    with psycopg.connect(company.database_url, row_factory=dict_row) as conn:
        return a_ticket(conn, number, text)


def _die_when_asked(company: Company, vendor: ModelServer) -> None:
    """The last thing that the worker does is to ask: its answer finds nobody."""
    right = vendor.mind

    def answer(given: dict[str, str]) -> dict[str, Any]:
        vendor.mind = right
        os.kill(company.units["worker"].pid, signal.SIGKILL)
        return right(given)

    vendor.mind = answer


@pytest.mark.parametrize("at", DEATHS)
def test_an_answer_is_paid_for_once_whenever_the_worker_dies(company: Company, vendor: ModelServer, at: str) -> None:
    """Asked once, decided once; where the answer was lost with the worker, a person is asked instead.

    Fails without the claim of `paid.find_or_claim`, `paid.keep` before anything else, or a decision that is on record
    before the plan.
    """
    number, before = list(DEATHS).index(at), vendor.billed
    if at in ("model.answered", "run.classified"):
        company.rearm("worker", COUNTERFOIL_FAILPOINT=at)
    else:
        _die_when_asked(company, vendor)
    event = _told(company, number, f"I want back what I paid for order {number}.")
    worker = company.units["worker"]
    company.wait_until(lambda: worker.deaths, 30, f"the worker dies: {at}")
    # Time passes: whoever claimed the question has been silent for too long to be alive.
    company.rows("UPDATE paid_answers SET lease_until = now() WHERE answer IS NULL RETURNING 1 AS one")

    waits = "SELECT count(*) FROM events WHERE id = %s AND status = 'waiting' AND case_id IS NOT NULL"
    company.wait_until(lambda: company.one(waits, event), 30, "the event waits for a person")
    assert vendor.billed - before == 1
    (decision,) = company.rows("SELECT label, tier, status, why FROM decisions WHERE event_id = %s", event)
    label, why = DEATHS[at]
    assert (decision["label"], decision["tier"], decision["status"]) == (label, "hosted", "asked")
    assert decision["why"].startswith(why)
    assert worker.deaths == [-signal.SIGKILL]
    worker.deaths.clear()
