"""Writes on their way to other systems: claimed under a lease, recorded under a fence; each is its own outbox entry.

claim ─▶ look | send | settle ─▶ record
  │        │      │       └ an outcome that is unknown: a probe, never a second attempt
  │        │      └ the claim's commit is the intent: `sending`, one attempt more
  │        └ what stands at the target, for the pre-image and for whoever approves
  └ due, not paused, its turn in its plan, nothing else in flight at its target, a token left
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from counterfoil import keys
from counterfoil.database import Connection

Kind = Literal["look", "send", "settle"]

#: An arbitrary constant: claims of writes are made one at a time in a deployment, so that two looks at one target
#: cannot both find it free.
CLAIM_LOCK = 7_203_411_865
#: What was seen of a target is good for so long; then it is looked at again before anything is sent (seconds).
LOOK_SECONDS = 30
#: So what was looked at, or seen to be absent, is due before everything that waits (seconds from now): behind a queue
#: that takes longer than that, each would be looked at again and none ever sent.
NEXT_SECONDS = -86_400.0


@dataclass(frozen=True, slots=True)
class ClaimedWrite:
    """One write in hand, with what it needs to be looked at, sent or settled."""

    turn: int  #: its place in the claim, from 1
    kind: Kind
    status: str  #: as it stands now: a `send` is `sending`, a `look` is `planned` or `approved`
    id: UUID
    key: str
    destination: str
    operation: str
    subject: str | None
    amount_minor: int | None
    currency: str | None
    action: dict[str, Any]
    digest: str
    event_id: UUID
    source: str
    handler: str | None
    approvals_needed: int  #: how many people have to agree
    revision: int
    looks: int
    attempts: int
    probes: int
    first_sent_at: datetime | None
    last_sent_at: datetime | None
    pre_image: dict[str, Any] | None
    reverses: UUID | None
    fence: int
    now: datetime
    #: key -> reference of the confirmed writes before it in its plan
    references: dict[str, str]

    @property
    def approved(self) -> bool:
        """Whether it needs people's approval; one that is sent has it."""
        return self.approvals_needed > 0

    @property
    def sent_key(self) -> str:
        """What the destination gets as key."""
        return keys.sent(self.key, self.revision)


# A pause holds whatever moves by itself; what a person takes back is not the automation's, so only a paused destination
# or action class holds it. A handler in shadow sends nothing, also nothing that was planned before.
FREE_TO_GO = """
NOT EXISTS (SELECT 1 FROM pauses p WHERE
        (p.scope, p.name) IN (('destination', w.destination), ('action', w.destination || '.' || w.operation))
        OR w.reverses IS NULL AND (p.scope, p.name) IN (
            ('handler', w.handler), ('source', (SELECT e.source FROM events e WHERE e.id = w.event_id))))
AND (w.reverses IS NOT NULL OR w.status IN ('sending', 'in_doubt')
     OR NOT EXISTS (SELECT 1 FROM rollouts r WHERE r.handler = w.handler AND r.mode = 'shadow'))
"""

