"""The turns: each starts one subject on a database of its own, loads it, measures, and ends it again."""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bodies import Batch
from load import Plan
from machine import HERE, Machine, Process, await_port, cpu_seconds, free_port, resident_mb

NEW, KNOWN = '"accepted":1,"duplicates":0', '"accepted":0,"duplicates":1'
#: Faster than any server here: how many requests a second are signed beforehand.
BUILT_PER_SECOND = 26_000
INSTALLED = Path(sys.executable).parent / "counterfoil"
COUNTERFOIL = (str(INSTALLED),) if INSTALLED.exists() else (sys.executable, "-m", "console.cli")


@dataclass(frozen=True)
class Subject:
    """What is measured: its processes by name (`{port}` is filled in; the first one answers HTTP)."""

    processes: Mapping[str, tuple[str, ...]]
    per_second: int = BUILT_PER_SECOND
    expect: str = NEW


PYTHON = sys.executable
#: As many processes work as there are cores, here and in the plain pattern: one computes on one core.
WORKERS = os.cpu_count() or 1
ECHO = Subject({"echo": (PYTHON, "-m", "echo", "{port}")}, expect='"type":"invoice.paid"')
ONE_INSERT = Subject({"insert": (PYTHON, "-m", "one_insert", "{port}")}, per_second=12_000)
PLAIN = Subject({"web": (PYTHON, "-m", "plain", "web", "{port}")}, per_second=2_000)
PLAIN_WORKING = replace(
    PLAIN,
    processes={
        **PLAIN.processes,
        "worker": (
            PYTHON,
            "-m",
            "dramatiq",
            "plain:broker",
            "--processes",
            str(WORKERS),
            "--threads",
            "8",
            "--skip-logging",
        ),
    },
)
DOOR = Subject({"door": (*COUNTERFOIL, "door")})
WORKING = replace(
    DOOR,
    processes={
        **DOOR.processes,
        **{f"worker{number or ''}": (*COUNTERFOIL, "worker") for number in range(WORKERS)},
        "sweeper": (*COUNTERFOIL, "sweeper"),
    },
)


@dataclass
class Running:
    """A subject that runs."""

    subject: Subject
    database: str
    port: int
    processes: dict[str, Process]
    machine: Machine
    rest_mb: dict[str, float]

    def costs(self) -> dict[str, float]:
        """CPU seconds so far: every process, and Postgres."""
        spent = {name: cpu_seconds(process.pid) for name, process in self.processes.items()}
        return spent | {"postgres": cpu_seconds(self.machine.postmaster)}

    def peaks(self) -> dict[str, float]:
        """The most memory that each process had."""
        return {name: resident_mb(process.pid, peak=True) for name, process in self.processes.items()}


@contextmanager
def running(machine: Machine, subject: Subject, database: str) -> Iterator[Running]:
    """Start a subject and end it, whatever happens."""
    machine.empty_redis()
    port = free_port()
    env = machine.env(database) | {"COUNTERFOIL_PORT": str(port), "COUNTERFOIL_CONSOLE_PORT": str(free_port())}
    processes: dict[str, Process] = {}
    try:
        for name, command in subject.processes.items():
            filled = [part.format(port=port) for part in command]
            processes[name] = Process(name, filled, env, machine.logs)
            if len(processes) == 1:
                await_port(port, processes[name])
        # The others need a moment to import; at rest is what they are when that is over.
        time.sleep(2.5 if len(processes) > 1 else 0.5)
        for process in processes.values():
            process.check()
        rest = {name: resident_mb(process.pid) for name, process in processes.items()}
        yield Running(subject, database, port, processes, machine, rest)
    finally:
        for process in reversed(processes.values()):
            process.stop()


def fresh(seconds: float, per_second: float) -> Batch:
    """A batch that nobody sent before, large enough for this long."""
    now = int(time.time())
    return Batch(f"{now:x}"[-6:] + uuid.uuid4().hex[:2], now, int(seconds * per_second) + 1000)


def load(
    up: Running, seconds: float, *, batch: Batch | None = None, rate: float | None = None, expect: str | None = None
) -> dict[str, Any]:
    """Run the generator against a subject; the result also has CPU µs per answer and the window's two ends.

    Raises: RuntimeError when an answer was not what it should be: a fast wrong answer is no figure.
    """
    batch = batch or fresh(seconds, rate * 1.05 if rate else up.subject.per_second)
    plan = Plan(up.port, "/webhooks/stripe", batch, expect or up.subject.expect, seconds, rate)
    env = up.machine.env(up.database)
    command = [sys.executable, str(HERE / "load.py"), plan.as_argument()]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as generator:
        assert generator.stdin
        assert generator.stdout
        if generator.stdout.readline().strip() != "ready":
            raise RuntimeError("the load generator did not get ready")
        before, began_at = up.costs(), time.time()
        generator.stdin.write("go\n")
        generator.stdin.flush()
        told = generator.stdout.readline()
        ended_at, after = time.time(), up.costs()
    for process in up.processes.values():
        process.check()
    if not told:
        raise RuntimeError("the load generator ended without a result")
    result: dict[str, Any] = json.loads(told)
    if result["wrong"]:
        raise RuntimeError(f"{result['wrong']} wrong answers; the first: {result['first_wrong']}")
    spent = {name: after[name] - before[name] for name in before}
    return result | {
        "cpu_us": {name: value * 1e6 / max(result["answered"], 1) for name, value in spent.items()},
        "cpu_seconds": spent,
        "began_at": began_at,
        "ended_at": ended_at,
        "batch": batch,
    }


