"""Admission: requests that arrive together share one transaction, and each waits for its own commit.

    waiting ──▶ group (one in flight; the next one gathers meanwhile) ──▶ commit ──▶ bell ──▶ answers

A request gets its answer only after its events are committed (P1). It is refused at once when too much is waiting (429)
or Postgres is known to be away (503), and in any case within `Limits.wait_seconds`; an event that is committed after
its request was given up is a duplicate when the provider comes again.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from counterfoil import clock, failpoints, queue
from counterfoil.ledger.link import Link, NotDurable, open_link, probe
from counterfoil.ledger.reject import record_rejections
from counterfoil.telemetry import log, metrics, wide
from ingest.answers import Problem
from ingest.diary import Diary
from ingest.groups import Group, is_row_fault, is_unstorable, record
from ingest.known import Known
from ingest.limits import Limits
from ingest.rejections import Rejections
from ingest.sources import Source
from ingest.waiting import HALF_EVENTS_MIN, Ticket, Unavailable, Waiting

#: How often overdue requests are looked for (seconds): how much later than its limit an answer may leave.
WATCH_SECONDS = 0.1
#: A commit this recent proves readiness as well as a probe would (seconds).
PROOF_SECONDS = 0.5


class Admission:
    """The queue before the ledger, and the one task that empties it."""

    def __init__(
        self,
        url: str,
        sources: dict[str, Source],
        limits: Limits,
        rejections: Rejections,
        *,
        must_be_durable: bool,
    ) -> None:
        """Prepare; nothing is opened before `start`."""
        self._url = url
        self._sources = sources
        self._limits = limits
        self._rejections = rejections
        self._must_be_durable = must_be_durable
        self._waiting = Waiting(limits)
        self.known = Known()
        self._diary = Diary()
        self._in_flight: Sequence[Ticket] = ()
        self._probes: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        #: How many events have to wait before somebody is woken for them.
        self._wake_at = 1
        self._group_began_at = float("-inf")
        self._stopping = False
        self._link: Link | None = None
        self._proven_at = float("-inf")
        self._tasks: list[asyncio.Task[None]] = []
        #: Why nothing can be committed, None while it can (or that is not known yet).
        self.fault: str | None = None

    async def start(self) -> None:
        """Begin. The door opens even while Postgres is away: it answers 503 and recovers by itself."""
        runner = asyncio.create_task(self._run())
        runner.add_done_callback(self._on_end)
        self._tasks = [runner, asyncio.create_task(self._watch())]
        metrics.admission_waiting.set_function(lambda: self._waiting.events)

    async def stop(self) -> None:
        """Commit what waits, then close."""
        self._stopping = True
        self._wake.set()
        if not self._tasks:
            return
        runner, watcher = self._tasks
        with suppress(TimeoutError):
            await asyncio.wait_for(runner, self._limits.stop_seconds)
        watcher.cancel()
        self._diary.write()
        self._drop_link()
        self._waiting.refuse_all()

    def admit(self, ticket: Ticket) -> None:
        """Queue one request's events; the ticket is answered with their commit.

        Raises: Overloaded or Unavailable at once, when waiting would be in vain.
        """
        if self.fault is not None or self._stopping:
            raise Unavailable
        self._waiting.join(ticket)
        if self._waiting.events >= self._wake_at:
            self._wake.set()

    async def check(self) -> str | None:
        """Say why no event could be committed now, None if one could. Bounded."""
        if self.fault is not None:
            return self.fault
        if clock.ticks_seconds() - self._proven_at < PROOF_SECONDS:
            return None
        proof: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._probes.append(proof)
        self._wake.set()
        try:
            await asyncio.wait_for(proof, self._limits.ready_seconds)
        except TimeoutError:
            return self.fault or "Postgres does not answer in time"
        return self.fault

    async def _run(self) -> None:
        while self._waiting or not self._stopping:
            if self._link is None or self._link.is_lost:
                await self._connect()
            elif self._rejections.due(clock.ticks_seconds()):
                await self._attempt(self._write_rejections(self._link))
            elif self._waiting:
                await self._gather()
                # Empty when all of them were given up meanwhile.
                if group := self._waiting.take_group():
                    self._in_flight = group
                    await self._attempt(self._commit(self._link, group))
            elif self._probes:
                await self._attempt(self._prove(self._link))
            else:
                self._wake.clear()
                await self._wake.wait()
        if self._link is not None and self._rejections.due(float("inf")):
            await self._attempt(self._write_rejections(self._link))

    async def _gather(self) -> None:
        """Let others join a group that would be small, for a moment after the one before it began."""
        left = self._group_began_at + self._limits.gather_seconds - clock.ticks_seconds()
        if left > 0 and self._waiting.events < HALF_EVENTS_MIN:
            self._wake.clear()
            self._wake_at = HALF_EVENTS_MIN
            enough = asyncio.get_running_loop().call_later(left, self._wake.set)
            await self._wake.wait()
            enough.cancel()
            self._wake_at = 1
        self._group_began_at = clock.ticks_seconds()

    def _on_end(self, runner: asyncio.Task[None]) -> None:
        """Nobody may wait for a task that has ended; `/readyz` tells the supervisor."""
        if not runner.cancelled() and (bug := runner.exception()) is not None:
            log.error("admission.failed", exc_info=bug)
            self.fault = "Bug: admission has ended; restart this process"

    async def _connect(self) -> None:
        limits = self._limits
        self._drop_link()
        try:
            self._link = await open_link(
                self._url,
                connect_seconds=limits.connect_seconds,
                statement_seconds=limits.statement_seconds,
                must_be_durable=self._must_be_durable,
            )
        except Exception as fault:
            self._lose(fault)
            if not self._stopping:
                await asyncio.sleep(limits.reconnect_seconds)
            return
        # This may be another Postgres than before, one that lacks the latest.
        self.known.forget()
        if self.fault is not None:
            wide("ledger.reached")
        self.fault = None

    async def _attempt(self, work: Coroutine[Any, Any, None]) -> None:
        """Do one piece of work on the link; whatever goes wrong, everybody concerned gets an answer."""
        try:
            await work
        except Exception as fault:
            log.warning("ledger.failed", reason=type(fault).__name__, sqlstate=_sqlstate(fault))
            for ticket in self._in_flight:
                ticket.refuse(Unavailable())
            if not _leaves_link_sound(fault):
                self._drop_link()
        finally:
            self._in_flight = ()

    async def _commit(self, link: Link, tickets: Sequence[Ticket], *, again: bool = True) -> None:
        began = clock.ticks_seconds()
        try:
            group = await record(link, [ticket.events for ticket in tickets], self._sources, self._limits)
        except Exception as fault:
            if is_row_fault(fault):
                return await self._commit_halves(link, tickets, fault)
            if again and _sqlstate(fault).startswith("40"):
                # A deadlock with a worker, or another door: it was rolled back, and the other one is through now.
                return await self._commit(link, tickets, again=False)
            raise
        failpoints.passing("door.recorded")
        queue.ring()
        failpoints.passing("door.rung")
        self._proven_at = clock.ticks_seconds()
        # The next group leaves first: Postgres works on it while these answers are written. What is written in one turn
        # of the loop goes out together at its end, in no order, so the answers are written in the turn after the next.
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._answer, tickets, group, began, self._proven_at)

    def _answer(self, tickets: Sequence[Ticket], group: Group, began: float, ended: float) -> None:
        """Tell everybody in a group that is committed."""
        try:
            for ticket, verdicts in zip(tickets, group.verdicts, strict=True):
                if ticket.grant(verdicts):
                    self._diary.answered(ticket.source)
            self._diary.note(group, tickets, began, ended)
        except Exception:
            log.exception("door.failed")
            for ticket in tickets:
                ticket.refuse(Unavailable())

    async def _commit_halves(self, link: Link, tickets: Sequence[Ticket], fault: Exception) -> None:
        """Find the request that Postgres will not take, so that it fails alone."""
        if len(tickets) == 1:
            log.warning("event.unstorable", reason=type(fault).__name__, source=tickets[0].source)
            sentence = "The event holds something that cannot be stored."
            tickets[0].refuse(Problem(400, "unstorable", sentence) if is_unstorable(fault) else Unavailable())
            return
        middle = len(tickets) // 2
        await self._commit(link, tickets[:middle])
        await self._commit(link, tickets[middle:])

    async def _write_rejections(self, link: Link) -> None:
        counts, samples = self._rejections.take(clock.ticks_seconds())
        try:
            await record_rejections(link.connection, counts, samples, self._limits.group_seconds)
        except BaseException:
            self._rejections.give_back(counts)
            raise

    async def _prove(self, link: Link) -> None:
        probes, self._probes = self._probes, []
        writable = await probe(link, self._limits.ready_seconds)
        if not writable:
            self._drop_link()
            return
        self._proven_at = clock.ticks_seconds()
        _release(probes)

    def _lose(self, fault: Exception) -> None:
        """Postgres is away: say so once, and let nobody wait for it."""
        reason = _reason(fault)
        if self.fault != reason:
            log.error("ledger.lost", reason=reason, sqlstate=_sqlstate(fault))
        self.fault = reason
        self._waiting.refuse_all()
        probes, self._probes = self._probes, []
        _release(probes)

    def _drop_link(self) -> None:
        if self._link is not None:
            self._link.connection.terminate()
            self._link = None

    async def _watch(self) -> None:
        """Give up requests that waited too long, whatever the other task is stuck in; wake it for its chores."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = clock.ticks_seconds()
            oldest = now - self._limits.wait_seconds
            self._waiting.refuse_older(oldest)
            for ticket in self._in_flight:
                if ticket.since < oldest:
                    ticket.refuse(Unavailable())
            if self._rejections.due(now):
                self._wake.set()
            self._diary.write()


def _sqlstate(fault: Exception) -> str:
    return getattr(fault, "sqlstate", None) or ""


def _leaves_link_sound(fault: Exception) -> bool:
    """Whether Postgres refused in an orderly way; after anything else the connection's state is anybody's guess."""
    sqlstate = _sqlstate(fault)
    # Rolled back, out of resources, lock not to be had, ended by our own time limit.
    return sqlstate[:2] in ("40", "53", "55") or sqlstate == "57014"


def _reason(fault: Exception) -> str:
    if _sqlstate(fault)[:2] == "42":
        return "Postgres: the schema is missing or too old; run `counterfoil migrate`"
    return f"Postgres: {fault if isinstance(fault, NotDurable) else type(fault).__name__}"


def _release(probes: "Sequence[asyncio.Future[None]]") -> None:
    for proof in probes:
        if not proof.done():
            proof.set_result(None)
