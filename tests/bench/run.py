"""`make bench`: the product against anchors that are measured in the same run, in turn, several rounds, medians.

    tests/bench/run.py                 about a quarter of an hour
    tests/bench/run.py --quick         about two minutes: one round, no million of events
    tests/bench/run.py --writes        only writes behind a network, half a minute a round
    tests/bench/run.py --pages         only the console's pages, a quarter of an hour (--events 10000: two minutes)
    tests/bench/run.py --json FILE     everything that was seen, also the single rounds

bodies    signed deliveries          machine   Postgres, Redis, processes      turns    one subject at a time
load      the generator (a process)  history   a past of many events           report   verdicts and tables
writing   writes behind a network    starting  how long it takes to be there
company   a past for the pages       visiting  every page and list
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import history  # noqa: E402 - the project's own folders are known from here on
import report  # noqa: E402
import seen  # noqa: E402
import starting  # noqa: E402
import turns  # noqa: E402
import visiting  # noqa: E402
import writing  # noqa: E402
from bodies import Batch  # noqa: E402
from machine import Machine, machine  # noqa: E402
from turns import DOOR, ECHO, KNOWN, ONE_INSERT, PLAIN, PLAIN_WORKING, WORKING, running  # noqa: E402

SMALL, LARGE = 10_000, 1_000_000
#: More than this share of the processors busy before the start: the figures are not those of this program alone.
BUSY_MAX = 0.1


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    rounds: int  #: of the comparison with the anchors
    seconds: float  #: of one closed loop
    flat_seconds: float  #: of door and worker together
    open_rounds: int
    open_seconds: float
    history_rounds: int  #: with ten thousand and with a million events
    starts: int
    writes: int  #: behind a network, in one turn


FULL = Extent(
    rounds=4, seconds=3.0, flat_seconds=6.0, open_rounds=3, open_seconds=8.0, history_rounds=3, starts=3, writes=1500
)  # fmt: skip
QUICK = Extent(
    rounds=1, seconds=2.5, flat_seconds=5.0, open_rounds=1, open_seconds=6.0, history_rounds=0, starts=1, writes=600
)  # fmt: skip


class Bench:
    """One run and what it has seen so far."""

    def __init__(self, machine: Machine, extent: Extent, console: Console) -> None:
        self.machine = machine
        self.extent = extent
        self.console = console
        self.began = time.monotonic()
        self.rounds: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.small: dict[str, Any] = {}
        self.template = ""
        self.memory: dict[str, tuple[float, float]] = {}

    def tell(self, line: str) -> None:
        """Progress."""
        self.console.print(f"[dim]{time.monotonic() - self.began:6.0f} s[/]  {line}", highlight=False)

    def keep(self, subject: str, result: dict[str, Any]) -> None:
        """Keep what a turn has shown."""
        kept = {name: value for name, value in result.items() if name != "batch"}
        self.rounds[subject].append(kept)
        more = f", {kept['finished_rate']:,.0f} finished/s" if "finished_rate" in kept else ""
        waits = f", p50 {kept['p50_ms']:.2f} p99 {kept['p99_ms']:.2f} ms" if "p50_ms" in kept else ""
        self.tell(f"{subject}: {kept['rate']:,.0f}/s{more}{waits}")

    def prepare(self, past: int = SMALL) -> None:
        """A migrated database in which one event went all the way, and its clones: the template of every turn."""
        self.template = self.machine.database()
        self._counterfoil("migrate", self.template)
        batch = Batch("5eed0000", int(time.time()), 1)
        with running(self.machine, WORKING, self.template) as up:
            turns.load(up, 0.1, batch=batch)
            event_id = self._await_done()
        self.seed = (event_id, batch.tag(0))
        with self.machine.admin(self.template) as conn:
            history.make(conn, *self.seed, past, self.tell)
        self.tell(f"a past of {past:,} events is in place")

    def _counterfoil(self, command: str, database: str) -> None:
        done = subprocess.run(
            [*turns.COUNTERFOIL, command], env=self.machine.env(database), cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"counterfoil {command} ended with {done.returncode}:\n{done.stderr[-3000:]}")

    def _await_done(self) -> str:
        status = None
        with self.machine.admin(self.template) as conn:
            for _ in range(200):
                [(event_id, status, outcome)] = conn.execute("SELECT id::text, status, outcome FROM events").fetchall()
                if status == "done":
                    return str(event_id)
                time.sleep(0.05)
        raise RuntimeError(f"the first event was not booked: it is {status} ({outcome})")

    def anchors(self) -> None:
        """Every anchor once, each on an empty database."""
        seconds = self.extent.seconds
        for subject, what in (("echo", ECHO), ("insert", ONE_INSERT), ("plain", PLAIN)):
            with self._database(None) as database, running(self.machine, what, database) as up:
                self.keep(subject, turns.load(up, seconds))
        with self._database(None) as database:
            with running(self.machine, PLAIN_WORKING, database) as up:
                self.keep("plain_flat", turns.flat_out(up, "bench_plain_events", self.extent.flat_seconds))
                self._remember("plain web and worker", sum(up.rest_mb.values()), sum(up.peaks().values()))
            command = [sys.executable, "-m", "sql_limit", str(seconds)]
            done = subprocess.run(
                command, env=self.machine.env(database), capture_output=True, text=True, check=True, cwd=ROOT
            )
            self.keep("sql", {"rate": float(done.stdout)})

    def product(self) -> None:
        """The door alone, the same deliveries again, the worker alone with what came in, then both flat out."""
        with self._database(self.template) as database:
            self.door_then_drain(database, "")
        with self._database(self.template) as database, running(self.machine, WORKING, database) as up:
            self.keep("flat", turns.flat_out(up, "events", self.extent.flat_seconds))
            for name, peak in up.peaks().items():
                self._remember(name, up.rest_mb[name], peak)
            steps = self._steps(database)
            group_ms = turns.group_ms(up.processes["worker"].log)
            self.small["steps"] = steps | {"commit": max(group_ms - sum(steps.values()), 0.0)}

    def door_then_drain(self, database: str, suffix: str) -> None:
        """The door without a worker, then a worker without a door."""
        with running(self.machine, DOOR, database) as up:
            new = turns.load(up, self.extent.seconds)
            self.keep("door" + suffix, new)
            self._remember("door" + suffix, up.rest_mb["door"], up.peaks()["door"])
            if not suffix:
                sent = Batch(new["batch"].token, new["batch"].created, new["warmed"] + new["sent"])
                self.keep("again", turns.load(up, self.extent.seconds, batch=sent, expect=KNOWN))
        drained = turns.drain(self.machine, database)
        self.keep("drain" + suffix, drained)
        self._remember("worker" + suffix, drained["peak_mb"], drained["peak_mb"])

    def writes(self) -> None:
        """Writes behind a network, and the same calls bare."""
        with self._database(self.template) as database:
            product, bare = writing.turn(self.machine, database, self.extent.writes)
        self.keep("writes", product)
        self.keep("calls", bare)

    def open_loop(self, subject: str, share: float) -> None:
        """Door and worker at a share of what they can take together."""
        capacity = report.middle(self.rounds, "flat", "rate")
        assert capacity is not None
        rate = capacity * share
        with self._database(self.template) as database, running(self.machine, WORKING, database) as up:
            turns.load(up, 1.5, rate=rate)  # the first second of a process is not its life
            with turns.Backlog(self.machine, database) as backlog:
                result = turns.load(up, self.extent.open_seconds, rate=rate)
            first, last = backlog.growth()
            arrived = rate * self.extent.open_seconds * 2 / 3
            time.sleep(1.0)
            booked = turns.booked_after(self.machine, database, result["began_at"], result["ended_at"])
        self.keep(subject, result | {"backlog": backlog.seen, "growth": (last - first) / arrived, "booked": booked})
        self.tell(f"  booked after p50 {booked['p50_ms']:.1f}, p99 {booked['p99_ms']:.1f} ms; backlog {backlog.seen}")

    def with_a_million(self) -> None:
        """The same turns in a database with a hundred times the past."""
        large = self.machine.database(self.template)
        with self.machine.admin(large) as conn:
            history.make(conn, *self.seed, LARGE, self.tell, first_number=SMALL + 1)
        for _ in range(self.extent.history_rounds):
            with self._database(self.template) as database:
                self.door_then_drain(database, "_small")
            self.door_then_drain(large, "_large")
        self.machine.drop(large)

    def _steps(self, database: str) -> dict[str, float]:
        """Mean milliseconds per step."""
        with self.machine.admin(database) as conn:
            rows = conn.execute(
                "SELECT s ->> 'step', avg((s ->> 'ms')::float8) FROM runs, jsonb_array_elements(steps) s"
                " WHERE started_at > (SELECT max(started_at) FROM runs) - interval '5 seconds' GROUP BY 1"
            ).fetchall()
        return {str(name): float(ms) for name, ms in sorted(rows) if ms is not None}

    def _remember(self, name: str, rest: float, peak: float) -> None:
        known = self.memory.get(name, (rest, 0.0))
        self.memory[name] = (min(rest, known[0]), max(peak, known[1]))

    @contextmanager
    def _database(self, template: str | None) -> Iterator[str]:
        name = self.machine.database(template)
        yield name
        self.machine.drop(name)

    def run(self) -> None:
        """Everything, in order."""
        self.prepare()
        for number in range(self.extent.rounds):
            self.tell(f"[bold]round {number + 1} of {self.extent.rounds}[/]")
            self.anchors()
            self.product()
            self.writes()
        for _ in range(self.extent.open_rounds):
            self.open_loop("half", 0.5)
            self.open_loop("most", 0.9)
        self.small |= starting.one_process(self.machine, self.extent.starts)
        if self.extent.history_rounds:
            self.with_a_million()
        self.small["memory"] = self.memory
        self.small["door_mb"], self.small["worker_mb"] = self.memory["door"][0], self.memory["worker"][0]

    def run_writes(self) -> None:
        """Only these."""
        self.prepare()
        for _ in range(self.extent.rounds):
            self.writes()

    def run_pages(self, events: int, only: str) -> list[seen.Seen]:
        """Only the pages, over the past of a company with this many events."""
        self.prepare(past=0)
        return visiting.run(self.machine, self.template, self.seed, events, self.tell, only)


def busy_share(seconds: float = 1.0) -> float:
    """How much of the processors others use now."""
    if not Path("/proc/stat").exists():
        return 0.0

    def read() -> list[int]:
        return [int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]

    before = read()
    time.sleep(seconds)
    spent = [after - at for at, after in zip(before, read(), strict=True)]
    return 1 - (spent[3] + spent[4]) / max(sum(spent), 1)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round, no million of events")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was seen")
    parser.add_argument("--writes", action="store_true", help="only writes behind a network")
    parser.add_argument("--pages", action="store_true", help="only the console's pages")
    parser.add_argument("--events", type=int, default=LARGE, help="of the past for the pages")
    parser.add_argument("--only", default="", metavar="TEXT", help="pages whose address holds this")
    parser.add_argument("--rounds", type=int, help="rounds of the comparison")
    options = parser.parse_args()
    extent = QUICK if options.quick else FULL
    if options.rounds:
        extent = Extent(**{**vars(extent), "rounds": options.rounds})
    console = Console(width=None if sys.stdout.isatty() else 130)
    busy = mean([busy_share(), busy_share()])
    notes = [f"{os.cpu_count()} processors; others used {busy:.0%} of them before the start."]
    if busy > BUSY_MAX:
        notes.append("[red]The machine was not quiet: repeat this before believing any figure.[/]")
    console.print(*notes, sep="\n")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leaves through every `finally`, as Ctrl-C does
    with machine() as made:
        bench = Bench(made, extent, console)
        if options.pages:
            pages = bench.run_pages(options.events, options.only)
            seen.show(console, pages, notes)
            found: dict[str, Any] = {"pages": [one.as_json() for one in pages], "notes": notes}
        else:
            bench.run_writes() if options.writes else bench.run()
            report.show(console, bench.rounds, bench.small, notes)
            verdicts = [figure.as_json() for figure in report.figures(bench.rounds, bench.small)]
            found = {"figures": verdicts, "rounds": bench.rounds, "single": bench.small, "notes": notes}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1, default=str))


if __name__ == "__main__":
    main()
