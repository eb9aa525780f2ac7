"""The worker: answers the doorbell, claims groups, walks them, commits them, keeps its leases.

    doorbell (Dramatiq actor) ──▶ a flag ──▶ the loop: claim ─▶ walk ─▶ commit ─▶ claim … until nothing is due
                                                  ├─ heartbeat keeps the leases of what is in hand
                                                  └─ stand-in claims while the loop is held up

The actor only raises the flag and returns: it can neither fail nor be lost in a way that matters. Handlers that ask
others (reads, questions) walk in threads, each committing alone; pure ones walk in the loop and share a commit.
"""

import gc
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from uuid import UUID

import dramatiq
import psycopg

from counterfoil import clock, database, failpoints, queue, telemetry
from counterfoil.database import Connection
from counterfoil.ledger import claim as ledger_claim
from counterfoil.ledger import finish
from counterfoil.ledger.claim import Claimed
from counterfoil.lifecycle import EventState
from counterfoil.settings import Settings
from engine.deadline import watchdog
from engine.passing import Pass
from engine.pipeline import Pipeline
from engine.sending.sender import Sender
from engine.telling import tell
from engine.turns import go_on, told_apart, walked

#: Events per claim. Measured: beyond about a hundred the cost per event no longer falls, while a crash costs more.
GROUP_MAX = 128
#: Without any ring (no broker, a lost message) look this often; the sweeper rings at the same pace.
LOOK_SECONDS = 1.0
#: An idle worker asks for rings about so often (milliseconds): that is how late one may be. Each asking is a third of a
#: millisecond of CPU time, also while the loop is busy.
BELL_MILLISECONDS = 50
#: After its last find the loop stays awake for so long and looks at this pace, no faster: then a steady stream needs no
#: ring, an event waits for half a look on average, and small groups do not cost a claim and a commit for each event.
AWAKE_SECONDS = 0.25
AWAKE_LOOK_SECONDS = 0.008
#: Pause after the database went away.
PAUSE_SECONDS = 0.5
#: A loop that is at one group for longer than this is held up: the stand-in claims meanwhile, so that a handler that
#: takes long, or never ends, makes nobody wait. Only then: two threads that compute share one core and get in each
#: other's way. A tenth dearer per event (measured); whoever has more cores starts a worker on each.
HELD_UP_SECONDS = 1.0
#: A process that a handler has brought to a standstill ends after this many leases: others have taken its events over
#: after one, and a machine that is merely slow must not be taken for it.
PATIENCE_LEASES = 5.0
#: Objects kept before the next look for cycles. A group keeps some 4,000 until its commit and leaves no cycle behind
#: (counted), so with Python's usual 700 each group is walked over several times for nothing: a seventh of the worker's
#: CPU time (measured). 20,000 is about five groups.
GARBAGE_OBJECTS = 20_000
#: A group is small beside any table, and what it is about was written a moment ago. A connection keeps plans that it
#: made while tables were young, so for it a random page costs next to nothing and reading a whole table is no way.
#: A process that stands still between statements that travel together is not idle for Postgres: the last line ends it.
SESSION = """
SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET random_page_cost = 0.1;
SET transaction_timeout = '60s'
"""


