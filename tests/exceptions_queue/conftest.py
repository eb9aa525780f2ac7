"""Events that rest in a case; rosters that reach a real HTTP server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asking import Office, an_office
from notified import reached_by, target, use_owners

from counterfoil import database, keys
from exceptions_queue import owners

__all__ = ["reached_by", "target", "use_owners"]

Connection = database.Connection


@pytest.fixture(autouse=True)
def fresh_roster() -> Iterator[None]:
    """No roster of another test stays in force."""
    owners.forget()
    yield
    owners.forget()


@pytest.fixture
def office(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Office]:
    """An office in which people are asked before anything is written."""
    with an_office(conn, monkeypatch, tmp_path) as made:
        yield made


@pytest.fixture
def an_event(conn: Connection) -> Callable[..., UUID]:
    """A factory of committed events that rest, by default, as an exception."""

    def make(status: str = "exception", *, body: Any = None, **columns: Any) -> UUID:
        event_id = keys.new_id()
        values = {
            "id": event_id,
            "source": "stripe",
            "provider": "stripe",
            "key": f"evt_{event_id.hex}",
            "type": "invoice.paid",
            "status": status,
            **columns,
        }
        names = ", ".join(values)
        marks = ", ".join(f"%({name})s" for name in values)
        conn.execute(f"INSERT INTO events ({names}) VALUES ({marks})", values)
        conn.execute(
            "INSERT INTO payloads (event_id, version, body) VALUES (%s, 0, %s)", (event_id, json.dumps(body or {}))
        )
        conn.commit()
        return event_id

    return make


@pytest.fixture
def many_events(conn: Connection) -> Callable[..., list[UUID]]:
    """A factory of many resting events in one statement, oldest first."""

    def make(count: int, status: str = "exception", **columns: Any) -> list[UUID]:
        ids = sorted(keys.new_id() for _ in range(count))
        values = {
            "source": "stripe",
            "provider": "stripe",
            "type": "invoice.paid",
            "handler": "invoice_paid",
            **columns,
        }
        conn.execute(
            f"INSERT INTO events (id, key, status, {', '.join(values)})"
            f" SELECT id, id::text, %(status)s, {', '.join(f'%({name})s' for name in values)}"
            " FROM unnest(%(ids)s::uuid[]) AS e(id)",
            {**values, "ids": ids, "status": status},
        )
        conn.commit()
        return ids

    return make
