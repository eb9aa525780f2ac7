"""What a worker says about a group: metrics, one wide line for all, one for each failure, error reports for bugs."""

from collections import Counter

from counterfoil import telemetry
from engine.passing import Pass
from exceptions_queue.failures import Failure

#: Classes behind which there is an exception that somebody has to look at.
BUGS = frozenset({"handler_bug", "run_stuck"})


def tell(passes: list[Pass], *, late: int, seconds: float) -> None:
    """Tell of passes that are committed, and of how many were `late`: another worker has those."""
    telemetry.metrics.run_group.observe(len(passes) + late)
    runs: Counter[tuple[str, str]] = Counter()
    for one in passes:
        assert one.verdict is not None, "Bug: a committed pass without a verdict"
        runs[one.spec.name if one.spec else "none", one.verdict.status.value] += 1
        if one.verdict.failure is not None:
            _tell_failure(one, one.verdict.failure)
    states: Counter[str] = Counter()
    for (handler, status), count in runs.items():
        telemetry.metrics.runs.labels(handler, status).inc(count)
        states[status] += count
    telemetry.wide("group.finished", events=len(passes), late=late, ms=round(seconds * 1000, 1), states=dict(states))


def _tell_failure(one: Pass, failure: Failure) -> None:
    assert one.verdict is not None, "Bug: a failure without a verdict"
    handler = one.spec.name if one.spec else "none"
    telemetry.wide(
        "run.failed",
        event_id=str(one.event.id),
        run_id=str(one.run_id),
        source=one.event.source,
        type=one.event.type,
        handler=handler,
        failure_class=failure.code,
        rule=failure.rule,
        attempt=one.event.attempts,
        again_in_seconds=one.verdict.due_seconds,
    )
    if one.verdict.cause is not None and failure.code in BUGS:
        telemetry.report_failure(
            one.verdict.cause,
            failure_class=failure.code,
            owner=failure.role,
            handler=handler,
            event_id=str(one.event.id),
        )