class Worker:
    """One worker process: a loop, its stand-in, a heartbeat, and threads for handlers that wait for others."""

    def __init__(self, pipeline: Pipeline, config: Settings) -> None:
        self.pipeline = pipeline
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._lease_seconds = config.lease_seconds
        self._wanted = threading.Event()
        #: When the loop began with the group that it has in hand.
        self._group_began_at = float("inf")
        self._held: dict[UUID, int] = {}
        self._held_lock = threading.Lock()
        self._stopping = threading.Event()
        self._slow = ThreadPoolExecutor(config.worker_threads, thread_name_prefix="run")
        self._slow_max = 2 * config.worker_threads
        self._slow_now: set[Future[None]] = set()
        self._own = threading.local()
        self._kept: list[database.Kept] = []
        #: Held by whoever may claim an event whose last worker vanished.
        self._suspects = threading.Lock()
        self._sender = Sender(pipeline.destinations, config)

    def wake(self) -> None:
        """There is work."""
        self._sender.wake()
        self._wanted.set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then finish what is in hand. The database may come and go meanwhile."""
        gc.freeze()  # modules and handlers are here to stay: no look for cycles needs to go through them
        gc.set_threshold(GARBAGE_OBJECTS)
        with watchdog.guard(self._lease_seconds * PATIENCE_LEASES):
            self._run(stop)

    def _run(self, stop: threading.Event) -> None:
        heartbeat = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        heartbeat.start()
        sending = threading.Thread(target=self._sender.run, args=(stop,), name="sender")
        loop = threading.Thread(target=self._repeat, args=(self._look, stop), name="loop")
        stand_in = threading.Thread(target=self._repeat, args=(self._stand_in, stop), name="stand-in")
        for thread in (loop, stand_in, sending):
            thread.start()
        for thread in (loop, stand_in, sending):
            thread.join()
        self.close()
        heartbeat.join(self._lease_seconds)

    def _repeat(self, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
        """Do it until told to stop, whatever goes wrong."""
        while not stop.is_set():
            try:
                work(stop)
                continue
            except psycopg.Error as away:
                telemetry.log.warning("worker.paused", reason=type(away).__name__)
            except Exception as bug:
                # A fault of ours, not of an event's: what is in hand comes back by its lease, and the loop goes on.
                telemetry.log.error("worker.failed", reason=type(bug).__name__, exc_info=bug)
                telemetry.report_failure(
                    bug, failure_class="handler_bug", owner="platform", handler=None, event_id=None
                )
            self._kept_here().drop()
            stop.wait(PAUSE_SECONDS)
        self._kept_here().drop()

    def _look(self, stop: threading.Event) -> None:
        """Claim and finish until nothing has been due for a while; then rest until the bell rings."""
        found_at, claimed = float("-inf"), 1
        while not stop.is_set():
            began = clock.ticks_seconds()
            claimed = self._group() if claimed or ledger_claim.anything_due(self._connection()) else 0
            if claimed == GROUP_MAX:
                continue
            if claimed:
                found_at = clock.ticks_seconds()
            elif clock.ticks_seconds() - found_at > AWAKE_SECONDS:
                break
            # A group costs some 3 ms of CPU time whatever its size: what arrives meanwhile shares the next one.
            stop.wait(max(0.0, began + AWAKE_LOOK_SECONDS - clock.ticks_seconds()))
        self._wanted.wait(LOOK_SECONDS)
        self._wanted.clear()

    def _group(self) -> int:
        self._group_began_at = clock.ticks_seconds()
        try:
            return self.run_once()
        finally:
            self._group_began_at = float("inf")

    def _stand_in(self, stop: threading.Event) -> None:
        """Claim as long as the loop is held up by what it has in hand."""
        stop.wait(HELD_UP_SECONDS)
        while not stop.is_set() and clock.ticks_seconds() - self._group_began_at > HELD_UP_SECONDS:
            if not self.run_once():
                return

    def close(self) -> None:
        """Finish what runs in threads, then let go of the database."""
        self._slow.shutdown(wait=True)
        self._stopping.set()
        for kept in self._kept:
            kept.drop()

    def run_once(self) -> int:
        """Claim and finish one group; returns how many events were claimed."""
        self._wait_for_room()
        # What kills the process must not take the same innocent along until both are cases: one suspect at a time here.
        suspects = self._suspects.acquire(blocking=False)
        try:
            conn = self._connection()
            group = ledger_claim.claim(conn, limit=GROUP_MAX, lease_seconds=self._lease_seconds, suspects=suspects)
            self._take(group)
            for _ in group:
                failpoints.passing("run.claimed")
            self._run_group(conn, group)
            return len(group)
        finally:
            if suspects:
                self._suspects.release()

    def _run_group(self, conn: Connection, group: list[Claimed]) -> None:
        self._refresh_fixes(conn, group)
        here, apart, later = told_apart(group, self._waits_for_others)
        for event in apart:
            self._set_apart(event)
        ours = {event.id: event for event in here + later}
        try:
            rest = here
            while rest:
                began = clock.ticks_seconds()
                passes, rest = walked(rest, self._walk_here)
                done = self._finish(conn, [one for one in passes if one.verdict is not None], began)
                for one in passes:
                    if one.verdict is None:
                        self._set_apart(ours.pop(one.event.id))
                rest, held_up = go_on(rest, passes, done)
                later += held_up
            finish.give_back(conn, [(event.id, event.fence) for event in later])
        finally:
            self._drop(list(ours.values()))

    def _refresh_fixes(self, conn: Connection, group: list[Claimed]) -> None:
        """What came back may have come back for a rule that somebody has just made."""
        try:
            self.pipeline.fixes.refresh(conn, at_once=any(one.case_id or one.replay_id for one in group))
        except psycopg.Error:
            self._drop(group)
            raise

    def _walk_here(self, event: Claimed) -> Pass:
        return self.pipeline.walk(event, apart=False)

    def _set_apart(self, event: Claimed) -> None:
        """Let a thread walk and commit it alone."""
        future = self._slow.submit(self._run_alone, event)
        self._slow_now.add(future)
        future.add_done_callback(self._slow_now.discard)
        if event.crashes:
            wait([future])

    def _wait_for_room(self) -> None:
        """Claim no more than the threads can begin soon: what waits in a thread's queue waits for no other worker."""
        while len(running := set(self._slow_now)) >= self._slow_max:
            wait(running, return_when=FIRST_COMPLETED)

    def _waits_for_others(self, event: Claimed) -> bool:
        spec = self.pipeline.registry.find(event.provider, event.type)
        return spec is not None and bool(spec.reads)

    def _run_alone(self, event: Claimed) -> None:
        began = clock.ticks_seconds()
        try:
            one = self.pipeline.walk(event)
            self._finish(self._connection(), [one], began)
        except psycopg.Error as away:
            self._kept_here().drop()
            telemetry.log.warning("run.abandoned", event_id=str(event.id), reason=type(away).__name__)
        finally:
            self._drop([event])

    def _finish(self, conn: Connection, passes: list[Pass], began: float) -> list[Pass]:
        done = self.pipeline.commit(conn, passes, worker=self.name)
        if any(one.effects and one.verdict and one.verdict.status is EventState.WAITING for one in done):
            self._sender.wake()
        tell(done, late=len(passes) - len(done), seconds=clock.ticks_seconds() - began)
        return done

    def _beat(self) -> None:
        """Renew the leases of what is in hand, on a connection of its own."""
        kept = database.Kept()
        while not self._stopping.wait(self._lease_seconds / 3):
            with self._held_lock:
                held = list(self._held.items())
            if not held:
                continue
            try:
                ledger_claim.renew(kept.get(), held, lease_seconds=self._lease_seconds)
            except psycopg.Error:
                kept.drop()
        kept.drop()

    def _take(self, events: list[Claimed]) -> None:
        with self._held_lock:
            self._held.update((event.id, event.fence) for event in events)

    def _drop(self, events: list[Claimed]) -> None:
        with self._held_lock:
            for event in events:
                self._held.pop(event.id, None)

    def _connection(self) -> Connection:
        return self._kept_here().get()

    def _kept_here(self) -> database.Kept:
        """This thread's own."""
        kept: database.Kept | None = getattr(self._own, "kept", None)
        if kept is None:
            kept = self._own.kept = database.Kept(autocommit=True, first=SESSION)
            self._kept.append(kept)
        return kept


def listen(worker: Worker) -> dramatiq.Worker:
    """Start Dramatiq's consumer: the actor wakes the worker. The caller stops it."""
    broker = queue.broker()
    if queue.ACTOR not in broker.actors:
        dramatiq.actor(actor_name=queue.ACTOR, queue_name=queue.QUEUE, broker=broker)(worker.wake)
    # No ring is late on purpose, and whoever waits for late ones is a thread more that asks Redis all day.
    broker.delay_queues.clear()
    consumer = dramatiq.Worker(broker, queues={queue.QUEUE}, worker_threads=1, worker_timeout=BELL_MILLISECONDS)
    consumer.start()
    return consumer
