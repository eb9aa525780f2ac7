"""Events that rest in a case, rosters that reach a real HTTP server, and that server."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asking import Office, an_office

from counterfoil import database, keys
from counterfoil.settings import settings
from exceptions_queue import owners

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
def use_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write an owners file and make it the one in force."""

    def use(text: str) -> Path:
        file = tmp_path / "owners.toml"
        file.write_text(text)
        monkeypatch.setenv("COUNTERFOIL_OWNERS", str(file))
        settings.cache_clear()
        owners.forget()
        return file

    return use


class Target(ThreadingHTTPServer):
    """A notification service: `/ok` takes, `/broken` answers 500, `/slow` answers late."""

    daemon_threads = True
    request_queue_size = 128
    slow_seconds = 3.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[tuple[str, dict[str, Any]]] = []

    def url(self, path: str) -> str:
        return f"json://127.0.0.1:{self.server_address[1]}/{path}?rto=30"


class _Handler(BaseHTTPRequestHandler):
    server: Target

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.partition("?")[0].strip("/")
        self.server.taken.append((path, body))
        if path == "slow":
            time.sleep(self.server.slow_seconds)
        self.send_response(500 if path == "broken" else 200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def target() -> Iterator[Target]:
    """A running notification service on loopback."""
    server = Target()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


ROLE = """
[roles.{role}]
owner = "{owner}"
deputies = ["{deputy}"]
respond_within = "4h"
escalation = [{{ after = "1d", to = "dana" }}]
"""


@pytest.fixture
def reached_by() -> Callable[..., str]:
    """A factory of owners files in which people are reached as said, everybody else by the log."""

    def make(channels: dict[str, list[str]], *, fallback: str = "log://", away: dict[str, str] | None = None) -> str:
        text = f'fallback = "{fallback}"\n'
        for person in ("rhea", "tomas", "pia", "quentin", "fiona", "marek", "dana"):
            text += f'[people.{person}]\nname = "{person} Test"\ncontact = "{person}@example.com"\n'
            text += f"channels = {json.dumps(channels.get(person, ['log://']))}\n"
            text += f"away = [{(away or {}).get(person, '')}]\n"
        for role, owner, deputy in (
            ("revops", "rhea", "tomas"),
            ("finance_ops", "fiona", "marek"),
            ("platform", "pia", "quentin"),
        ):
            text += ROLE.format(role=role, owner=owner, deputy=deputy)
        return text

    return make
