"""A stand-in in another process can be steered: faults, journal, time, by hand; and its webhooks reach a door."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from toy_standin import Counter, Way

from ingest.providers import find
from ingest.providers.base import Request
from sandbox.standin.base import Ask
from sandbox.standin.clock import MovableClock
from sandbox.standin.exchange import Exchange
from sandbox.standin.post import Address, Poster
from sandbox.standin.serve import serving

SECRET = "whsec_standin_test"


def test_faults_are_asked_for_over_http(served_way: Way) -> None:
    """One, a list, a seed, an outage; and all taken away."""
    client = served_way.client
    assert client.post("/_sandbox/faults", json={"kind": "status", "status": 502}).status_code == 200
    assert client.post("/_sandbox/faults", json=[{"kind": "status", "skip": 1, "status": 504}]).status_code == 200
    assert [client.post("/things").status_code for _ in range(3)] == [502, 504, 200]
    assert client.post("/_sandbox/faults", json={"seed": {"rate": 1.0, "kinds": ["rate_limited"]}}).status_code == 200
    assert client.get("/things").status_code == 429
    assert client.delete("/_sandbox/faults").status_code == 200
    assert client.get("/things").status_code == 200
    client.post("/_sandbox/faults", json={"down": True})
    with pytest.raises(httpx.TransportError):
        client.get("/things")
    client.post("/_sandbox/faults", json={"down": False})
    assert client.get("/things").status_code == 200


@pytest.mark.parametrize("wish", [{"kind": "nonsense"}, {"kind": "status", "often": 1}, {"seed": {"often": 1}}, {}])
def test_a_wrong_wish_is_said(served_way: Way, wish: dict[str, object]) -> None:
    """What is misspelt must not silently do nothing."""
    assert served_way.client.post("/_sandbox/faults", json=wish).status_code == 400


def test_the_journal_and_the_state_are_read_over_http(served_way: Way) -> None:
    """What was sent and what exists; control requests are in neither."""
    served_way.client.post("/things", headers={"Idempotency-Key": "k"})
    served_way.client.post("/things")
    items = served_way.client.get("/_sandbox/journal").json()["items"]
    assert [(item["path"], item["key"], item["executed"]) for item in items] == [
        ("/things", "k", True),
        ("/things", None, True),
    ]
    since = served_way.client.get("/_sandbox/journal", params={"since": items[0]["number"]}).json()["items"]
    assert since == items[1:]
    assert served_way.client.get("/_sandbox/state").json()["objects"] == {"count": 2}


def test_time_moves_when_told(served_way: Way) -> None:
    """Only the stand-in's, and never back."""
    before = served_way.clock()
    assert served_way.client.post("/_sandbox/advance", json={"seconds": 3600}).status_code == 200
    assert served_way.clock() - before >= 3600
    assert served_way.client.post("/_sandbox/advance", json={"seconds": -1}).status_code == 400


def test_by_hand_and_reset(served_way: Way) -> None:
    """A person's change is done; what cannot be done is said; a reset forgets all."""
    assert served_way.client.post("/_sandbox/do", json={"action": "set", "count": 9}).json() == {"count": 9}
    assert served_way.client.post("/_sandbox/do", json={"action": "dance"}).status_code == 400
    served_way.client.post("/_sandbox/reset")
    assert served_way.client.get("/_sandbox/state").json()["objects"] == {"count": 0}
    assert served_way.client.get("/_sandbox/journal").json()["items"] == []


class Door:
    """A receiver that checks signatures and answers as told."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.refuse = 0
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                find()["stripe"].verify(Request("POST", door.url, headers, body), [SECRET], time.time())
                door.bodies.append(body)
                door.refuse -= 1
                self.send_response(503 if door.refuse >= 0 else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/stripe"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait(self, count: int) -> list[bytes]:
        until = time.monotonic() + 10
        while len(self.bodies) < count and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.1)
        return self.bodies

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


def test_webhooks_are_signed_and_posted_in_order(door: Door) -> None:
    """The door's own provider accepts the signature; what it refuses comes again."""
    door.refuse = 1
    with serving(Counter, address=Address(door.url, SECRET)) as served:
        for _ in range(3):
            httpx.post(f"{served.url}/things")
        bodies = door.wait(4)
        counts = httpx.get(f"{served.url}/_sandbox/state").json()["hooks"]
    assert sorted(bodies) == [b'{"count":1}', b'{"count":1}', b'{"count":2}', b'{"count":3}']
    assert counts == {"posted": 4, "taken": 3, "bounced": 1}


def test_webhooks_come_twice_when_asked(door: Door) -> None:
    """A share of one means all of them."""
    with serving(Counter, address=Address(door.url, SECRET, double=1.0)) as served:
        httpx.post(f"{served.url}/things")
        assert door.wait(2) == [b'{"count":1}'] * 2


def test_what_is_due_together_goes_in_any_order_when_asked() -> None:
    """By seed; all of it, signed, and otherwise in the order in which it happened."""
    clock = MovableClock(at=1_000.0)
    exchange = Exchange(Counter(clock, random.Random(1)), clock, random.Random(2))
    orders = []
    for shuffle, seed in ((False, 1), (True, 1), (True, 1), (True, 2)):
        exchange.reset()
        for _ in range(6):
            exchange.take(Ask("POST", "/things", [], {}))
        poster = Poster(exchange, Address("http://door.test", SECRET, shuffle=shuffle), random.Random(seed), time.time)
        signed = poster.due()
        assert all("stripe-signature" in {name.lower() for name in each.headers} for each in signed)
        orders.append([each.hook.body for each in signed])
    assert orders[0] == sorted(orders[1])
    assert orders[0] != orders[1] == orders[2] != orders[3]


def test_the_command_says_where_it_listens_and_stops_when_told() -> None:
    """The first line is the address; SIGTERM ends it."""
    script = (
        "import sys; sys.path.insert(0, 'tests/fixtures')\n"
        "from toy_standin import Counter\n"
        "from sandbox.standin.command import arguments, serve\n"
        "serve(Counter, arguments('toy').parse_args(['--port', '0']))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.post(f"{url}/things").json() == {"count": 1}
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(10) in (0, -signal.SIGTERM)
    process.stdout.close()
