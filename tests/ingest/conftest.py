"""A real door: its own database, a real listener, and raw sockets for those who do not behave."""

import http.client
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from counterfoil import database, queue
from counterfoil.settings import Settings, settings
from ingest.app import Door, door
from ingest.limits import Limits
from ingest.providers import find
from ingest.server import make_server

STRIPE_SECRET = "whsec_door_test_1"
HUBSPOT_SECRET = "hubspot-door-test-1"
ENVIRONMENT = {
    "COUNTERFOIL_ENV": "test",
    "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
    "HUBSPOT_CLIENT_SECRET": HUBSPOT_SECRET,
    "SLACK_WEBHOOK_SECRET": "slack-door-test-1",
    "XERO_WEBHOOK_SECRET": "xero-door-test-1",
}


class Reply:
    """One HTTP answer off the wire."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def read_reply(stream: Any) -> Reply | None:
    """The next answer on a connection; None when it was closed instead."""
    line = stream.readline()
    if not line:
        return None
    status = int(line.split()[1])
    headers: dict[str, str] = {}
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if status == 100:
        return read_reply(stream)
    return Reply(status, headers, stream.read(int(headers.get("content-length", 0))))


class RunningDoor:
    """A door that listens on loopback, and what a sender does to it."""

    def __init__(self, app: Door, port: int, url: str, stop: Callable[[], None]) -> None:
        self.app = app
        self.port = port
        self.url = url
        self.stop = stop

    def connect(self, timeout: float = 5.0) -> socket.socket:
        """A raw connection."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def raw(self, data: bytes, timeout: float = 5.0) -> Reply | None:
        """Send bytes as they are and read the first answer."""
        with self.connect(timeout) as connection:
            with suppress(OSError):  # refused while we were still sending; the answer is there all the same
                connection.sendall(data)
            with connection.makefile("rb") as stream:
                return read_reply(stream)

    def post(self, path: str, body: bytes, headers: dict[str, str], timeout: float = 15.0) -> Reply:
        """One well-formed POST."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        """One GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def stripe(self, body: bytes, **changes: Any) -> Reply:
        """A signed Stripe delivery."""
        return self.post("/webhooks/stripe", body, sign_stripe(body), **changes)

    def hubspot(self, body: bytes) -> Reply:
        """A signed HubSpot delivery."""
        url = f"http://127.0.0.1:{self.port}/webhooks/hubspot"
        headers = find()["hubspot"].sign(body, HUBSPOT_SECRET, time.time(), url)
        return self.post("/webhooks/hubspot", body, headers)

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """What stands in the database."""
        with psycopg.connect(self.url, row_factory=dict_row, autocommit=True) as connection:
            return connection.execute(statement, values).fetchall()


def sign_stripe(body: bytes) -> dict[str, str]:
    """The headers by which Stripe would vouch for this body."""
    return find()["stripe"].sign(body, STRIPE_SECRET, time.time(), "http://unused")


def a_stripe_event(id: str = "evt_1", **changes: Any) -> bytes:
    """The body of one small, honest Stripe event."""
    event = {
        "id": id,
        "object": "event",
        "type": "invoice.paid",
        "created": 1767225599,
        "livemode": True,
        "api_version": "2025-03-31.basil",
        "pending_webhooks": 1,
        "data": {"object": {"id": "in_1", "object": "invoice", "amount_paid": 4200}},
    }
    return json.dumps({**event, **changes}, separators=(",", ":")).encode()


def a_hubspot_event(object_id: int = 9001, **changes: Any) -> dict[str, Any]:
    """One honest HubSpot event."""
    event = {
        "eventId": 501,
        "subscriptionId": 77,
        "portalId": 62515,
        "appId": 54321,
        "occurredAt": 1767225599999,
        "subscriptionType": "deal.propertyChange",
        "attemptNumber": 0,
        "objectId": object_id,
        "changeSource": "CRM_UI",
        "propertyName": "dealstage",
        "propertyValue": "closedwon",
    }
    return {**event, **changes}


@contextmanager
def serving(app: Door, url: str) -> Iterator[RunningDoor]:
    """Run a door in a thread until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = make_server(app, "127.0.0.1", port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()

    def stop() -> None:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive(), "the door did not stop"

    wait_until(lambda: server.started, 10)
    try:
        yield RunningDoor(app, port, url, stop)
    finally:
        stop()


def wait_until(holds: Callable[[], bool], seconds: float) -> float:
    """Wait for something to become true; returns how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if holds():
            return time.monotonic() - began
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


@pytest.fixture(scope="module")
def module_database(postgres: str, template: str) -> Iterator[str]:
    """A migrated database that the tests of one module share."""
    name = f"door_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgres.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def a_door(url: str, limits: Limits | None = None, **environment: str) -> Iterator[RunningDoor]:
    """A running door over a database, configured by environment variables alone."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "DATABASE_URL": url, **environment}.items():
            patch.setenv(name, value)
        forget()
        with serving(door(Settings(), limits=limits), url) as running:
            yield running
        forget()


def forget() -> None:
    """Make this process read its settings again."""
    database.forget()
    queue.forget()
    settings.cache_clear()


@pytest.fixture
def open_door(database_url: str) -> Iterator[Callable[..., RunningDoor]]:
    """Opens a door of this test's own: `open_door(limits, NAME=value)`."""
    with ExitStack() as stack:
        yield lambda limits=None, **env: stack.enter_context(a_door(database_url, limits, **env))


@pytest.fixture
def running(open_door: Callable[..., RunningDoor]) -> RunningDoor:
    """A door as it ships, over an empty database."""
    return open_door()


@pytest.fixture(name="a_stripe_event")
def _a_stripe_event() -> Callable[..., bytes]:
    """Makes the body of an honest Stripe event."""
    return a_stripe_event


@pytest.fixture(name="a_hubspot_event")
def _a_hubspot_event() -> Callable[..., dict[str, Any]]:
    """Makes one honest HubSpot event."""
    return a_hubspot_event


@pytest.fixture(scope="session")
def door_over() -> Callable[..., Any]:
    """Opens a door over a database for the length of a `with` block."""
    return a_door


@contextmanager
def held(url: str, table: str) -> Iterator[None]:
    """Keep everybody else out of a table."""
    with psycopg.connect(url) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


@pytest.fixture(name="holding")
def _holding() -> Callable[..., Any]:
    """Locks a table for the length of a `with` block."""
    return held


@pytest.fixture(name="sign_stripe")
def _sign_stripe() -> Callable[[bytes], dict[str, str]]:
    """Signs a body as Stripe."""
    return sign_stripe


@pytest.fixture(name="read_reply")
def _read_reply() -> Callable[[Any], Reply | None]:
    """Reads the next answer of a connection."""
    return read_reply


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., float]:
    """Waits for something to become true."""
    return wait_until


@pytest.fixture(name="free_port")
def _free_port() -> Callable[[], int]:
    """Finds a TCP port on loopback that nobody listens on."""

    def find_free() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find_free


@pytest.fixture
def running_at(database_url: str) -> Callable[[int], RunningDoor]:
    """Speaks to a door that runs as a process of its own."""
    return lambda port: RunningDoor(None, port, database_url, lambda: None)  # type: ignore[arg-type]
