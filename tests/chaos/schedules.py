"""Seeded schedules: one write each, with its own faults on the wire and its own deaths of the worker that has it.

Everything that happens to a write comes from its seed: which request is dropped, hangs, is answered with rubbish or
comes late, and when the worker dies (before it sent, after it sent, before it recorded). Many are played at once, in
common rounds, so that ten thousand take minutes; each meets only its own faults, so one seed alone repeats what it did.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from effects import examples, places
from sides import Side, side_of

from counterfoil import clock, database, keys
from counterfoil.ledger import planning
from counterfoil.ledger.outbox import ClaimedWrite
from counterfoil.settings import settings
from destinations.base import Effect
from destinations.http import Http
from destinations.remote import Operation, Remote
from engine.sending.sender import Sender
from exceptions_queue import approvals
from sandbox.standin.faults import Fault, Faults

#: What may befall a request. Those that a provider would never do to one are left out nowhere.
KINDS = (
    "drop_before", "drop_after", "reset_before", "reset_after", "hang_before", "hang_after", "late", "refused",
    "truncated", "garbled", "status", "status_after", "status_kept", "rate_limited",
)  # fmt: skip
#: Faults and deaths per write: after so many the world is kind, so that every schedule ends.
TROUBLES_MAX = 6
#: How time passes between rounds, in seconds: past retries, past search lag, past the lifetime of Stripe's keys.
PASSING = (2, 15, 60, 400, 3600, 4 * 3600, 26 * 3600, 60, 15, 3600, 26 * 3600, *[4 * 3600] * 12)


@dataclass
class Troubles:
    """What one seed does to one write."""

    side: Side
    #: How late a request may come (seconds); None: nobody can promise anything about late ones.
    late_seconds: float | None
    rng: random.Random
    left: int
    log: list[str] = field(default_factory=list)

    def fault(self, method: str, path: str) -> Fault | None:
        kind = None
        if self.left and self.rng.random() < 0.45:
            self.left -= 1
            kind = self.rng.choice([one for one in KINDS if one != "late" or self.late_seconds is not None])
        self.log.append(f"{method} {path}{f': {kind}' if kind else ''}")
        if kind is None:
            return None
        late = self.rng.choice((1.0, self.late_seconds or 0.0)) if kind == "late" else 0.0
        return Fault(kind, seconds=late, status=self.rng.choice((500, 502, 503, 504)))

    def dies(self, moment: str) -> bool:
        if self.left and self.rng.random() < 0.2:
            self.left -= 1
            self.log.append(f"died {moment}")
            return True
        return False


class Dealt(Faults):
    """The faults of one write's own stand-in."""

    def __init__(self, troubles: Troubles) -> None:
        super().__init__(random.Random(0))
        self._troubles = troubles

    def take(self, method: str, path: str) -> Fault | None:
        return self._troubles.fault(method, path)


class Stage(Executor):
    """The sender's threads: each task is played to its end, or the worker dies around it."""

    def __init__(self) -> None:
        self.troubles: dict[str, Troubles] = {}
        self.now: Troubles | None = None
        self.sender: Losing | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        assert self.sender is not None
        write = args[0]
        if not isinstance(write, ClaimedWrite):
            fn(*args, **kwargs)
            return done
        self.now = self.troubles[write.key]
        if self.now.dies(f"before {write.kind}"):
            self.sender.lose(write.id)
            return done
        self.now.log.append(f"[{write.kind}]")
        fn(*args, **kwargs)
        if self.now.dies(f"after {write.kind}"):
            self.sender.lose(write.id)
        return done


class Losing(Sender):
    """A sender that forgets what a death took, and finds each write's own stand-in."""

    stage: Stage

    def lose(self, write_id: UUID) -> None:
        """What was in hand of this write is gone; its lease runs out."""
        with self._lock:
            self._held.pop(write_id, None)
            self._finished = [one for one in self._finished if one.write.id != write_id]

    def _client(self, destination: Remote, *, write: bool) -> Http:
        assert self.stage.now is not None
        side = self.stage.now.side
        return side.client if write else side.reader


