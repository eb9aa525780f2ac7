"""Fixing forward: a rule over payloads is proposed by one person, approved by another, and can be taken back.

propose    what it says is checked and kept; nothing happens yet
approve    somebody else: from now on it is applied, unless it contradicts one that is
withdraw   nothing is written by it any more; what was written by it stands

What a rule may say is `contracts.fixes`; where it is applied is the engine's check.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import contracts
from contracts import fixes
from contracts.fixes import Fix, FixInvalid
from counterfoil import audit, keys, telemetry
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import FixState
from exceptions_queue.refusals import NotLikeThat, NotNow, NotThere, ShownChanged, signed

#: An arbitrary constant: rules become active one after the other, so that two cannot contradict each other unseen.
APPROVE_LOCK: Final = 7_203_411_871


class FixNotFound(NotThere):
    """There is no such rule."""


class FixRefused(NotLikeThat):
    """A rule that could do harm, or nothing."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("the rule is refused: " + "; ".join(problems))
        self.problems = tuple(problems)


class FixStands(NotNow):
    """The same rule is proposed or active already."""


class FixNotProposed(NotNow):
    """The rule was approved or withdrawn before."""


class FixWithdrawn(NotNow):
    """The rule is withdrawn already."""


class FixesDisagree(NotNow):
    """An active rule could write something else to the same place."""


class AuthorMayNot(NotNow):
    """Whoever proposed a rule cannot approve it."""


def understood(
    source: str, provider: str, types: Sequence[str], when: Mapping[str, Any], set: Mapping[str, Any]
) -> Fix:
    """The rule, checked as far as it can be without other rules. Raises: FixRefused."""
    try:
        fix = fixes.parse(provider, source, types, when, set)
    except FixInvalid as invalid:
        raise FixRefused(invalid.problems) from None
    known = {kind for contract in contracts.every() if contract.source == provider for kind in contract.types}
    strange = sorted(fix.types - known)
    if strange:
        raise FixRefused([f"types: no contract of {provider} covers {name[:80]}" for name in strange])
    return fix


def digest_of(fix: Fix) -> str:
    """What an approval is of."""
    return keys.digest(fix.content())


_PROPOSE = """
INSERT INTO fixes (id, source, provider, types, conditions, settings, digest, preview, author, reason)
VALUES (%(id)s, %(source)s, %(provider)s, %(types)s, %(when)s::jsonb, %(set)s::jsonb, %(digest)s, %(preview)s::jsonb,
        %(author)s, %(reason)s)
ON CONFLICT (digest) WHERE status IN ('proposed', 'active') DO NOTHING RETURNING id
"""


def propose(conn: Connection, fix: Fix, *, provider: str, preview: Mapping[str, Any], who: str, reason: str) -> UUID:
    """Keep a rule until somebody else says yes; returns its id. Raises: FixStands, FixesDisagree, ReasonMissing."""
    who, reason = signed(who, reason)
    _must_agree(conn, fix)
    fix_id, content = keys.new_id(), fix.content()
    row = {
        "id": fix_id,
        "source": fix.source,
        "provider": provider,
        "types": content["types"],
        "when": keys.canonical_json(content["when"]),
        "set": keys.canonical_json(content["set"]),
        "digest": digest_of(fix),
        "preview": keys.canonical_json(dict(preview)),
        "author": who,
        "reason": reason,
    }
    if conn.execute(_PROPOSE, row).fetchone() is None:
        raise FixStands("a rule that says exactly this is proposed or active already")
    detail = {**content, "digest": row["digest"], "reason": reason}
    audit.append(conn, "desk", [audit.Entry(who, "fix.proposed", f"fix:{fix_id}", detail)])
    return fix_id


def approve(conn: Connection, fix_id: UUID, *, digest: str, who: str, reason: str) -> None:
    """Let a rule of somebody else's be applied from now on.

    Raises: FixNotFound, FixNotProposed, ShownChanged, AuthorMayNot, FixRefused, FixesDisagree, ReasonMissing.
    """
    who, reason = signed(who, reason)
    approvable(conn, fix_id, digest=digest, who=who, reason=reason)
    sets = {"approver": who, "approved_at": NOW, "approval_reason": reason}
    if not move(conn, "fix", [fix_id], FixState.ACTIVE, sets=sets):
        raise FixNotProposed("somebody else has just decided about this rule")
    detail = {"digest": digest, "reason": reason}
    audit.append(conn, "desk", [audit.Entry(who, "fix.approved", f"fix:{fix_id}", detail)])


def approvable(conn: Connection, fix_id: UUID, *, digest: str, who: str, reason: str) -> Fix:
    """The rule, if this person may approve it now; nobody else can until the transaction ends.

    Raises: as `approve`.
    """
    who, reason = signed(who, reason)
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (APPROVE_LOCK,))
    row = _get(conn, fix_id)
    if row["status"] != FixState.PROPOSED:
        raise FixNotProposed(f"the rule is {row['status']}; only a proposed one is approved")
    if row["digest"] != digest:
        raise ShownChanged("this is not the rule that was shown; look at it again", [])
    if row["author"].casefold() == who.casefold():
        raise AuthorMayNot(f"{who} proposed this rule: another person has to approve it")
    fix = of_row(row)
    _must_agree(conn, fix)
    return fix


def withdraw(conn: Connection, fix_id: UUID, *, who: str, reason: str) -> None:
    """Take a rule back, or drop a proposal. Raises: FixNotFound, FixWithdrawn, ReasonMissing."""
    who, reason = signed(who, reason)
    before = _get(conn, fix_id)["status"]
    sets = {"withdrawn_by": who, "withdrawn_at": NOW, "withdrawal_reason": reason}
    if not move(conn, "fix", [fix_id], FixState.WITHDRAWN, sets=sets):
        raise FixWithdrawn("the rule is withdrawn already")
    detail = {"before": before, "reason": reason}
    audit.append(conn, "desk", [audit.Entry(who, "fix.withdrawn", f"fix:{fix_id}", detail)])


def remember_replay(conn: Connection, fix_id: UUID, replay_id: UUID) -> None:
    """The replay of what a rule cleared, so that people find it from there."""
    conn.execute("UPDATE fixes SET replay_id = %s WHERE id = %s", (replay_id, fix_id))


def of_row(row: Mapping[str, Any]) -> Fix:
    """The rule of a row of `fixes`, judged by what rules may say today. Raises: FixRefused."""
    said = row["provider"], row["source"], row["types"], row["conditions"], row["settings"]
    try:
        return fixes.parse(*said, id=str(row["id"]))
    except FixInvalid as invalid:
        raise FixRefused(invalid.problems) from None


def active(conn: Connection) -> list[Fix]:
    """Every rule that is in force. One that could not be proposed today is not, however it came there."""
    found = []
    for row in conn.execute("SELECT * FROM fixes WHERE status = 'active' ORDER BY id").fetchall():
        try:
            found.append(of_row(row))
        except FixRefused as refused:
            telemetry.log.error("fix.refused", fix_id=str(row["id"]), reason=str(refused))
    return found


def _get(conn: Connection, fix_id: UUID) -> dict[str, Any]:
    row = conn.execute("SELECT * FROM fixes WHERE id = %s FOR UPDATE", (fix_id,)).fetchone()
    if row is None:
        raise FixNotFound(f"there is no rule {fix_id}")
    return row


def _must_agree(conn: Connection, fix: Fix) -> None:
    """Raises: FixesDisagree."""
    for other in active(conn):
        why = fixes.disagreement(fix, other)
        if why is not None:
            raise FixesDisagree(f"this rule and the active rule {other.id} contradict each other: {why}")
