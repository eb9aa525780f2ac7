"""What a person can do about rules: look ahead, propose, approve, withdraw. API, commands and pages call these."""

from contextlib import suppress
from typing import Any
from uuid import UUID

import destinations
from console import actions, answers, asks, problems
from console.access import people
from console.queries import fixes as shown
from contracts.fixes import Fix
from counterfoil import clock, database
from counterfoil.database import Connection
from counterfoil.settings import settings
from engine import foreseeing, registry
from engine.foreseeing import Foreseen
from exceptions_queue import fixes, replay
from ingest.sources import SourcesUnusable, find_sources


def preview(ask: asks.FixContent) -> answers.FixPreview:
    """What a rule would do: the real steps, no commit, no call to anybody."""
    with problems.told(), database.transaction() as conn:
        fix, _ = _understood(conn, ask)
        found = _foreseen(conn, fix)
        conn.rollback()
    content = fix.content()
    return answers.FixPreview(
        words=shown.sentence(content["source"], content["types"], content["when"], content["set"]),
        summary=summary(answers.FixNumbers(**found.numbers())),
        digest=fixes.digest_of(fix),
        numbers=answers.FixNumbers(**found.numbers()),
        blocked=[answers.FixBlocked.model_validate(one, from_attributes=True) for one in found.blocked],
        changed=[answers.FixChange.model_validate(one, from_attributes=True) for one in found.changed],
    )


def propose(conn: Connection, who: str, ask: asks.FixAsk) -> UUID:
    """Keep a rule until somebody else says yes, with what it would have done at this moment."""
    assert ask.reason is not None, "Bug: only a dry run needs no reason"
    people.must_be_one(who)
    fix, provider = _understood(conn, ask)
    numbers = _foreseen(conn, fix).numbers()
    return fixes.propose(conn, fix, provider=provider, preview=numbers, who=who, reason=ask.reason)


def approve(conn: Connection, who: str, fix_id: UUID, ask: asks.FixApproveAsk) -> None:
    """Let somebody else's rule be applied; on wish, run again what it clears."""
    # Looked at before anything is locked that others wait for.
    fix = fixes.approvable(conn, fix_id, digest=ask.digest, who=who, reason=ask.reason)
    cleared = _foreseen(conn, fix, past=False).clears if ask.replay else []
    fixes.approve(conn, fix_id, digest=ask.digest, who=who, reason=ask.reason)
    if not cleared:
        return
    reason = f"rule {fix_id}: {ask.reason}"[:2000]
    wanted = {"ids": [str(event_id) for event_id in cleared]}
    replay_id = replay.plan_replay(conn, wanted, from_step="start", who=who, reason=reason)
    actions.start_replay(conn, who, replay_id, asks.Change(reason=reason))
    fixes.remember_replay(conn, fix_id, replay_id)


def withdraw(conn: Connection, who: str, fix_id: UUID, ask: asks.Change) -> None:
    """Take a rule back, or drop a proposal; what was written stands."""
    fixes.withdraw(conn, fix_id, who=who, reason=ask.reason)


def summary(numbers: answers.FixNumbers) -> str:
    """`Clears 37 of 41 events in 3 cases; would change 2 past writes, which stay as they are.`"""
    if numbers.blocked:
        told = f"Clears {numbers.clears} of {numbers.blocked} blocked events in {_many(numbers.cases, 'case')}"
    else:
        told = "Fits no event that is blocked now"
    if numbers.unsure:
        told += f", and of {numbers.unsure} only asking others would tell"
    told += f"; would change {_many(numbers.would_change, 'past write')} of {_many(numbers.past, 'event')} in 90 days"
    if numbers.would_change:
        told += "; what was written stays as it is"
    return told + ("." if numbers.complete else ". There are more events than were looked at.")


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _understood(conn: Connection, ask: asks.FixContent) -> tuple[Fix, str]:
    when: dict[str, Any] = dict(ask.when)
    provider = _provider(conn, ask.source)
    return fixes.understood(ask.source, provider, ask.types, when, ask.set), provider


# A console need not hold the door's secrets, so a source may be known by what came from it alone.
_LATELY = """
SELECT DISTINCT source, provider FROM (SELECT source, provider FROM events ORDER BY id DESC LIMIT 10000) e
"""


def sources(conn: Connection) -> dict[str, str]:
    """The sources there are, each with its provider."""
    known = {str(row["source"]): str(row["provider"]) for row in conn.execute(_LATELY).fetchall()}
    with suppress(SourcesUnusable):
        known |= {name: one.provider.name for name, one in find_sources(settings()).items()}
    return known


def _provider(conn: Connection, source: str) -> str:
    known = sources(conn)
    if source not in known:
        raise problems.NotAcceptable(
            f"there is no such source; known: {', '.join(sorted(known)) or 'none'}",
            [problems.Fault(field="source", detail="nothing comes from it")],
        )
    return known[source]


def _foreseen(conn: Connection, fix: Fix, *, past: bool = True) -> Foreseen:
    handlers = registry.find(settings().handlers_package)
    return foreseeing.foresee(conn, handlers, destinations.find(), fix, now=clock.now(), past=past)
