"""Events put straight into the ledger, and a worker over the test's own handlers."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from stripe_api import Api

import destinations
from counterfoil import clock, database, keys
from counterfoil.settings import settings
from destinations import http
from engine import registry
from engine.pipeline import Pipeline
from engine.worker import Worker
from sandbox.standin.transport import InProcess

#: Where the stand-in of Stripe is reached.
AT_STRIPE = "http://stripe.test"
BASE = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def rows_read(conn: database.Connection) -> Callable[[], int]:
    """Says how many rows of the events this connection, and whoever has ended, read so far."""

    def read() -> int:
        conn.execute("SELECT pg_stat_force_next_flush()")
        conn.commit()
        row = conn.execute(
            "SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_user_tables WHERE relname = 'events'"
        ).fetchone()
        conn.commit()
        assert row is not None
        return int(row["rows"])

    return read


@pytest.fixture
def an_event(conn: database.Connection) -> Callable[..., UUID]:
    """Records one due HubSpot event and returns its id."""

    def record(
        type: str, object_id: int, *, at: float = 0, value: str = "x", name: str = "stage", fault: Any = None
    ) -> UUID:
        occurred = BASE + timedelta(seconds=at)
        payload = {
            "portalId": 1,
            "objectId": object_id,
            "occurredAt": int(occurred.timestamp() * 1000),
            "subscriptionType": type,
            "propertyName": name,
            "propertyValue": value,
        }
        id = keys.new_id()
        conn.execute(
            "INSERT INTO events (id, source, provider, key, type, subject, occurred_at, due_at, fault)"
            " VALUES (%s, 'hubspot', 'hubspot', %s, %s, %s, %s, now(), %s::jsonb)",
            (
                id,
                f"{type}/{object_id}/{at}/{value}",
                type,
                f"hubspot:1:{type.split('.')[0]}:{object_id}",
                occurred,
                json.dumps(fault) if fault else None,
            ),
        )
        conn.execute("INSERT INTO payloads (event_id, version, body) VALUES (%s, 0, %s)", (id, json.dumps(payload)))
        conn.commit()
        return id

    return record


@pytest.fixture
def pipeline(database_url: str) -> Pipeline:
    """The steps over the test's own handlers."""
    return Pipeline(registry.find("workflows"), destinations.find(), crashes_max=5)


@pytest.fixture
def worker(pipeline: Pipeline) -> Iterator[Worker]:
    """A worker that does one group when asked to."""
    made = Worker(pipeline, settings())
    yield made
    made.close()


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Api:
    """Stripe, which the destination reaches without a network."""
    api = Api()
    api.clock.advance(clock.now().timestamp() - api.clock())
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_sandbox")
    monkeypatch.setenv("STRIPE_API_BASE", AT_STRIPE)
    monkeypatch.setitem(http.IN_PROCESS, AT_STRIPE, InProcess(api.exchange, api.clock.advance))
    settings.cache_clear()
    return api
