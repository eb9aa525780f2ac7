"""Seeded schedules: one write each, with its own faults on the wire and its own deaths of the worker that has it.

Everything that happens to a write comes from its seed: which request is dropped, hangs, is answered with rubbish or
comes late, and when the worker dies (before it sent, after it sent, before it recorded). Many are played at once, in
common rounds, so that ten thousand take minutes; each meets only its own faults, so one seed alone repeats what it did.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import destinations
from counterfoil import clock, database, keys
from counterfoil.ledger import outbox
from counterfoil.ledger.outbox import ClaimedWrite
from counterfoil.settings import settings
from destinations.base import Effect
from destinations.remote import Remote
from engine.sending.sender import Sender
from sandbox.standin.exchange import Exchange
from sandbox.standin.faults import Fault, Faults

#: What may befall a request. Those that a provider would never do to one are left out nowhere.
KINDS = (
    "drop_before", "drop_after", "reset_before", "reset_after", "hang_before", "hang_after", "late", "refused",
    "truncated", "garbled", "status", "status_after", "status_kept", "rate_limited",
)  # fmt: skip
#: Faults and deaths per write: after so many the world is kind, so that every schedule ends.
TROUBLES_MAX = 6
#: How time passes between rounds, in seconds: past retries, past search lag, past the lifetime of Stripe's keys.
PASSING = (2, 15, 60, 400, 3600, 4 * 3600, 26 * 3600, 60, 15, 3600, 26 * 3600, 3600, 3600, 3600)


class WorkerDied(BaseException):
    """The worker is gone; nothing it held in memory is recorded."""


@dataclass
class Troubles:
    """What one seed does to one write."""

    rng: random.Random
    left: int
    log: list[str] = field(default_factory=list)

    def fault(self) -> Fault | None:
        if self.left and self.rng.random() < 0.45:
            self.left -= 1
            kind = self.rng.choice(KINDS)
            self.log.append(kind)
            return Fault(kind, seconds=self.rng.choice((0.0, 3.0, 40.0)) if kind == "late" else 0.0,
                         status=self.rng.choice((500, 502, 503, 504)))  # fmt: skip
        return None

    def dies(self, moment: str) -> bool:
        if self.left and self.rng.random() < 0.2:
            self.left -= 1
            self.log.append(f"died {moment}")
            return True
        return False


class Dealt(Faults):
    """Faults of whichever write is on the wire now."""

    def __init__(self, stage: "Stage") -> None:
        super().__init__(random.Random(0))
        self._stage = stage

    def take(self, method: str, path: str) -> Fault | None:
        now = self._stage.now
        return now.fault() if now is not None else None


class Stage(Executor):
    """The sender's threads: each task is played to its end, or the worker dies in it."""

    def __init__(self) -> None:
        self.troubles: dict[str, Troubles] = {}
        self.now: Troubles | None = None
        self.sender: Sender | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        write = args[0]
        trouble = self.troubles.get(write.key) if isinstance(write, ClaimedWrite) else None
        assert self.sender is not None
        if trouble is not None and trouble.dies(f"before {write.kind}"):
            self.sender.lose(write.id)
            return done
        self.now = trouble
        try:
            fn(*args, **kwargs)
        finally:
            self.now = None
        if trouble is not None and trouble.dies(f"after {write.kind}"):
            self.sender.lose(write.id)
        return done


class Losing(Sender):
    """A sender that forgets what a death took."""

    def lose(self, write_id: UUID) -> None:
        """What was in hand of this write is gone; its lease runs out."""
        with self._lock:
            self._held.pop(write_id, None)
            self._finished = [one for one in self._finished if one.write.id != write_id]


@dataclass(frozen=True)
class Play:
    """One operation under test: what is written for a seed, and how often it took effect."""

    name: str
    effect: Callable[[int], Effect]
    effects: Callable[[int], int]


