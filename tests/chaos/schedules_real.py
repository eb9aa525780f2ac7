"""Schedules played by real processes: workers, Postgres, Redis, and a stand-in of each provider over HTTP.

Each schedule is one write of every operation. Some are played at once by one company, in common rounds: everything that
can happen now happens; then time passes, for the ledger and for the providers alike. In between workers are killed (by
the stand-ins, at requests; by failpoints), Redis is emptied or killed, and people say yes.
"""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from company import LOOK_SECONDS, Company
from orders import PROVIDERS
from psycopg.rows import dict_row
from schedules import planned

import destinations
from counterfoil import keys
from counterfoil.ledger import outbox, planning
from destinations.base import Effect
from destinations.remote import is_remote
from exceptions_queue import approvals

HERE = Path(__file__).parent
WORKERS = 2
#: A request that is never answered costs a round so long (seconds).
ANSWER_SECONDS = 0.8
#: How time passes between rounds: past retries, search lag, the lifetime of Stripe's keys.
PASSING = (2, 35, 60, 400, 3600, 26 * 3600, 60, 400, 3600, 4 * 3600, 26 * 3600, *[4 * 3600, 26 * 3600] * 5)
#: A round takes seconds, on a busy machine a minute; whoever needs longer hangs.
ROUND_SECONDS = 300.0
#: Before how many rounds something befalls Redis.
REDIS_SHARE = 0.4


