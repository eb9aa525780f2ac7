"""Check: is this event one of ours, whole, and what it promises to be?"""

from datetime import timedelta

from contracts.base import ContractBroken, ContractFailure, ContractUnknown, Violation, find
from contracts.money import Money
from counterfoil import failpoints, keys
from counterfoil.ledger.claim import Claimed
from counterfoil.lifecycle import EventState
from engine import fixing
from engine.passing import Pass, Verdict
from engine.registry import Registry
from exceptions_queue import failures

#: Clocks differ by minutes; whoever sends tomorrow's date has another fault.
AHEAD_MAX = timedelta(days=1)


def check(passing: Pass, registry: Registry, known: fixing.Fixes) -> Verdict | None:
    """Find handler and contract and hold the payload against it, with what active fixes fill in.

    Raises: Failure subclasses (contract_violation, contract_unknown, context_missing, or what the door found).
    """
    event = passing.event
    if event.fault is not None:
        kind = failures.find(event.fault["class"]) or failures.ContractViolated
        passing.money = _at_stake(event)
        raise kind(event.fault.get("detail", ""), rule=event.fault.get("rule"), data=event.fault)
    passing.spec = registry.find(event.provider, event.type)
    if passing.spec is None:
        return Verdict(EventState.IGNORED, f"no handler for {event.type}")
    try:
        _mend(passing, known)
        _hold_against_contract(passing)
        _refuse_the_future(passing)
    except ContractUnknown as unknown:
        raise failures.ContractUncovered(str(unknown), rule=f"{event.type}@{event.api_version}") from unknown
    except ContractBroken as broken:
        raise failures.ContractViolated(
            str(broken),
            rule="+".join(sorted({violation.rule for violation in broken.violations})),
            data={"violations": [violation.as_json() for violation in broken.violations]},
        ) from broken
    assert passing.contract is not None, "Bug: held against no contract"
    passing.facts = passing.contract.facts
    missing = passing.contract.missing_context
    if missing is not None:
        raise failures.ContextMissing(missing, rule="event_says_too_little")
    failpoints.passing("run.checked")
    return None


def _mend(passing: Pass, known: fixing.Fixes) -> None:
    rules = known.of(passing.event.source, passing.event.type)
    if not rules:
        return
    made = fixing.mend(passing.event, rules)
    if made.applied:
        with passing.timed("fix") as record:
            passing.mended, passing.applied = made.body, made.applied
            passing.payload_hash = keys.short_hash(made.body)
            record["output"] = [one.fix_id for one in made.applied]


def _hold_against_contract(passing: Pass) -> None:
    """From text straight into the contract; the money at stake is told even when it is broken, for the case."""
    event, body = passing.event, passing.body
    contract = find(event.provider, event.type, event.api_version, body)
    passing.contract_version = contract.version
    try:
        passing.contract = contract.check(body)
    except ContractBroken:
        passing.money = contract.at_stake(body)
        raise
    passing.money = passing.contract.amount()


def _refuse_the_future(passing: Pass) -> None:
    """A contract judges an event by its own time only; that this time has come is seen here.

    Raises: ContractBroken.
    """
    event = passing.event
    if event.occurred_at is None or event.occurred_at - event.received_at <= AHEAD_MAX:
        return
    raise ContractBroken(
        passing.contract_version or event.type,
        (
            Violation(
                "occurred_at",
                "date_in_bounds",
                event.occurred_at.isoformat(),
                f"at most {AHEAD_MAX.days} day after it was received",
                "If it really happened, have it sent again with its real time; dismiss this one.",
            ),
        ),
    )


def _at_stake(event: Claimed) -> Money | None:
    """The money in an event that no contract will judge, as far as it can be told."""
    try:
        return find(event.provider, event.type, event.api_version, event.body).at_stake(event.body)
    except ContractFailure:
        return None