# What takes a write back is looked at first, always: it must not undo what somebody did since.
# What needs people is sent with their approval only; the database would refuse it, and with it the whole claim.
# A doubt that was none, of a handler in shadow, must not be sent: it rests, and is asked about anew once that is old.
# Its turn: nothing of a plan goes out while another part of it waits for a person (a no would leave half of it), and
# each part waits for those before it. Sorted into kinds where the conditions stand, so that state, attempt and kind
# cannot disagree. A write in `sending` whose lease ran out was in the hands of a worker that vanished: nobody knows
# whether it was sent.
#
# A claim costs the same however many are due: what else is on its way to a target is found by `writes_target_live`,
# whatever the statistics say of a queue that was empty yesterday. No other index is implied by that `coalesce`.
_CLAIM = f"""
WITH chosen AS MATERIALIZED (
    SELECT w.id, CASE
        WHEN w.status = 'in_doubt' AND w.absent_at > now() - make_interval(secs => %(fresh)s) THEN 'send'
        WHEN w.status IN ('sending', 'in_doubt') THEN 'settle'
        WHEN (w.operation = ANY(%(looking)s) OR w.reverses IS NOT NULL)
             AND coalesce(w.looked_at, '-infinity') < now() - make_interval(secs => %(fresh)s) THEN 'look'
        WHEN w.reverses IS NOT NULL AND EXISTS (
            SELECT 1 FROM writes o WHERE o.target = w.target AND o.confirmed_at > w.looked_at) THEN 'look'
        ELSE 'send' END AS kind
    FROM writes w
    WHERE w.due_at <= now() AND w.destination = %(destination)s AND w.replayed = %(replays)s
      AND w.status IN ('planned', 'approved', 'sending', 'in_doubt')
      AND (w.lease_until IS NULL OR w.lease_until < now())
      AND (w.approvals_needed = 0 OR w.status = 'sending' OR write_is_approved(w)
           OR w.status = 'planned' AND (w.operation = ANY(%(looking)s) OR w.reverses IS NOT NULL)
              AND coalesce(w.looked_at, '-infinity') < now() - make_interval(secs => %(fresh)s))
      AND {FREE_TO_GO}
      AND NOT (w.status = 'in_doubt' AND coalesce(w.absent_at > now() - make_interval(secs => %(fresh)s), false)
               AND EXISTS (SELECT 1 FROM rollouts r WHERE r.handler = w.handler AND r.mode = 'shadow'))
      AND (w.position = 0 OR w.reverses IS NOT NULL OR NOT EXISTS (
            SELECT 1 FROM writes o WHERE o.event_id = w.event_id AND o.reverses IS NULL AND o.position < w.position
              AND o.status NOT IN ('confirmed', 'superseded', 'reversing', 'reversed')))
      AND (w.status IN ('sending', 'in_doubt') OR w.reverses IS NOT NULL OR NOT EXISTS (
            SELECT 1 FROM writes o WHERE o.event_id = w.event_id AND o.reverses IS NULL
              AND o.status = 'awaiting_approval'))
      AND (w.target IS NULL OR NOT EXISTS (
            SELECT 1 FROM writes o WHERE o.target = w.target AND o.id <> w.id
              AND coalesce(o.confirmed_at, 'infinity') = 'infinity'
              AND (o.status IN ('sending', 'in_doubt')
                   OR o.status IN ('planned', 'approved') AND o.due_at IS NOT NULL
                      AND (o.order_at, o.order_key, o.id) < (w.order_at, w.order_key, w.id)
                      AND (w.reverses IS NULL OR NOT EXISTS (
                            SELECT 1 FROM pauses p WHERE p.scope = 'handler' AND p.name = o.handler UNION ALL
                            SELECT 1 FROM rollouts r WHERE r.handler = o.handler AND r.mode = 'shadow')))))
    ORDER BY w.due_at, w.order_at, w.order_key, w.position LIMIT %(limit)s
), turns AS (SELECT id, kind, row_number() OVER () AS turn FROM chosen)
UPDATE writes w SET
    status = CASE c.kind WHEN 'send' THEN 'sending' WHEN 'settle' THEN 'in_doubt' ELSE w.status END,
    attempts = w.attempts + (c.kind = 'send')::int,
    probes = w.probes + (c.kind = 'settle')::int,
    first_sent_at = CASE WHEN c.kind = 'send' THEN coalesce(w.first_sent_at, now()) ELSE w.first_sent_at END,
    last_sent_at = CASE WHEN c.kind = 'send' THEN now() ELSE w.last_sent_at END,
    absent_at = NULL, fence = w.fence + 1, lease_until = now() + make_interval(secs => %(lease)s)
FROM turns c WHERE w.id = c.id
RETURNING c.turn, c.kind, w.status, w.id, w.key, w.destination, w.operation, w.subject, w.amount_minor, w.currency,
    w.action, w.digest, w.event_id, (SELECT e.source FROM events e WHERE e.id = w.event_id) AS source, w.handler,
    w.approvals_needed, w.revision, w.looks, w.attempts, w.probes, w.first_sent_at, w.last_sent_at,
    w.pre_image, w.reverses, w.fence, now() AS now,
    CASE WHEN w.position = 0 THEN '{{}}'::jsonb ELSE (
        SELECT coalesce(jsonb_object_agg(o.key, o.receipt ->> 'reference'), '{{}}'::jsonb) FROM writes o
        WHERE o.event_id = w.event_id AND o.status = 'confirmed' AND o.receipt ->> 'reference' IS NOT NULL) END
        AS references
"""


