"""The sender: records what is finished, claims what is due, hands it to threads; one round, one transaction.

    wake ─▶ round: record ─▶ apply ours ─▶ claim ─▶ (commit: the intents) ─▶ threads: look, send, settle ─▶ wake

What looks, looks with a client that cannot write; while every handler is in shadow there is no other.
A thread never touches the database and the loop never the network, so neither waits for the other. While a round is
committed the threads go on with what lies ready; under load many results share a commit.
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from uuid import UUID

import psycopg

from counterfoil import audit, clock, database, failpoints, telemetry
from counterfoil.database import Connection
from counterfoil.ledger import outbox, reach
from counterfoil.ledger.outbox import ClaimedWrite
from counterfoil.settings import Settings
from destinations.base import Destination, is_own
from destinations.http import Http, NotConfigured, writing_while
from destinations.remote import Remote, is_remote
from engine.sending import applying, claiming
from engine.sending.recording import Recorded, count_reach, record
from engine.sending.tasks import Performed, broken, perform
from exceptions_queue import outages

#: Without a ring: approvals given elsewhere, retries that became due.
LOOK_SECONDS = 1.0
#: While something is due in a moment (a doubt that is settled, a second part of a plan).
SOON_SECONDS = 0.05
#: Pause after the database went away.
PAUSE_SECONDS = 0.5
#: In hand are as many writes as there are threads, and for each of them up to three that lie ready, but no more than
#: came back since the last round: the threads then have work while a round is committed, and behind one that hangs
#: nothing piles up. Measured: a third fewer writes a second without them.
READY_PER_THREAD_MAX = 3
#: While every thread has something, a round lets results come together, no longer than this (seconds).
GATHER_SECONDS = 0.05
#: What lay ready for so long is not begun: a pause, a breaker or another worker may want it otherwise by now.
READY_SECONDS_MAX = 2.0


class Sender:
    """One per worker process."""

    def __init__(
        self, destinations: Mapping[str, Destination], config: Settings, threads: Executor | None = None
    ) -> None:
        self._remote = {name: one for name, one in destinations.items() if is_remote(one)}
        self._ours = {name: one for name, one in destinations.items() if is_own(one)}
        self._lease_seconds = config.lease_seconds
        self._threads_max = config.sender_threads
        self._threads = threads or ThreadPoolExecutor(config.sender_threads, thread_name_prefix="send")
        self._clients: dict[tuple[str, bool], Http] = {}
        self._finished: list[Performed] = []
        self._looked: list[tuple[str, bool]] = []
        self._lock = threading.Lock()
        #: In hand: write -> fence.
        self._held: dict[UUID, int] = {}
        #: Until when it certainly is (ticks): whoever was held up for longer, as a frozen process is, writes nothing.
        self._ours_until: dict[UUID, float] = {}
        self._wanted = threading.Event()
        self._renewed_at = 0.0
        self._alone = False
        #: Those whose outcome could not be recorded, once.
        self._hopeless: set[UUID] = set()

    def wake(self) -> None:
        """Something may be due."""
        self._wanted.set()

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set, then wait for what is on the wire and record it."""
        kept = database.Kept()
        while not (stop.is_set() and not self._held):
            try:
                busy = self.round(kept.get(), claim=not stop.is_set())
            except psycopg.Error as away:
                telemetry.log.warning("sender.paused", reason=type(away).__name__)
                kept.drop()
                stop.wait(PAUSE_SECONDS)
                continue
            except Exception as bug:
                telemetry.log.error("sender.failed", reason=type(bug).__name__, exc_info=bug)
                telemetry.report_failure(
                    bug, failure_class="handler_bug", owner="platform", handler=None, event_id=None
                )
                kept.drop()
                stop.wait(PAUSE_SECONDS)
                continue
            if not busy:
                self._wanted.wait(self._patience(stop))
            elif not stop.is_set():
                self._gather()
            self._wanted.clear()
        self._threads.shutdown(wait=True)
        kept.drop()

    def _gather(self) -> None:
        """Let results come together for as long as the threads have more to do than what they are at."""
        until = clock.ticks_seconds() + GATHER_SECONDS
        while len(self._held) - len(self._finished) > self._threads_max:
            left = until - clock.ticks_seconds()
            if left <= 0:
                return
            self._wanted.clear()
            self._wanted.wait(left)

    def _patience(self, stop: threading.Event) -> float:
        if stop.is_set():
            return SOON_SECONDS
        return min(LOOK_SECONDS, self._lease_seconds / 3) if self._held else LOOK_SECONDS

    def round(self, conn: Connection, *, claim: bool = True) -> bool:
        """Record, apply, claim, in one transaction; True when something was done."""
        finished, looked = self._take()
        # Before the database's own time of this transaction, from which it counts its leases.
        until = clock.ticks_seconds() + self._lease_seconds
        try:
            with conn.transaction():
                due = outbox.due_destinations(conn, [*self._remote, *self._ours]) if claim else outbox.Due()
                recorded = record(conn, finished, self._remote)
                if any(name in self._ours for name in due):
                    applying.apply_due(conn, self._ours, recorded)
                reach.lock(conn, {*due, *(one.write.destination for one in finished), *(name for name, _ in looked)})
                count_reach(conn, finished, self._remote, recorded)
                self._end_looks(conn, looked, recorded)
                room = self._room(finished)
                claimed = claiming.claim(conn, self._remote, due, room, lease_seconds=self._lease_seconds)
                looking = self._begin_looks(conn) if claim else []
                renewed = self._renew(conn, {one.write.id for one in finished})
                entries = recorded.entries + [_intent(one) for one in claimed if one.kind == "send"]
                audit.append(conn, "engine", entries)
        except Exception as failure:
            self._give_back(finished, looked, failure)
            raise
        for one in finished:
            self._let_go(one.write)
            failpoints.passing("write.recorded")
        _tell(recorded)
        self._ours_until.update(dict.fromkeys([*renewed, *(one.id for one in claimed)], until))
        for write in claimed:
            self._held[write.id] = write.fence
            if write.kind == "send":
                failpoints.passing("write.intended")
            self._threads.submit(self._perform, write, clock.ticks_seconds())
        for name in looking:
            self._threads.submit(self._look, name)
        return bool(finished or looked or claimed or looking or recorded.entries)

    def _take(self) -> tuple[list[Performed], list[tuple[str, bool]]]:
        """What is finished and not recorded yet; one at a time after a round that could not be recorded."""
        with self._lock:
            taken = self._finished[:1] if self._alone else self._finished
            self._finished = self._finished[len(taken) :]
            self._alone = self._alone and bool(self._finished)
            looked, self._looked = self._looked, []
        return taken, looked

    def _give_back(self, finished: list[Performed], looked: list[tuple[str, bool]], failure: Exception) -> None:
        """Nothing was kept: they are recorded later. One that cannot be recorded becomes a fault of ours."""
        with self._lock:
            if not isinstance(failure, psycopg.OperationalError):
                self._alone = len(finished) > 1 or self._alone
                finished = [self._broken(finished[0], failure)] if len(finished) == 1 else finished
                finished = [one for one in finished if one.write.id in self._held]
            self._finished = finished + self._finished
            self._looked = looked + self._looked

    def _broken(self, done: Performed, failure: Exception) -> Performed:
        """A fault of ours, once. One that cannot be recorded even so is let go: it must not hold up all others, and
        when its lease has run out it is asked about.
        """
        if done.write.id in self._hopeless:
            self._let_go(done.write)
        else:
            self._hopeless.add(done.write.id)
        return broken(done.write, failure)

    def _room(self, finished: Sequence[Performed]) -> int:
        """How many more may be in hand once those are recorded."""
        ready = min(len(finished), READY_PER_THREAD_MAX * self._threads_max)
        return self._threads_max + ready - (len(self._held) - len(finished))

    def _begin_looks(self, conn: Connection) -> list[str]:
        """Destinations behind an open breaker that may be looked at now."""
        due = reach.due_looks(conn, list(self._remote))
        for name in due:
            reach.begin_look(conn, name, lease_seconds=self._lease_seconds * 5)
        return due

    def _end_looks(self, conn: Connection, looked: Sequence[tuple[str, bool]], recorded: Recorded) -> None:
        for name, answers in looked:
            if reach.end_look(conn, name, answers=answers):
                telemetry.log.info("destination.back", destination=name)
                recorded.entries.append(audit.Entry("engine", "destination.back", f"destination:{name}", {}))
                if not outbox.due_destinations(conn, [name]):
                    # Nothing waits whose answer could prove it.
                    recorded.entries += outages.end(conn, name)

    def _renew(self, conn: Connection, recorded: Collection[UUID]) -> set[UUID]:
        """Keep what is on the wire; what this round records is in nobody's hands any more."""
        now = clock.ticks_seconds()
        held = {id: fence for id, fence in self._held.items() if id not in recorded}
        if not held or now - self._renewed_at <= self._lease_seconds / 3:
            return set()
        renewed = outbox.renew_writes(conn, held, lease_seconds=self._lease_seconds)
        self._renewed_at = now
        return renewed

    def _is_ours(self, write: ClaimedWrite) -> bool:
        is_held = self._held.get(write.id) == write.fence
        return is_held and clock.ticks_seconds() < self._ours_until.get(write.id, 0.0)

    def _let_go(self, write: ClaimedWrite) -> None:
        """Unless it was lost meanwhile, and claimed here once more."""
        if self._held.get(write.id) == write.fence:
            del self._held[write.id]
            self._ours_until.pop(write.id, None)
            self._hopeless.discard(write.id)

    def _perform(self, write: ClaimedWrite, claimed_at: float) -> None:
        destination = self._remote[write.destination]
        try:
            if clock.ticks_seconds() - claimed_at > READY_SECONDS_MAX:
                late = "not begun: what went before it took too long"
                done = Performed(write, failed=late, begun=False, requests=0)
            else:
                with writing_while(lambda: self._is_ours(write)):
                    done = perform(write, destination, self._client(destination, write=write.kind != "look"))
        except NotConfigured as missing:
            done = Performed(write, failed=str(missing), down=True)
        except Exception as bug:
            # Whatever it is, what came of it is recorded: a write that nobody gives back is held for ever.
            telemetry.log.error("sender.failed", write_id=str(write.id), reason=type(bug).__name__)
            done = broken(write, bug)
        with self._lock:
            self._finished.append(done)
        self._wanted.set()

    def _look(self, name: str) -> None:
        destination = self._remote[name]
        try:
            answers = destination.ping(self._client(destination, write=False))
        except Exception as bug:
            telemetry.log.warning("destination.not_looked_at", destination=name, reason=type(bug).__name__)
            answers = False
        with self._lock:
            self._looked.append((name, answers))
        self._wanted.set()

    def _client(self, destination: Remote, *, write: bool) -> Http:
        """One client of each kind per destination: only the sender's may write."""
        with self._lock:
            if (destination.name, write) not in self._clients:
                self._clients[destination.name, write] = destination.connect(write=write)
            return self._clients[destination.name, write]


def _intent(write: ClaimedWrite) -> audit.Entry:
    detail = {"key": write.key, "attempt": write.attempts}
    return audit.Entry("engine", "write.sending", f"write:{write.id}", detail)


def _tell(recorded: Recorded) -> None:
    for result in recorded.results:
        telemetry.wide(f"write.{result.status}", write_id=str(result.id), event_id=str(result.event_id))
    for case in recorded.new_cases:
        telemetry.metrics.cases_opened.labels(case.failure_class).inc()
        telemetry.wide("case.opened", case_id=str(case.id), failure_class=case.failure_class, owner=case.owner)
