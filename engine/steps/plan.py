"""Plan: ask the handler, a pure function, what should be written. The only step that runs a team's code."""

import inspect
from collections.abc import Callable

from counterfoil import failpoints
from counterfoil.lifecycle import EventState
from engine.deadline import TimeIsUp, watchdog
from engine.outcomes import NeedsPerson, Plan, Skip, Snooze
from engine.passing import Pass, Verdict
from exceptions_queue import failures


def plan(passing: Pass, has: Callable[[str], bool]) -> Verdict | None:
    """Call the handler under its time limit and read its outcome, which is one of a closed set.

    `has`: whether this installation has a destination, for what may be done without.

    Raises: HandlerBug (exception or unknown outcome), RunStuck (over its time), or the class a handler asked for.
    """
    spec, contract = passing.spec, passing.contract
    assert spec is not None, "Bug: planned without a handler"
    assert contract is not None, "Bug: planned without a contract"
    try:
        with watchdog.limit(spec.time_limit_seconds):
            outcome = spec.function(contract, passing.context) if spec.takes_context else spec.function(contract)
            if inspect.iscoroutine(outcome):
                outcome.close()
            if isinstance(outcome, Plan):
                passing.effects = outcome.whole(has)
                passing.left_out = tuple(name for name in outcome.also if not has(name))
    except TimeIsUp:
        raise failures.RunStuck(
            f"{spec.name} did not finish within {spec.time_limit_seconds:g} s", rule="time"
        ) from None
    except failures.Failure:
        raise
    except Exception as bug:
        raise failures.HandlerBug(
            f"{spec.name} raised {type(bug).__name__}", rule=f"{type(bug).__name__}@{_place(bug)}"
        ) from bug
    failpoints.passing("run.planned")
    return _read_outcome(passing, outcome)


def _read_outcome(passing: Pass, outcome: object) -> Verdict | None:
    match outcome:
        case Plan():
            passing.evidence = outcome.evidence
            return None
        case Skip():
            return Verdict(EventState.IGNORED, outcome.reason)
        case Snooze():
            return Verdict(EventState.WAITING, outcome.reason, due_seconds=outcome.seconds)
        case NeedsPerson():
            money = outcome.amount or passing.money
            kind = failures.find(outcome.failure_class)
            if kind is None:
                raise failures.HandlerBug(f"no failure class is called {outcome.failure_class}", rule="unknown_class")
            raise kind(
                outcome.reason,
                rule="handler_asks",
                amount_minor=money.amount_minor if money else None,
                currency=money.currency if money else None,
            )
        case _:
            assert passing.spec is not None
            raise failures.HandlerBug(
                f"{passing.spec.name} returned {type(outcome).__name__}, not Plan, Skip, Snooze or NeedsPerson",
                rule="unknown_outcome",
            )


def _place(bug: BaseException) -> str:
    """File and function of the innermost frame: groups alike bugs without the line, which moves with every edit."""
    trace = bug.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_frame.f_code.co_name}"
