"""Writes: one row per effect at a destination, unique by its business key for ever; each is its own outbox entry."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from counterfoil.lifecycle import WriteState
from counterfoil.tables.columns import Moment, document, moment, number, one_of


class Write(SQLModel, table=True):
    """One effect: what was planned, what was sent, what the destination answered.

    `due_at` is when it moves by itself (null: it does not), `lease_until` and `fence` belong to whoever has it in
    hand; both stay null for destinations in our own database, whose writes are born confirmed. Writes with the same
    `target` happen one at a time, in the order of (order_at, order_key).
    """

    __tablename__ = "writes"
    __table_args__ = (
        UniqueConstraint("key", name="writes_key"),
        one_of("status", WriteState, "writes_status"),
        Index("writes_event", "event_id"),
        Index("writes_subject", "subject", "id"),
        Index("writes_unsettled", "id", postgresql_where=text("confirmed_at IS NULL")),
        Index("writes_in_doubt", "id", postgresql_where=text("status = 'in_doubt'")),
        # In the order in which they are claimed: one destination's queue never hides another's.
        Index("writes_due", "destination", "replayed", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "writes_regretted",
            "handler",
            "id",
            postgresql_where=text("status IN ('refused', 'rejected', 'reversing', 'reversed')"),
        ),
        Index(
            "writes_target_live",
            "target",
            "order_at",
            "order_key",
            # Words that no other index's imply, nor they those: a claim must not take the whole queue for a target.
            postgresql_where=text("target IS NOT NULL AND coalesce(confirmed_at, 'infinity') = 'infinity'"),
        ),
        # Taken back once: a second inverse only after one that changed nothing.
        Index(
            "writes_reverses",
            "reverses",
            unique=True,
            postgresql_where=text(
                "reverses IS NOT NULL AND status NOT IN ('refused', 'superseded', 'rejected', 'expired')"
            ),
        ),
        # By what they take back, whatever became of them; and what a handler would have written.
        Index("writes_of_reversal", "reverses", postgresql_where=text("reverses IS NOT NULL")),
        Index("writes_shadow", "handler", "id", postgresql_where=text("status = 'shadow'")),
        Index(
            "writes_target_written",
            "target",
            "confirmed_at",
            postgresql_where=text("target IS NOT NULL AND confirmed_at IS NOT NULL"),
        ),
        # By the record at the destination: an event says no more of its origin. Only what went over a network is here.
        Index(
            "writes_record_sent",
            "destination",
            text("coalesce(receipt ->> 'reference', pre_image ->> 'reference', '')"),
            "first_sent_at",
            postgresql_where=text("first_sent_at IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    key: str
    destination: str
    operation: str
    status: str = Field(default="planned", sa_column_kwargs={"server_default": "planned"})
    subject: str | None = None
    #: The record that it changes, e.g. `hubspot:companies/stripe_customer_id=cus_1`.
    target: str | None = None
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = None
    #: {"body": what the destination gets, "evidence": why}
    action: dict[str, Any] = document(default="'{}'")
    digest: str
    event_id: UUID
    run_id: UUID | None = None
    handler: str | None = None
    #: How often it was planned anew after a refusal; a destination remembers a key together with what came under it.
    revision: int = number(0)
    #: Its place in the plan: sent after those before it are confirmed.
    position: int = number(0)
    order_at: Moment = moment()
    order_key: str | None = None
    #: How often its target was looked at in vain, how often it was sent, how often its outcome was asked for.
    looks: int = number(0)
    attempts: int = number(0)
    probes: int = number(0)
    first_sent_at: Moment = moment()
    last_sent_at: Moment = moment()
    #: What stood at the target before: {"version", "reference", "fields"}; null until it was looked at.
    pre_image: dict[str, Any] | None = document()
    #: When it was last seen that the target stands as it was shown; when it was last seen that a doubt was none.
    looked_at: Moment = moment()
    absent_at: Moment = moment()
    receipt: dict[str, Any] | None = document()
    read_back: dict[str, Any] | None = document()
    #: The last thing known, one sentence.
    detail: str | None = Field(default=None, sa_type=Text)
    #: The rule of the policy that asked for people, and how many of them.
    approval_rule: str | None = None
    approvals_needed: int = number(0)
    #: The write that this one takes back.
    reverses: UUID | None = None
    #: Of a replay: takes a lower share of what may be sent.
    replayed: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    due_at: Moment = moment()
    lease_until: Moment = moment()
    fence: int = number(0)
    created_at: Moment = moment(default_now=True)
    confirmed_at: Moment = moment()


class Approval(SQLModel, table=True):
    """One request for a person's decision over one write: exactly what was shown, until when it may be answered.

    A write has at most one request that counts. An edit or a changed target closes it (`void`) and opens another; the
    sending of its write uses it up. `migrations/sql/approvals.sql` holds the rules.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        one_of("status", ("open", "approved", "rejected", "expired", "void", "used"), "approvals_status"),
        Index(
            "approvals_live", "write_id", unique=True, postgresql_where=text("status IN ('open', 'approved', 'used')")
        ),
        Index("approvals_write", "write_id"),
        Index("approvals_edited", "opened_at", postgresql_where=text("edited_by IS NOT NULL")),
        Index("approvals_expiring", "expires_at", postgresql_where=text("status IN ('open', 'approved')")),
    )

    id: UUID = Field(primary_key=True)
    write_id: UUID = Field(foreign_key="writes.id")
    status: str = Field(default="open", sa_column_kwargs={"server_default": "open"})
    #: SHA-256 over `shown`; whoever approves repeats it.
    digest: str
    #: The action rendered for people, the pre-image with its version, evidence, downstream effects, alternatives.
    shown: dict[str, Any] = document(default="'{}'")
    rule: str
    needed: int = number(1)
    #: Who changed the action, or the event's payload, last; nobody who ever did may approve the write.
    edited_by: str | None = None
    opened_at: Moment = moment(default_now=True)
    expires_at: Moment = moment(nullable=False)
    closed_at: Moment = moment()


class ApprovalVote(SQLModel, table=True):
    """One person's answer to one request; the database refuses a second one, the editor's, and a late one."""

    __tablename__ = "approval_votes"

    approval_id: UUID = Field(primary_key=True, foreign_key="approvals.id")
    person: str = Field(primary_key=True)
    decision: str
    digest: str
    reason: str = Field(sa_type=Text)
    voted_at: Moment = moment(default_now=True)

    __table_args__ = (one_of("decision", ("approve", "reject"), "approval_votes_decision"),)


class Echo(SQLModel, table=True):
    """An event that one of our own writes caused. Each part of a write explains one event, so a second is genuine."""

    __tablename__ = "echoes"
    __table_args__ = (Index("echoes_event", "event_id", unique=True),)

    write_id: UUID = Field(primary_key=True, foreign_key="writes.id")
    #: What of the write came back: an event type, or a property's name.
    part: str = Field(primary_key=True)
    event_id: UUID
    seen_at: Moment = moment(default_now=True)


class Fact(SQLModel, table=True):
    """A business fact that several events tell: they find each other here."""

    __tablename__ = "facts"
    __table_args__ = (Index("facts_event", "event_id"),)

    fact: str = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    seen_at: Moment = moment(default_now=True)
