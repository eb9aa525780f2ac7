"""Fixes at work: which are active, what they make of an event, and that none is applied after it was taken back.

Asking costs a look at a dict; what stands in the database is read at most once a second, and anew for events that were
sent back, because somebody may just have made the rule for them. Whatever a rule changed passes its commit only while
the rule stands.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from contracts import fixes
from contracts.base import Contract, ContractBroken, Violation, as_object, find
from contracts.fixes import Fix
from counterfoil import clock
from counterfoil.database import Connection
from counterfoil.ledger.claim import Claimed
from counterfoil.lifecycle import EventState
from engine.passing import Pass, Verdict
from exceptions_queue.fixes import active

#: A rule takes effect, or ends, within this time; the same as other things that people set.
AGE_SECONDS_MAX: Final = 1.0


class Fixes:
    """The active fixes as one process knows them. `always`: exactly these, whatever stands in the database."""

    def __init__(self, always: Iterable[Fix] | None = None) -> None:
        self._always = always is not None
        self._by_kind = _by_kind(always or ())
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def of(self, source: str, type: str) -> Sequence[Fix]:
        """Those about events of this kind; hardly any has one."""
        return self._by_kind.get((source, type), ())

    def refresh(self, conn: Connection, *, at_once: bool = False) -> None:
        """Read them again when they are older than a second, or at once."""
        now = clock.ticks_seconds()
        with self._lock:
            if self._always or (not at_once and now - self._read_at < AGE_SECONDS_MAX):
                return
            self._by_kind = _by_kind(active(conn))
            self._read_at = now


def _by_kind(every: Iterable[Fix]) -> dict[tuple[str, str], tuple[Fix, ...]]:
    found: dict[tuple[str, str], tuple[Fix, ...]] = {}
    for fix in every:
        for kind in fix.types:
            found[fix.source, kind] = (*found.get((fix.source, kind), ()), fix)
    return found


class Made(NamedTuple):
    """What fixes made of one payload."""

    body: str
    applied: tuple[fixes.Applied, ...]


def mend(event: Claimed, rules: Sequence[Fix]) -> Made:
    """A copy of the payload as the rules have it; what is stored stays as it was received.

    Raises: ContractBroken when rules contradict each other, or when the copy would be worth or about something else:
    no rule that was accepted does that, and if one does it is not for a machine to go on.
    """
    done = fixes.apply(event.body, rules)
    if done.disagreeing:
        raise ContractBroken(event.type, (_disagreeing(done.disagreeing),))
    if done.applied:
        contract = find(event.provider, event.type, event.api_version, done.body)
        strayed = _strayed(contract, event.body, done.body)
        if strayed:
            raise ContractBroken(contract.version, strayed)
    return Made(done.body, done.applied)


def _disagreeing(ids: Sequence[str]) -> Violation:
    return Violation(
        "(all)",
        "fixes_disagree",
        f"{len(ids)} rules",
        "one value for one place",
        f"Withdraw one of the rules {', '.join(ids)}, then replay.",
    )


def _strayed(contract: type[Contract], was: str, now: str) -> tuple[Violation, ...]:
    """Money or identity that is another one than as received; the forms of rules do not let it come to this."""
    before, after = as_object(was), as_object(now)
    wrong = [name for name in contract.identity if _member(before, name) != _member(after, name)]
    if contract.at_stake(was) != contract.at_stake(now):
        wrong.append("(money)")
    return tuple(
        Violation(name, "fix_strays", "another value", "as received", "Withdraw the rule that changes it, then replay.")
        for name in wrong
    )


def _member(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def told(passing: Pass) -> None:
    """Every write of the plan says which rules it rests on, and what they filled in."""
    if not passing.applied:
        return
    rests_on = [{"fix": one.fix_id, "set": one.set} for one in passing.applied]
    passing.effects = tuple(
        replace(effect, evidence={**effect.evidence, "fixes": rests_on}) for effect in passing.effects
    )


_STANDING = "SELECT id FROM fixes WHERE id = ANY(%s::uuid[]) AND status = 'active' ORDER BY id FOR SHARE"


def hold_back(conn: Connection, passes: Sequence[Pass]) -> None:
    """What a withdrawn rule changed is not committed: those events go again, when nobody thinks it active any more.

    Locks the rules until the commit.
    """
    resting = [one for one in passes if one.applied]
    if not resting:
        return
    ids = sorted({applied.fix_id for one in resting for applied in one.applied})
    standing = {str(row["id"]) for row in conn.execute(_STANDING, (ids,)).fetchall()}
    for one in resting:
        if any(applied.fix_id not in standing for applied in one.applied):
            one.effects = ()
            one.verdict = Verdict(
                EventState.WAITING, "a rule that it went by was withdrawn just now", due_seconds=AGE_SECONDS_MAX
            )
