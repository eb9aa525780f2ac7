"""What a rule would do: over the events that are blocked now, and over those that were done before.

The real steps run dry, once with the active rules and once with this one beside them; the difference is the rule's.
Nothing is kept, nobody is asked: what cannot be told without asking is counted as that.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from contracts import fixes
from contracts.fixes import Fix
from counterfoil.database import Connection
from counterfoil.ledger.claim import Claimed
from counterfoil.lifecycle import CASE_LIVE, EventState
from destinations.base import Destination
from engine import dry_run, evidence, fixing
from engine.passing import Pass
from engine.pipeline import Pipeline
from engine.registry import Registry
from engine.steps.read import UNASKED
from exceptions_queue.fixes import active

#: Events over which the steps are run, of either kind; about two milliseconds each.
WALKED_MAX: Final = 500
#: Payloads that are looked through for those that the rule fits, newest first.
LOOKED_AT_MAX: Final = 2000
#: Of what was done: how far back, and among how many events at most.
PAST: Final = timedelta(days=90)
PAST_AMONG: Final = 100_000

#: What becomes of a blocked event: it goes through; it is blocked all the same; or only asking others would tell.
Fate = Literal["clears", "still", "unsure"]


@dataclass(frozen=True, slots=True)
class Blocked:
    """One event of an open case that the rule fits."""

    event_id: UUID
    case_id: UUID
    fate: Fate
    #: Why it is blocked all the same, or what would have to be asked.
    why: str | None = None
    failure_class: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """One write of the past that would be another one."""

    event_id: UUID
    key: str
    change: str


@dataclass(slots=True)
class Foreseen:
    """What a rule would do."""

    blocked: list[Blocked] = field(default_factory=list)
    past: int = 0
    past_unsure: int = 0
    changed: list[Changed] = field(default_factory=list)
    #: False: there are more events than were looked at.
    complete: bool = True

    @property
    def clears(self) -> list[UUID]:
        """The events that would go through."""
        return [one.event_id for one in self.blocked if one.fate == "clears"]

    def numbers(self) -> dict[str, Any]:
        """What is kept with a proposal."""
        fates = Counter(one.fate for one in self.blocked)
        return {
            "blocked": len(self.blocked),
            "cases": len({one.case_id for one in self.blocked}),
            **{fate: fates[fate] for fate in ("clears", "still", "unsure")},
            "past": self.past,
            "past_unsure": self.past_unsure,
            "would_change": len(self.changed),
            "complete": self.complete,
        }


_EVENT = """
e.id, e.source, e.provider, e.key, e.type, e.subject, e.occurred_at, e.received_at, e.api_version, e.form,
e.fault, e.generation, e.attempts + 1 AS attempts, 0 AS crashes, e.fence, e.case_id, e.replay_id, p.body
"""
_BLOCKED = f"""
SELECT {_EVENT}, m.case_id AS blocked_in
FROM cases c JOIN case_events m ON m.case_id = c.id AND m.cleared_at IS NULL
JOIN events e ON e.id = m.event_id JOIN payloads p ON p.event_id = e.id AND p.version = e.payload_version
WHERE c.status = ANY(%(live)s) AND e.source = %(source)s AND e.type = ANY(%(types)s)
  AND e.status IN ('waiting', 'exception') AND e.case_id = c.id
ORDER BY e.id DESC LIMIT %(most)s
"""
# By id, which is made of the time, and only so far: how rare the type is does not decide how long it takes.
_PAST = f"""
SELECT {_EVENT}
FROM (SELECT * FROM events WHERE id >= %(first)s ORDER BY id DESC LIMIT {PAST_AMONG}) e
JOIN payloads p ON p.event_id = e.id AND p.version = e.payload_version
WHERE e.source = %(source)s AND e.type = ANY(%(types)s) AND e.status = 'done' AND e.received_at >= %(since)s
ORDER BY e.id DESC LIMIT %(most)s
"""


def foresee(
    conn: Connection,
    registry: Registry,
    destinations: Mapping[str, Destination],
    fix: Fix,
    *,
    now: datetime,
    past: bool = True,
) -> Foreseen:
    """What the rule would do beside the active ones, and would have done if `past` is asked for too."""
    known = [one for one in active(conn) if one.id != fix.id]
    before = Pipeline(registry, destinations, crashes_max=1, fixes=fixing.Fixes(known))
    after = Pipeline(registry, destinations, crashes_max=1, fixes=fixing.Fixes([*known, fix]))
    found = Foreseen()
    values = {"source": fix.source, "types": sorted(fix.types), "most": LOOKED_AT_MAX + 1}
    live = {"live": sorted(CASE_LIVE)}
    for row in _fitting(conn, fix, _BLOCKED, {**values, **live}, found):
        case_id = row.pop("blocked_in")
        found.blocked.append(_fate(Claimed(**row), case_id, before, after))
    if not past:
        return found
    since = now - PAST
    for row in _fitting(conn, fix, _PAST, {**values, "since": since, "first": evidence.first_id(since)}, found):
        found.past += 1
        _compare(conn, Claimed(**row), before, after, found)
    return found


def _fitting(
    conn: Connection, fix: Fix, sql: str, values: Mapping[str, Any], found: Foreseen
) -> Iterator[dict[str, Any]]:
    """Rows whose payload the rule fills in; says so in `found` when some were not looked at."""
    walked = 0
    for looked_at, row in enumerate(conn.execute(sql, values).fetchall()):
        if looked_at == LOOKED_AT_MAX or walked == WALKED_MAX:
            found.complete = False
            return
        if fixes.matches(fix, row["body"]):
            walked += 1
            yield row


def _fate(event: Claimed, case_id: UUID, before: Pipeline, after: Pipeline) -> Blocked:
    one = after.walk(event, dry=True)
    fate = _would(one)
    if fate == "clears" and _would(before.walk(event, dry=True)) == "clears":
        # Its payload is not what it waits for.
        return Blocked(event.id, case_id, "still", "it would go through without the rule too: replay it")
    assert one.verdict is not None, "Bug: a dry walk without a verdict"
    if fate == "clears":
        return Blocked(event.id, case_id, fate)
    code = one.verdict.failure.code if one.verdict.failure else None
    return Blocked(event.id, case_id, fate, one.verdict.outcome, code)


def _would(one: Pass) -> Fate:
    assert one.verdict is not None, "Bug: a dry walk without a verdict"
    if one.verdict.failure is None:
        return "still" if one.verdict.status is EventState.WAITING else "clears"
    return "unsure" if one.verdict.failure.rule == UNASKED else "still"


def _compare(conn: Connection, event: Claimed, before: Pipeline, after: Pipeline, found: Foreseen) -> None:
    one = after.walk(event, dry=True)
    if _would(one) == "unsure":
        found.past_unsure += 1
        return
    changes = _changes(conn, one)
    if not changes:
        return
    # What today's code would write otherwise without the rule is not the rule's.
    anyway = _changes(conn, before.walk(event, dry=True))
    told = {one.key for one in found.changed}  # two events may stand for one write
    found.changed += [
        Changed(event.id, key, change)
        for key, change in changes.items()
        if anyway.get(key) != change and key not in told
    ]


def _changes(conn: Connection, one: Pass) -> dict[str, str]:
    told = dry_run.differences(conn, one)
    return {place["key"]: place["change"] for place in told if place["change"] != "same"}
