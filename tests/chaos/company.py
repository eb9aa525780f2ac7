"""A whole company of real processes: door, worker, sweeper over a real Postgres and Redis, restarted when they die.

A test arms one of them with a failpoint, sends events, and asks the database what became of them. The restarting is
what any supervisor does, and it happens whenever the test waits (`wait_until`, `finish`): no thread, no chance.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row
from servers import ROOT, Postgres, Redis, environment, free_port
from stripe_side import DUE_MINOR, SECRET, Delivery, Paid, Sender

#: `counterfoil`, whether or not it is installed.
COMMAND = (sys.executable, "-c", "from console.cli import main; main()")
#: Short, so that a takeover after a crash does not make the tests long.
LEASE_SECONDS = 1.0
LOOK_SECONDS = 0.05
#: No process may need longer to be there.
START_SECONDS = 20.0

#: Makes a company with settings on top of the usual; it is closed after the test file.
Founding = Callable[..., "tuple[Company, Sender]"]


class Unit:
    """One supervised process."""

    def __init__(self, command: str, env: dict[str, str], log: Path) -> None:
        self.command = command
        self.env = env
        self.log = log
        self.deaths: list[int] = []
        self._wanted = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process of now."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs (a frozen one does)."""
        return self._process is not None and self._process.poll() is None

    def start(self, **extra: str) -> None:
        """Start with these settings on top; a restart by the supervisor comes without them."""
        self._wanted = True
        # Whoever ends the test run without a word leaves nobody at work.
        words = [*COMMAND, self.command, *(["--with-parent"] if self.command in ("worker", "sweeper") else [])]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                words, env={**self.env, **extra}, cwd=self.log.parent, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def supervise(self) -> None:
        """Start it again if it died."""
        if self._wanted and not self.is_alive and self._process is not None:
            self.deaths.append(self._process.returncode)
            self.start()

    def send(self, number: int) -> None:
        """Send a signal, by pid."""
        os.kill(self.pid, number)

    def retire(self, number: int = signal.SIGKILL, wait_seconds: float = 30.0) -> int:
        """End it for good and return its exit code."""
        self._wanted = False
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(wait_seconds)


