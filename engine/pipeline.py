"""One event through the steps, and a group of events into the ledger.

    check ─▶ read ─▶ classify ─▶ plan ─▶ gate ─▶ (commit, for the whole group)

Whatever a step raises becomes a verdict with a class and thereby an owner; nothing else leaves `walk`.
"""

from collections.abc import Mapping, Sequence

import psycopg

from counterfoil import keys, telemetry
from counterfoil.database import Connection
from counterfoil.ledger.claim import Claimed
from counterfoil.lifecycle import EventState
from destinations.base import Destination
from destinations.remote import is_configured
from engine import fixing
from engine.passing import Pass, Verdict
from engine.registry import Registry
from engine.retry import next_wait_seconds
from engine.steps.check import check
from engine.steps.classify import AsksOthers, classify
from engine.steps.commit import commit
from engine.steps.gate import gate
from engine.steps.plan import plan
from engine.steps.read import read
from engine.steps.writes import KeyTaken
from exceptions_queue import failures

#: Classes in which somebody decides rather than mends: the event waits, it did not fail.
DECISIONS = frozenset({"approval_needed", "low_confidence"})


class Pipeline:
    """The steps with what they need: handlers and destinations."""

    def __init__(
        self,
        registry: Registry,
        destinations: Mapping[str, Destination],
        *,
        crashes_max: int,
        fixes: fixing.Fixes | None = None,
    ) -> None:
        self.registry = registry
        #: Refreshed by whoever has a connection; the steps only ask.
        self.fixes = fixes or fixing.Fixes()
        self.destinations = destinations
        self.crashes_max = crashes_max
        self._configured: dict[str, bool] = {}

    def walk(self, event: Claimed, *, dry: bool = False, apart: bool = True) -> Pass:
        """Everything but the commit; comes back with a verdict. `dry`: nobody is asked, nothing is kept.

        Not `apart`: without a verdict, where the event has to wait for others and must not hold up its group.
        """
        one = Pass(event, dry=dry, apart=apart or dry)
        try:
            one.verdict = self._steps(one) or Verdict(EventState.DONE, "written")
        except AsksOthers:
            pass
        except failures.Failure as failure:
            one.verdict = _failed(one, failure)
        except Exception as bug:
            # A step of ours broke: the event must not be lost for it, nor take its group down.
            one.verdict = _failed(
                one, failures.HandlerBug(f"engine: {type(bug).__name__}", rule=type(bug).__name__), bug
            )
        if one.verdict is not None and one.verdict.failure is not None:
            one.effects = ()
        one.end()
        return one

    def _steps(self, one: Pass) -> Verdict | None:
        if one.event.crashes >= self.crashes_max:
            raise failures.RunStuck(f"{one.event.crashes} workers ended while they had this event", rule="crashes")
        one.payload_hash = keys.short_hash(one.event.body)
        with one.timed("check") as record:
            verdict = check(one, self.registry, self.fixes)
            record["output"] = one.contract_version
        if verdict is not None:
            return verdict
        with one.timed("read") as record:
            record["output"] = read(one)
        with one.timed("classify") as record:
            record["output"] = classify(one)
        # Judged by what was read and answered as well; usually that is nothing.
        input_hash = (
            keys.short_hash(one.payload_hash + keys.canonical_json(one.context)) if any(one.context.values()) else None
        )
        with one.timed("plan", input_hash) as record:
            verdict = plan(one, self._has)
            left_out = [f"nothing for {name}, which is not configured" for name in one.left_out]
            record["output"] = verdict.outcome if verdict else [effect.key for effect in one.effects] + left_out
        if verdict is not None:
            return verdict
        fixing.told(one)
        with one.timed("gate", keys.short_hash("".join(effect.digest for effect in one.effects))) as record:
            gate(one, self.destinations)
            record["output"] = "allowed"
        return None

    def _has(self, name: str) -> bool:
        """Whether there is a credential for it; settings do not change while a process lives."""
        if name not in self._configured:
            self._configured[name] = is_configured(self.destinations.get(name))
        return self._configured[name]

    def commit(self, conn: Connection, passes: Sequence[Pass], *, worker: str) -> list[Pass]:
        """Commit a group; if the database refuses it, each event alone, so that one cannot spoil the others.

        Raises: psycopg.OperationalError when the database is away (the leases run out and somebody comes back).
        """
        try:
            return commit(conn, passes, self.destinations, worker=worker)
        except psycopg.OperationalError:
            raise
        except Exception as refused:
            if conn.closed:
                raise  # the server ended the session: no event is to blame
            if len(passes) > 1:
                return [done for one in passes for done in self.commit(conn, [self._again(one)], worker=worker)]
            return commit(conn, [_refused(passes[0], refused)], self.destinations, worker=worker)

    def _again(self, one: Pass) -> Pass:
        """A fresh walk: the first commit may have changed verdicts before it was rolled back."""
        return self.walk(one.event)


def _failed(one: Pass, failure: failures.Failure, cause: BaseException | None = None) -> Verdict:
    wait = next_wait_seconds(failure.code, one.event.attempts, one.event.key)
    if wait is not None:
        return Verdict(EventState.WAITING, str(failure), failure=failure, due_seconds=wait, cause=cause)
    status = EventState.WAITING if failure.code in DECISIONS else EventState.EXCEPTION
    return Verdict(status, str(failure), failure=failure, cause=cause or failure.__cause__)


def _refused(one: Pass, refused: Exception) -> Pass:
    """The database would not take this event's effects: the constraint's name says why."""
    rule = type(refused).__name__
    destination = one.effects[0].destination if one.effects else None
    if isinstance(refused, psycopg.Error | KeyTaken):
        if isinstance(refused, psycopg.Error):
            rule = refused.diag.constraint_name or refused.sqlstate or rule
        failure: failures.Failure = failures.WriteRefused(
            f"the ledger refused it: {rule}", rule=rule, destination=destination
        )
    else:
        failure = failures.HandlerBug(f"{rule} while committing", rule=rule, destination=destination)
    telemetry.log.error("run.refused", event_id=str(one.event.id), rule=rule)
    one.effects = ()
    one.verdict = Verdict(EventState.EXCEPTION, str(failure), failure=failure, cause=refused)
    return one