def play(
    conn: database.Connection,
    exchanges: Sequence[Exchange],
    a_play: Play,
    seeds: Sequence[int],
    advance: Callable[[float], None],
) -> dict[int, str]:
    """Play these seeds; what went wrong, by seed."""
    stage = Stage()
    for exchange in exchanges:
        exchange.faults = Dealt(stage)
    found = {name: one for name, one in destinations.find().items()}
    sender = Losing(found, settings(), stage)
    stage.sender = sender
    effects = {seed: a_play.effect(seed) for seed in seeds}
    for seed, effect in effects.items():
        rng = random.Random(f"{a_play.name}/{seed}")
        stage.troubles[effect.key] = Troubles(rng, rng.randint(1, TROUBLES_MAX))
    _record(conn, list(effects.values()), found[next(iter(effects.values())).destination])
    for seconds in PASSING:
        while sender.round(conn):
            pass
        if not _live(conn):
            break
        _pass(conn, seconds)
        advance(seconds)
    journal = _journal(exchanges)
    rows = {row["key"]: row for row in conn.execute("SELECT * FROM writes").fetchall()}
    conn.rollback()
    wrong = {}
    for seed, effect in effects.items():
        told = _wrong(rows[effect.key], a_play.effects(seed), journal[effect.key])
        if told:
            wrong[seed] = (
                f"{a_play.name} seed {seed}: {told}; {stage.troubles[effect.key].log}; {rows[effect.key]['detail']}"
            )
    return wrong


def _record(conn: database.Connection, effects: Sequence[Effect], destination: Any) -> None:
    assert isinstance(destination, Remote)
    rows = []
    with conn.transaction():
        conn.execute("TRUNCATE writes, events, payloads, cases, case_events, notifications CASCADE")
        conn.execute("DELETE FROM destination_states")
        for effect in effects:
            id = keys.new_id()
            conn.execute(
                "INSERT INTO events (id, source, provider, key, type, subject, status, occurred_at)"
                " VALUES (%s, 'test', 'stripe', %s, 'test', %s, 'waiting', now())",
                (id, effect.key, effect.subject),
            )
            target = destination.target(effect)
            rows.append(_planned(id, effect, f"{effect.destination}:{target}" if target else None))
        outbox.plan_writes(conn, rows)


def _planned(event_id: UUID, effect: Effect, target: str | None) -> outbox.PlannedWrite:
    return outbox.PlannedWrite(
        id=keys.new_id(),
        key=effect.key,
        destination=effect.destination,
        operation=effect.operation,
        status="planned",
        subject=effect.subject,
        target=target,
        amount_minor=effect.amount.amount_minor if effect.amount else None,
        currency=effect.amount.currency if effect.amount else None,
        action={"body": effect.body, "evidence": effect.evidence},
        digest=effect.digest,
        event_id=event_id,
        run_id=None,
        handler="schedules",
        order_at=clock.now(),
        order_key=effect.key,
    )


def _live(conn: database.Connection) -> bool:
    row = conn.execute("SELECT count(*) AS n FROM writes WHERE status NOT IN ('confirmed')").fetchone()
    conn.rollback()
    return row is not None and row["n"] > 0


def _pass(conn: database.Connection, seconds: float) -> None:
    """Time passes for the ledger as it does for the stand-in."""
    moved = ("due_at", "lease_until", "first_sent_at", "last_sent_at", "looked_at", "absent_at")
    with conn.transaction():
        conn.execute(
            f"UPDATE writes SET {', '.join(f'{name} = {name} - %(by)s' for name in moved)} WHERE confirmed_at IS NULL",
            {"by": timedelta(seconds=seconds)},
        )
        conn.execute(
            "UPDATE destination_states SET look_at = look_at - %(by)s, filled_at = filled_at - %(by)s",
            {"by": timedelta(seconds=seconds)},
        )


def _journal(exchanges: Sequence[Exchange]) -> Mapping[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for exchange in exchanges:
        for entry in exchange.journal:
            if entry.key is not None:
                found[entry.key.split("/lines")[0]][entry.key] += 1
    return found


def _wrong(row: Mapping[str, Any], effects: int, keys_used: Counter[str]) -> str | None:
    if effects > 1:
        return f"{effects} effects"
    if row["status"] == "confirmed":
        return None if effects == 1 else "confirmed without an effect"
    if row["status"] == "in_doubt" and row["due_at"] is None:
        return None  # asked the owner: allowed, and never a second effect
    return f"rests as {row['status']}, {effects} effects, due {row['due_at']}"