class Company:
    """The processes of one deployment and one place to ask what they made of it."""

    def __init__(self, folder: Path, postgres: Postgres, redis: Redis, **settings: str) -> None:
        self.folder = folder
        self.postgres = postgres
        self.redis = redis
        self.database_url = postgres.make_database()
        self.units: dict[str, Unit] = {}
        self.env = {
            **environment(),
            "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}",
            "COUNTERFOIL_ENV": "test",
            "COUNTERFOIL_HOME": str(folder / "home"),
            "COUNTERFOIL_LEASE_SECONDS": str(LEASE_SECONDS),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": redis.url,
            "STRIPE_WEBHOOK_SECRET": SECRET,
            **settings,
        }

    def hire(self, name: str, command: str | None = None, **settings: str) -> Unit:
        """Put a further process under supervision, and start it."""
        unit = Unit(command or name, {**self.env, **settings}, self.folder / f"{name}.log")
        self.units[name] = unit
        unit.start()
        return unit

    def open_door(self, name: str = "door") -> int:
        """A door, ready; returns its port."""
        port = free_port()
        self.hire(name, "door", COUNTERFOIL_PORT=str(port))
        self.wait_until(lambda: _is_ready(port), START_SECONDS, f"{name} is ready")
        return port

    def rearm(self, name: str, **extra: str) -> None:
        """Replace a process by one with these settings, which it loses when it dies."""
        unit = self.units[name]
        unit.retire()
        unit.deaths.clear()
        unit.start(**extra)

    def command(self, *words: str) -> str:
        """Run a command to its end and return what it says; it must succeed."""
        done = subprocess.run(
            [*COMMAND, *words],
            env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, f"counterfoil {' '.join(words)} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def close(self) -> None:
        """Everybody goes home."""
        for unit in self.units.values():
            unit.retire()

    def supervise(self) -> None:
        """One look at every process."""
        for unit in self.units.values():
            unit.supervise()

    def wait_until(self, holds: Callable[[], Any], seconds: float, what: str) -> None:
        """Wait, restarting whoever dies meanwhile."""
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, f"not within {seconds:g} s: {what}\n{self.last_words()}"
            self.supervise()
            time.sleep(LOOK_SECONDS)

    def pause(self, seconds: float) -> None:
        """Let time pass, restarting whoever dies meanwhile."""
        until = time.monotonic() + seconds
        self.wait_until(lambda: time.monotonic() >= until, seconds + 1, "time passes")

    def finish(self, deliveries: "Sequence[Future[Delivery]]", seconds: float = 30.0) -> list[Delivery]:
        """Wait until every delivery is accepted, however often it takes."""
        self.wait_until(lambda: all(one.done() for one in deliveries), seconds, "every delivery is accepted")
        return [one.result() for one in deliveries]

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Ask the database, on a connection of its own, because it may just have been restarted."""
        with psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row) as conn:
            return conn.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> Any:
        """The only value of the only row."""
        (row,) = self.rows(statement, *values)
        (value,) = row.values()
        return value

    def wait_until_done(self, events: Sequence[Paid], seconds: float = 20.0) -> None:
        """Wait until all of these events are done."""
        ids = sorted({one.event for one in events})
        self.wait_until(
            lambda: self.one("SELECT count(*) FROM events WHERE key = ANY(%s) AND status = 'done'", ids) >= len(ids),
            seconds,
            f"{len(ids)} events are done",
        )

    def check_books(self, events: Sequence[Paid]) -> None:
        """One row per identity, one confirmed write and one balanced entry per invoice, and nothing open."""
        ids, keys = sorted({one.event for one in events}), sorted({one.write_key for one in events})
        found = self.rows("SELECT key, status, lease_until FROM events WHERE key = ANY(%s)", ids)
        assert sorted(row["key"] for row in found) == ids
        assert {row["status"] for row in found} == {"done"}
        assert {row["lease_until"] for row in found} == {None}
        entries = self.rows("SELECT write_key FROM books_entries WHERE write_key = ANY(%s)", keys)
        assert sorted(row["write_key"] for row in entries) == keys
        writes = self.rows("SELECT key, status FROM writes WHERE key = ANY(%s)", keys)
        assert sorted((row["key"], row["status"]) for row in writes) == [(key, "confirmed") for key in keys]
        collected = self.one(
            "SELECT sum(l.amount_minor)::bigint FROM books_lines l JOIN books_entries e ON e.id = l.entry_id"
            " WHERE e.write_key = ANY(%s) AND l.account = 'Assets:Stripe:Clearing'",
            keys,
        )
        assert collected == DUE_MINOR * len(keys)
        assert self.one("SELECT coalesce(sum(amount_minor), 0)::bigint FROM books_lines") == 0

    def check_promises(self) -> None:
        """What `doctor` proves: nothing is lost, every failure has an owner, the books balance."""
        self.command("doctor")

    def last_words(self) -> str:
        """The end of every log, for whoever has to find out why."""
        texts = []
        for name, unit in self.units.items():
            lines = unit.log.read_text(errors="replace").splitlines()[-15:] if unit.log.exists() else []
            texts.append("\n".join([f"--- {name} (died {unit.deaths})", *(line[:400] for line in lines)]))
        return "\n".join(texts)


def staffed(folder: Path, postgres: Postgres, redis: Redis, **settings: str) -> tuple[Company, Sender]:
    """A company with one of each, and a sender at its door."""
    company = Company(folder, postgres, redis, **settings)
    try:
        company.hire("worker")
        company.hire("sweeper")
        return company, Sender(company.open_door())
    except BaseException:
        company.close()
        raise


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