def play(conn: database.Connection, destination: Remote, operation: str, seeds: Sequence[int]) -> dict[int, str]:
    """Play these seeds of one operation; what went wrong, by seed."""
    example, stage = examples()[destination.name, operation], Stage()
    sender = Losing({destination.name: destination}, settings(), stage)
    stage.sender, sender.stage = sender, stage
    with ExitStack() as sides:
        effects: dict[int, Effect] = {}
        for seed in seeds:
            side = sides.enter_context(side_of(destination, places()[destination.name]))
            side.clock.advance(clock.now().timestamp() - side.clock())
            made = example.effect(side)
            effect = effects[seed] = replace(made, key=f"{made.key}:{seed}")
            rng = random.Random(f"{destination.name}.{operation}/{seed}")
            late = example.late_seconds
            trouble = stage.troubles[effect.key] = Troubles(side, late, rng, rng.randint(1, TROUBLES_MAX))
            side.exchange.faults = Dealt(trouble)
        _record(conn, list(effects.values()), destination)
        for seconds in PASSING:
            while sender.round(conn) or _say_yes(conn):
                pass
            if not _live(conn):
                break
            _pass(conn, seconds)
            for trouble in stage.troubles.values():
                trouble.side.clock.advance(seconds)
                trouble.side.exchange.catch_up()
        rows = {row["key"]: row for row in conn.execute("SELECT * FROM writes").fetchall()}
        conn.rollback()
        wrong = {}
        for seed, effect in effects.items():
            trouble, row = stage.troubles[effect.key], rows[effect.key]
            told = _wrong(row, example.count(trouble.side, effect), trouble.side, destination.operations[operation])
            if told:
                wrong[seed] = f"{destination.name}.{operation} seed {seed}: {told}; {row['detail']}; {trouble.log}"
    return wrong


def _say_yes(conn: database.Connection) -> bool:
    """A person approves whatever is asked, as it is shown."""
    asked = conn.execute("SELECT write_id, digest FROM approvals WHERE status = 'open'").fetchall()
    conn.rollback()
    for one in asked:
        with conn.transaction():
            approvals.approve(conn, one["write_id"], digest=one["digest"], who="ines", reason="a schedule")
    return bool(asked)


def _record(conn: database.Connection, effects: Sequence[Effect], destination: Remote) -> None:
    events = [(keys.new_id(), effect.key, effect.subject) for effect in effects]
    rows = []
    for (id, _, _), effect in zip(events, effects, strict=True):
        target = destination.target(effect)
        # Each has a stand-in of its own, and therefore a target of its own.
        rows.append(planned(id, effect, f"{effect.key}:{target}" if target else None))
    with conn.transaction():
        conn.cursor().executemany(
            "INSERT INTO events (id, source, provider, key, type, subject, status, occurred_at)"
            " VALUES (%s, 'test', 'stripe', %s, 'test', %s, 'waiting', now())",
            events,
        )
        planning.plan_writes(conn, rows)


def planned(event_id: UUID, effect: Effect, target: str | None) -> planning.PlannedWrite:
    """The row of a write as a commit would record it."""
    return planning.PlannedWrite(
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


def _wrong(row: Mapping[str, Any], effects: int, side: Side, operation: Operation) -> str | None:
    if effects > 1:
        return f"{effects} effects"
    keys_sent = {entry.key.split("/")[0] for entry in side.exchange.journal if entry.key is not None}
    if keys_sent - {row["key"]}:
        return f"the key changed: {keys_sent}"
    if blind := _sent_blindly(side, operation):
        return blind
    if row["status"] == "confirmed":
        return None if effects == 1 else "confirmed without an effect"
    if row["status"] == "in_doubt" and row["due_at"] is None:
        return None  # the owner is asked: never a second effect, never a guess
    return f"rests as {row['status']}, {effects} effects, due {row['due_at']}"


def _sent_blindly(side: Side, operation: Operation) -> str | None:
    """A key sent again after the destination has forgotten it, without looking in between."""
    first: dict[str, float] = {}
    looked_at = float("-inf")
    for entry in side.exchange.journal:
        if entry.key is None:
            looked_at = entry.at
            continue
        began = first.setdefault(entry.key, entry.at)
        lifetime = operation.key_lifetime_seconds
        if lifetime is not None and entry.at - began > lifetime and looked_at < entry.at - 60:
            return f"sent {entry.at - began:.0f} s after its first time without a look"
    return None