def finished_between(machine: Machine, database: str, table: str, began_at: float, ended_at: float) -> int:
    """How many events came to their good end in a window of wall-clock time."""
    with machine.admin(database) as conn:
        row = conn.execute(
            f"SELECT count(*) FROM {table} WHERE status = 'done'"
            " AND finished_at BETWEEN to_timestamp(%s) AND to_timestamp(%s)",
            (began_at, ended_at),
        ).fetchone()
    assert row is not None
    return int(row[0])


def flat_out(up: Running, table: str, seconds: float) -> dict[str, Any]:
    """Door and worker as fast as they go together."""
    result = load(up, seconds)
    finished = finished_between(up.machine, up.database, table, result["began_at"], result["ended_at"])
    return result | {"finished_rate": finished / (result["ended_at"] - result["began_at"]), "finished": finished}


def drain(machine: Machine, database: str, limit_seconds: float = 30.0) -> dict[str, Any]:
    """A worker alone with a backlog: events per second from its first to its last, and what each costs."""
    with machine.admin(database) as conn:
        [(waiting,)] = conn.execute("SELECT count(*) FROM events WHERE due_at IS NOT NULL").fetchall()
        env = machine.env(database)
        worker = Process("worker", [*COUNTERFOIL, "worker"], env, machine.logs)
        before = cpu_seconds(machine.postmaster)
        began = time.time()
        try:
            while time.time() - began < limit_seconds:
                worker.check()
                [(left,)] = conn.execute("SELECT count(*) FROM events WHERE due_at IS NOT NULL").fetchall()
                if not left:
                    break
                time.sleep(0.1)
            spent = {"worker": cpu_seconds(worker.pid), "postgres": cpu_seconds(machine.postmaster) - before}
            peak_mb = resident_mb(worker.pid, peak=True)
        finally:
            worker.stop()
        [(first, last, done)] = conn.execute(
            "SELECT extract(epoch FROM min(finished_at))::float8, extract(epoch FROM max(finished_at))::float8,"
            " count(*) FROM events WHERE status = 'done' AND finished_at >= to_timestamp(%s)",
            (began,),
        ).fetchall()
    if not done:
        raise RuntimeError(f"the worker finished none of {waiting} events in {limit_seconds:g} s; see {worker.log}")
    each_us = {name: value * 1e6 / done for name, value in spent.items()}
    rate = done / max(last - first, 1e-3)
    return {"rate": rate, "left": left, "cpu_us": each_us, "peak_mb": peak_mb}


def group_ms(log: Path) -> float:
    """Mean milliseconds per event from the first step to the commit, as the worker's own lines tell."""
    events, spent = 0, 0.0
    for line in log.read_text(errors="replace").splitlines():
        if '"group.finished"' in line:
            told = json.loads(line)
            events, spent = events + told["events"], spent + told["ms"]
    return spent / max(events, 1)


class Backlog:
    """Looks twice a second how many events wait, while something else runs."""

    def __init__(self, machine: Machine, database: str) -> None:
        self.seen: list[int] = []
        self._stop = threading.Event()
        self._conn = machine.admin(database)
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Backlog":
        """Start looking."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join(5)
        with suppress(Exception):
            self._conn.close()

    def _look(self) -> None:
        while not self._stop.wait(0.5):
            [(waiting,)] = self._conn.execute("SELECT count(*) FROM events WHERE due_at IS NOT NULL").fetchall()
            self.seen.append(waiting)

    def growth(self) -> tuple[float, float]:
        """The mean of the first and of the last third."""
        third = max(len(self.seen) // 3, 1)
        return sum(self.seen[:third]) / third, sum(self.seen[-third:]) / third


BOOKED_AFTER = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took), percentile_cont(0.99) WITHIN GROUP (ORDER BY took), count(*)
FROM (SELECT extract(epoch FROM finished_at - received_at)::float8 * 1000 AS took FROM events
      WHERE received_at BETWEEN to_timestamp(%s) AND to_timestamp(%s) AND status = 'done') AS booked
"""


def booked_after(machine: Machine, database: str, began_at: float, ended_at: float) -> dict[str, float]:
    """Milliseconds from recorded to booked, for the events of a window."""
    with machine.admin(database) as conn:
        [(p50, p99, count)] = conn.execute(BOOKED_AFTER, (began_at, ended_at)).fetchall()
    return {"p50_ms": p50 or 0.0, "p99_ms": p99 or 0.0, "count": count}
