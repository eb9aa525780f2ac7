"""A small story in the ledger - one invoice booked, one on a desk, one waiting - and a client of the API over it."""

import json
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest
import structlog

import destinations
from console import cli, deliveries, processes
from counterfoil import database, keys
from counterfoil.settings import settings
from engine import registry
from engine.pipeline import Pipeline
from engine.worker import Worker
from exceptions_queue import owners
from ingest.providers import find

TOKEN = "a-token-for-tests"
STRIPE = find()["stripe"]


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Story(NamedTuple):
    """The events of the story by what became of them."""

    done: UUID
    failed: UUID
    queued: UUID
    case: UUID


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """No roster of another test stays in force, and no log goes to a stream that was closed with it."""
    owners.forget()
    yield
    owners.forget()
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def an_event(conn: database.Connection) -> Callable[..., UUID]:
    """Records a fresh invoice.paid, as it is or spoilt, and returns its id."""
    chance = random.Random(7)

    def record(change: Callable[[dict[str, Any]], Any] = lambda _: None, **columns: Any) -> UUID:
        sample = deliveries.get_sample(STRIPE, "invoice.paid")
        fresh = deliveries.Freshener(datetime.now(UTC), chance).freshen(STRIPE, sample)
        event = deliveries.events_of(STRIPE, fresh)[0]
        payload = json.loads(fresh.body)
        change(payload)
        values: dict[str, Any] = {
            "id": keys.new_id(),
            "source": "stripe",
            "provider": "stripe",
            "key": event.key,
            "type": event.type,
            "subject": event.subject,
            "occurred_at": event.occurred_at,
            "api_version": event.api_version,
            "content_hash": event.content_hash,
            "livemode": event.livemode,
            "due_at": datetime.now(UTC),
            **columns,
        }
        marks = ", ".join(f"%({name})s" for name in values)
        conn.execute(f"INSERT INTO events ({', '.join(values)}) VALUES ({marks})", values)
        conn.execute(
            "INSERT INTO payloads (event_id, version, body) VALUES (%s, 0, %s)", (values["id"], json.dumps(payload))
        )
        conn.commit()
        return UUID(str(values["id"]))

    return record


@pytest.fixture
def work(database_url: str) -> Callable[[], None]:
    """Lets a worker with the shipped handlers do everything that is due."""

    def until_done() -> None:
        pipeline = Pipeline(registry.find(settings().handlers_package), destinations.find(), crashes_max=5)
        worker = Worker(pipeline, settings())
        try:
            while worker.run_once():
                pass
        finally:
            worker.close()

    return until_done


def unbalanced(payload: dict[str, Any]) -> None:
    """The fault of the story: the total does not follow from the lines."""
    payload["data"]["object"]["subtotal"] += 100


@pytest.fixture
def story(conn: database.Connection, an_event: Callable[..., UUID], work: Callable[[], None]) -> Story:
    """One invoice booked, one broken and on a desk, one that waits for its time."""
    done, failed = an_event(), an_event(unbalanced)
    work()
    queued = an_event(due_at=datetime(2099, 1, 1, tzinfo=UTC))
    row = conn.execute("SELECT case_id FROM events WHERE id = %s", (failed,)).fetchone()
    conn.rollback()
    assert row is not None
    return Story(done, failed, queued, row["case_id"])


@pytest.fixture
def listener(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The console as it is shipped, on a port of loopback; its URL."""
    port = free_port()
    monkeypatch.setenv("COUNTERFOIL_API_TOKEN", TOKEN)
    monkeypatch.setenv("COUNTERFOIL_CONSOLE_PORT", str(port))
    settings.cache_clear()
    server = processes.console_server(settings())
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.005)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True  # a quarter of a second later, for which nobody waits: it has nothing left to do


@pytest.fixture
def stranger(listener: str) -> Iterator[httpx.Client]:
    """A client without a credential."""
    with httpx.Client(base_url=listener, trust_env=False) as client:
        yield client


@pytest.fixture
def api(listener: str) -> Iterator[httpx.Client]:
    """A client with the token; paths begin below `/api/v1`."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"{listener}/api/v1", headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def rows(look: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[dict[str, Any]]]:
    """Rows as they stand now."""
    return look


@pytest.fixture
def run(database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Runs a command as the terminal would."""

    def command(*arguments: object) -> Said:
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr(sys, "argv", ["counterfoil", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(words)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Said(int(ended.value.code or 0), out, err)

    return command