class Schedules:
    """One company and the schedules that it is given."""

    def __init__(self, company: Company, seeds: Sequence[int]) -> None:
        self.company, self.seeds = company, seeds
        self.deaths = 0
        self._effects: dict[str, tuple[int, Effect]] = {}
        self._rng = random.Random(f"company/{seeds[0]}")
        self._urls: dict[str, str] = {}

    def play(self) -> dict[int, list[str]]:
        """Play them; what went wrong, by seed."""
        workers = self.company.folder / "workers"
        workers.mkdir()
        with ExitStack() as stack:
            for name in PROVIDERS:
                self._urls[name] = stack.enter_context(self._standin(name, workers))
            self._conn: psycopg.Connection[dict[str, Any]] = stack.enter_context(
                psycopg.connect(self.company.database_url, row_factory=dict_row)
            )
            self._record()
            staff = self._staff = self._hire(workers)
            stack.callback(staff.kill)
            for seconds in PASSING:
                self._until_quiet()
                if not self._live():
                    break
                self._trouble_redis()
                self._pass(seconds)
            self._until_quiet()
            staff.send_signal(signal.SIGTERM)
            self.deaths = int(staff.communicate(timeout=30)[0])
            return self._wrong()

    def _standin(self, name: str, workers: Path) -> "Serving":
        return Serving([str(HERE / "troubled_standin.py"), name, str(workers)], self.company)

    def _hire(self, workers: Path) -> "subprocess.Popen[str]":
        env = {
            **self.company.env,
            "STRIPE_API_BASE": self._urls["stripe"],
            "HUBSPOT_API_BASE": self._urls["hubspot"],
            "COUNTERFOIL_ANSWER_SECONDS": str(ANSWER_SECONDS),
        }
        words = [sys.executable, str(HERE / "staff.py"), str(workers), str(self.seeds[0]), str(WORKERS)]
        with (self.company.folder / "staff.log").open("ab") as log:
            return subprocess.Popen(
                words, env=env, cwd=self.company.folder, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def _record(self) -> None:
        for name in PROVIDERS:
            made = httpx.post(f"{self._urls[name]}/_schedules", json={"seeds": list(self.seeds)}, timeout=60).json()
            for seed, data in made:
                effect = Effect.from_json(data)
                self._effects[effect.key] = (seed, effect)
        places, rows, events = destinations.find(), [], []
        for _, effect in self._effects.values():
            place = places[effect.destination]
            assert is_remote(place)
            place.check(effect)
            target = place.target(effect)
            events.append((keys.new_id(), effect.key, effect.subject))
            rows.append(planned(events[-1][0], effect, f"{effect.destination}:{target}" if target else None))
        with self._conn.transaction():
            self._conn.cursor().executemany(
                "INSERT INTO events (id, source, provider, key, type, subject, status, occurred_at)"
                " VALUES (%s, 'test', 'stripe', %s, 'test', %s, 'waiting', now())",
                events,
            )
            planning.plan_writes(self._conn, rows)

    def _until_quiet(self) -> None:
        """Everything that can happen now has happened."""
        end = time.monotonic() + ROUND_SECONDS
        while True:
            assert time.monotonic() < end, f"not quiet: {self._rows('SELECT key, status, detail FROM writes')}"
            assert self._staff.poll() is None, "nobody watches the workers"
            self._say_yes()
            if not self._rows(
                "SELECT 1 AS one FROM writes WHERE lease_until > now() OR due_at <= now() + interval '0.3 s' LIMIT 1"
            ):
                return
            time.sleep(LOOK_SECONDS)

    def _say_yes(self) -> None:
        """A person approves whatever is asked, as it is shown."""
        for one in self._rows("SELECT write_id, digest FROM approvals WHERE status = 'open'"):
            with self._conn.transaction():
                approvals.approve(self._conn, one["write_id"], digest=one["digest"], who="ines", reason="a schedule")

    def _live(self) -> bool:
        return bool(self._rows("SELECT 1 AS one FROM writes WHERE status <> 'confirmed' LIMIT 1"))

    def _rows(self, statement: str) -> list[dict[str, Any]]:
        with self._conn.transaction():
            return self._conn.execute(statement).fetchall()

    def _trouble_redis(self) -> None:
        if self._rng.random() > REDIS_SHARE:
            return
        redis = self.company.redis
        if self._rng.random() < 0.5:
            redis.empty()
        else:
            redis.kill()
            redis.start()

    def _pass(self, seconds: float) -> None:
        """Time passes for the ledger as for the providers, at a moment when nobody has anything in hand."""
        until = time.monotonic() + ROUND_SECONDS
        while True:
            # A sender may lock the same rows the other way round; whoever loses tries again, the providers come last.
            with suppress(psycopg.errors.DeadlockDetected):
                if self._passed(seconds):
                    return
            assert time.monotonic() < until, "there is always something in hand"
            time.sleep(LOOK_SECONDS)

    def _passed(self, seconds: float) -> bool:
        moved = ("due_at", "first_sent_at", "last_sent_at", "looked_at", "absent_at")
        by = {"by": timedelta(seconds=seconds)}
        with self._conn.transaction():
            # None of the senders claims anything before this is over.
            self._conn.execute("SELECT 1 FROM destination_states ORDER BY destination FOR UPDATE")
            self._conn.execute("SELECT pg_advisory_xact_lock(%s)", (outbox.CLAIM_LOCK,))
            if self._conn.execute("SELECT 1 FROM writes WHERE lease_until > now() LIMIT 1").fetchone():
                return False
            self._conn.execute(
                f"UPDATE writes SET {', '.join(f'{name} = {name} - %(by)s' for name in moved)}"
                " WHERE confirmed_at IS NULL",
                by,
            )
            self._conn.execute(
                "UPDATE destination_states SET look_at = look_at - %(by)s, changed_at = changed_at - %(by)s", by
            )
            for url in self._urls.values():
                httpx.post(f"{url}/_sandbox/advance", json={"seconds": seconds}, timeout=60).raise_for_status()
        return True

    def _wrong(self) -> dict[int, list[str]]:
        wrong: dict[int, list[str]] = {}
        rows = {row["key"]: row for row in self._rows("SELECT * FROM writes")}
        events = {row["key"]: row["status"] for row in self._rows("SELECT key, status FROM events")}
        for name in PROVIDERS:
            told = httpx.get(f"{self._urls[name]}/_schedules", timeout=60).json()
            assert not told["strange_keys"], f"keys that no write has: {told['strange_keys']}"
            for key, found in told["writes"].items():
                seed, row = self._effects[key][0], rows[key]
                state = (found["effects"], row["status"], events[key], found["blind"])
                if state != (1, "confirmed", "done", None):
                    detail = f"{row['detail']}, attempts {row['attempts']}, probes {row['probes']}, due {row['due_at']}"
                    wrong.setdefault(seed, []).append(f"{key}: {state}, {detail}\n    " + "\n    ".join(found["log"]))
        return wrong


class Serving:
    """A stand-in's process, for as long as the block lasts; gives its address."""

    def __init__(self, words: list[str], company: Company) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *words], env=company.env, cwd=company.folder, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> str:
        assert self._process.stdout is not None
        url = self._process.stdout.readline().strip()
        assert url, "the stand-in does not listen"
        return url

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def portions(seeds: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """As many at once as one company plays."""
    return (seeds[first : first + size] for first in range(0, len(seeds), size))