def claim_writes(
    conn: Connection,
    destination: str,
    *,
    looking: Sequence[str],
    limit: int,
    lease_seconds: float,
    replays: bool = False,
) -> list[ClaimedWrite]:
    """Take up to `limit` due writes of one destination, in order; the commit of the caller's transaction is the intent.

    `looking`: the operations whose target is looked at first. `replays`: those of replays, or else the others.
    """
    values = {
        "destination": destination,
        "looking": list(looking),
        "limit": limit,
        "lease": lease_seconds,
        "fresh": LOOK_SECONDS,
        "replays": replays,
    }
    conn.execute("SELECT pg_advisory_xact_lock(%s), set_config('enable_seqscan', 'off', true)", (CLAIM_LOCK,))
    claimed = [ClaimedWrite(**row) for row in conn.execute(_CLAIM, values)]
    # What an UPDATE returns is in the order of its join.
    return sorted(claimed, key=lambda one: one.turn)


# One queue at a time: those that stand still, because their destination is paused or away, hide no other.
_DUE = """
SELECT d.name, l.replayed FROM unnest(%s::text[]) AS d(name), (VALUES (false), (true)) AS l(replayed)
WHERE EXISTS (SELECT 1 FROM writes w WHERE w.destination = d.name AND w.replayed = l.replayed AND w.due_at <= now()
              AND (w.lease_until IS NULL OR w.lease_until < now()))
"""


class Due(dict[str, set[bool]]):
    """Destinations with writes that are due and in nobody's hands, each with its lanes: live, and of replays."""


def due_destinations(conn: Connection, names: Sequence[str]) -> Due:
    """A cheap look before anything is locked."""
    due = Due()
    for row in conn.execute(_DUE, (list(names),)):
        due.setdefault(row["name"], set()).add(row["replayed"])
    return due


_RENEW = """
UPDATE writes w SET lease_until = now() + make_interval(secs => %(lease)s)
FROM unnest(%(ids)s::uuid[], %(fences)s::int[]) AS r(id, fence) WHERE w.id = r.id AND w.fence = r.fence RETURNING w.id
"""


def renew_writes(conn: Connection, held: Mapping[UUID, int], *, lease_seconds: float) -> set[UUID]:
    """Keep what is in hand for another lease; returns what still was."""
    if not held:
        return set()
    values = {"ids": list(held), "fences": list(held.values()), "lease": lease_seconds}
    return {row["id"] for row in conn.execute(_RENEW, values)}


class Result(msgspec.Struct, gc=False):
    """What came of one claimed write; None leaves a column as it is."""

    id: UUID
    fence: int
    event_id: UUID
    status: str
    detail: str
    due_seconds: float | None = None  #: null: it will not move by itself
    receipt: dict[str, Any] | None = None
    read_back: dict[str, Any] | None = None
    pre_image: dict[str, Any] | None = None
    looked: bool = False
    missed: bool = False  #: a look that saw nothing; so many in a row end the patience
    absent: bool = False
    approval_rule: str | None = None
    approvals_needed: int | None = None


_RECORD = """
UPDATE writes w SET
    status = r.status, detail = r.detail, lease_until = NULL,
    due_at = CASE WHEN r.due_seconds IS NOT NULL THEN now() + make_interval(secs => r.due_seconds) END,
    receipt = coalesce(r.receipt, w.receipt), read_back = coalesce(r.read_back, w.read_back),
    pre_image = coalesce(r.pre_image, w.pre_image),
    looks = CASE WHEN r.pre_image IS NOT NULL THEN 0 ELSE w.looks + r.missed::int END,
    looked_at = CASE WHEN r.looked THEN now() ELSE w.looked_at END, absent_at = CASE WHEN r.absent THEN now() END,
    approval_rule = coalesce(r.approval_rule, w.approval_rule),
    approvals_needed = greatest(r.approvals_needed, w.approvals_needed),
    confirmed_at = CASE WHEN r.status = 'confirmed' THEN clock_timestamp() END
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, fence int, status text, detail text, due_seconds float8,
     receipt jsonb, read_back jsonb, pre_image jsonb, looked boolean, missed boolean, absent boolean,
     approval_rule text, approvals_needed int)
WHERE w.id = r.id AND w.fence = r.fence RETURNING w.id
"""


def lock_events(conn: Connection, event_ids: Sequence[UUID]) -> None:
    """Lock the events of writes, in the order in which everybody takes them."""
    conn.execute("SELECT 1 FROM events WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (list(event_ids),))


def record_results(conn: Connection, results: Sequence[Result]) -> set[UUID]:
    """Keep what came of claimed writes, each only under its own fence; returns those that were still ours.

    Locks the events first, as everybody does who holds both.
    """
    if not results:
        return set()
    lock_events(conn, [one.event_id for one in results])
    rows = conn.execute(_RECORD, (msgspec.json.encode(results).decode(),))
    return {row["id"] for row in rows}
