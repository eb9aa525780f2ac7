"""The spine: events, writes, books, cases, audit."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


SQL = Path(__file__).parents[1] / "sql"


def _run_scripts() -> None:
    """Functions and triggers, which Alembic cannot describe; payloads compressed the cheap way where it can be."""
    bind = op.get_bind()
    for name in ("audit.sql", "books.sql", "approvals.sql", "judgement.sql", "fixes.sql"):
        # Doubled, because the driver reads a lone % as a placeholder.
        bind.exec_driver_sql((SQL / name).read_text().replace("%", "%%"))
    bind.exec_driver_sql(
        "DO $$ BEGIN ALTER TABLE payloads ALTER COLUMN body SET COMPRESSION lz4; "
        "EXCEPTION WHEN feature_not_supported THEN NULL; END $$"
    )


def upgrade() -> None:
    op.create_table(
        "api_requests",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lane", "seq"),
    )
    op.create_index("audit_entries_subject", "audit_entries", ["subject", "lane", "seq"], unique=False)
    op.create_table(
        "audit_heads",
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("hash", sa.LargeBinary(), server_default=sa.text("'\\x'::bytea"), nullable=False),
        sa.PrimaryKeyConstraint("lane"),
    )
    op.create_table(
        "books_accounts",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('asset', 'liability', 'equity', 'income', 'expense')", name="books_accounts_kind"),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "books_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("write_key", sa.String(), nullable=False),
        sa.Column("entry_date", sa.Date(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("refers_to", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("write_key", name="books_entries_write_key"),
    )
    op.create_index("books_entries_date", "books_entries", ["entry_date", "id"], unique=False)
    op.create_table(
        "books_lines",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=True),
        sa.CheckConstraint("amount_minor <> 0", name="books_lines_not_zero"),
        sa.PrimaryKeyConstraint("entry_id", "position"),
    )
    op.create_index("books_lines_account", "books_lines", ["account"], unique=False)
    op.create_table(
        "cap_uses",
        sa.Column("cap", sa.String(), nullable=False),
        sa.Column("write_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("account", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("cap", "write_id"),
    )
    op.create_index("cap_uses_window", "cap_uses", ["cap", "at"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("failure_class", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("status", sa.String(), server_default="open", nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("handler", sa.String(), nullable=True),
        sa.Column("destination", sa.String(), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("events", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("dollars", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalation_level", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("escalated_to", sa.String(), nullable=True),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ladder_from", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("rungs_told", postgresql.ARRAY(sa.Integer()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'acknowledged', 'snoozed', 'resolved', 'dismissed')", name="cases_status"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "cases_closed",
        "cases",
        ["closed_at"],
        unique=False,
        postgresql_include=["failure_class", "source", "handler", "owner", "opened_at"],
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index(
        "cases_desk",
        "cases",
        ["failure_class", "source", "handler", "owner"],
        unique=False,
        postgresql_include=["id", "status", "opened_at", "due_at", "dollars"],
        postgresql_where=sa.text("status IN ('open', 'acknowledged', 'snoozed')"),
    )
    op.create_index(
        "cases_live",
        "cases",
        ["fingerprint"],
        unique=True,
        postgresql_where=sa.text("status IN ('open', 'acknowledged', 'snoozed')"),
    )
    op.create_index("cases_status_due", "cases", ["status", "due_at"], unique=False)
    op.create_table(
        "checkpoints",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("input_hash", sa.String(), nullable=False),
        sa.Column(
            "output", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "generation", "step"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("scope", sa.String(), nullable=True),
        sa.Column("generation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("handler", sa.String(), nullable=True),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("question_version", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("input_hash", sa.String(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("counterparty", sa.String(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("threshold", sa.Float(), nullable=True),
        sa.Column("runner_up", sa.String(), nullable=True),
        sa.Column("runner_up_confidence", sa.Float(), nullable=True),
        sa.Column(
            "evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column(
            "precedents", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("tokens_in", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tokens_out", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cost_micro_usd", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("acted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("sampled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("settled_label", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(status = 'settled') = (settled_by IS NOT NULL)", name="decisions_settled_by_somebody"),
        sa.CheckConstraint("status <> 'committed' OR label IS NOT NULL", name="decisions_committed_has_a_label"),
        sa.CheckConstraint("status IN ('committed', 'asked', 'settled')", name="decisions_status"),
        sa.CheckConstraint("tier IN ('repeat', 'local', 'hosted')", name="decisions_tier"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "decisions_asked", "decisions", ["question", "id"], unique=False, postgresql_where=sa.text("status = 'asked'")
    )
    op.create_index("decisions_counterparty", "decisions", ["question", "counterparty", "created_at"], unique=False)
    op.create_index("decisions_event", "decisions", ["event_id"], unique=False)
    op.create_index(
        "decisions_item", "decisions", ["scope", "question", "item", "question_version", "input_hash"], unique=True
    )
    op.create_index("decisions_question", "decisions", ["question", "created_at"], unique=False)
    op.create_table(
        "desk_looks",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("before_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("person"),
    )
    op.create_table(
        "destination_states",
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("replay_tokens", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("breaker", sa.String(), server_default="closed", nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("looks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("breaker IN ('closed', 'open', 'half_open')", name="destination_states_breaker"),
        sa.PrimaryKeyConstraint("destination"),
    )
    op.create_table(
        "digests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("cases", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("digests_day", "digests", ["day", "person"], unique=True)
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(), server_default="queued", nullable=False),
        sa.Column("deliveries", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("api_version", sa.String(), nullable=True),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=True),
        sa.Column("form", sa.String(), server_default="full", nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=True),
        sa.Column("fault", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("payload_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("generation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("handler", sa.String(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("replay_id", sa.Uuid(), nullable=True),
        sa.Column("parked", sa.String(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("crashes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'done', 'ignored', 'superseded', 'waiting', 'exception')",
            name="events_status",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "key", name="events_identity"),
        postgresql_with={
            "fillfactor": "50",
            "autovacuum_vacuum_scale_factor": "0.02",
            "autovacuum_analyze_scale_factor": "0.02",
        },
    )
    op.create_index("events_case", "events", ["case_id"], unique=False, postgresql_where=sa.text("case_id IS NOT NULL"))
    op.create_index("events_due", "events", ["due_at"], unique=False, postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index("events_parked", "events", ["parked"], unique=False, postgresql_where=sa.text("parked IS NOT NULL"))
    op.create_index("events_subject", "events", ["subject", "id"], unique=False)
    op.create_index(
        "events_subject_due",
        "events",
        ["subject", sa.literal_column("coalesce(occurred_at, received_at)"), "id"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "facts",
        sa.Column("fact", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("fact", "event_id"),
    )
    op.create_index("facts_event", "facts", ["event_id"], unique=False)
    op.create_table(
        "fixes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), server_default="proposed", nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "conditions", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "settings", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column(
            "preview", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("approver", sa.String(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approval_reason", sa.Text(), nullable=True),
        sa.Column("replay_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawal_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(status = 'withdrawn') = (withdrawn_by IS NOT NULL)", name="fixes_withdrawn_by_somebody"),
        sa.CheckConstraint("status <> 'active' OR approver IS NOT NULL", name="fixes_active_was_approved"),
        sa.CheckConstraint("status IN ('proposed', 'active', 'withdrawn')", name="fixes_status"),
        sa.CheckConstraint("(approver IS NULL) = (approved_at IS NULL)", name="fixes_approved_by_somebody"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("fixes_active", "fixes", ["source"], unique=False, postgresql_where=sa.text("status = 'active'"))
    op.create_index(
        "fixes_digest", "fixes", ["digest"], unique=True, postgresql_where=sa.text("status IN ('proposed', 'active')")
    )
    op.create_table(
        "handler_versions",
        sa.Column("handler", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("handler", "version"),
    )
    op.create_table(
        "looks",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=False),
        sa.Column(
            "seen", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("looked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("before_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("person", "about"),
    )
    op.create_index("looks_old", "looks", ["looked_at"], unique=False)
    op.create_table(
        "mention_marks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("through", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "mentions",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.Text(collation="C"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('id', 'email', 'name', 'amount')", name="mentions_kind"),
        sa.PrimaryKeyConstraint("kind", "value", "amount_minor", "event_id"),
    )
    op.create_index("mentions_event", "mentions", ["event_id"], unique=False)
    op.create_table(
        "model_spends",
        sa.Column("budget", sa.String(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reserved_micro_usd", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("spent_micro_usd", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("reserved_micro_usd >= 0 AND spent_micro_usd >= 0", name="model_spends_positive"),
        sa.PrimaryKeyConstraint("budget", "window_start"),
    )
    op.create_table(
        "paid_answers",
        sa.Column("question_version", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("input_hash", sa.String(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cost_micro_usd", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("question_version", "model", "input_hash"),
    )
    op.create_table(
        "pauses",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("paused_by", sa.String(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("scope IN ('source', 'handler', 'destination', 'action')", name="pauses_scope"),
        sa.PrimaryKeyConstraint("scope", "name"),
    )
    op.create_table(
        "payloads",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "version"),
    )
    op.create_table(
        "question_states",
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("question_version", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("mode IN ('shadow', 'ask', 'automatic')", name="question_states_mode"),
        sa.PrimaryKeyConstraint("question"),
    )
    op.create_table(
        "rejection_counts",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("minute", "source", "reason"),
    )
    op.create_table(
        "rejections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("body_bytes", sa.Integer(), nullable=True),
        sa.Column("client", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "replays",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), server_default="planned", nullable=False),
        sa.Column(
            "filter", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("from_step", sa.String(), server_default="start", nullable=False),
        sa.Column(
            "plan", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('planned', 'running', 'paused', 'finished', 'cancelled')", name="replays_status"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "reversals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), server_default="planned", nullable=False),
        sa.Column(
            "filter", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "plan", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('planned', 'running', 'paused', 'finished', 'cancelled')", name="reversals_status"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rollout_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handler", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("segment", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rollout_changes_handler", "rollout_changes", ["handler", "id"], unique=False)
    op.create_table(
        "rollouts",
        sa.Column("handler", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("segment", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("mode IN ('shadow', 'partial', 'full')", name="rollouts_mode"),
        sa.PrimaryKeyConstraint("handler"),
    )
    op.create_table(
        "rosters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column(
            "content", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("handler", sa.String(), nullable=True),
        sa.Column("handler_version", sa.String(), nullable=True),
        sa.Column("contract", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("failure_class", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column(
            "steps", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("replay_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("runs_event", "runs", ["event_id"], unique=False)
    op.create_table(
        "subject_states",
        sa.Column("handler", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("event_key", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("handler", "subject"),
    )
    op.create_table(
        "tallies",
        sa.Column("step_seconds", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "numbers", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("counted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("step_seconds", "at"),
    )
    op.create_table(
        "throttles",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("throttles_last", "throttles", ["last_at"], unique=False)
    op.create_table(
        "trained_models",
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("question_version", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("labels_seq", sa.BigInteger(), nullable=False),
        sa.Column("artifact", sa.LargeBinary(), nullable=False),
        sa.Column(
            "report", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('candidate', 'active', 'retired', 'refused')", name="trained_models_status"),
        sa.PrimaryKeyConstraint("question", "number"),
    )
    op.create_index(
        "trained_models_one_active",
        "trained_models",
        ["question"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_table(
        "trials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("question_version", sa.String(), nullable=False),
        sa.Column("challenger", sa.String(), nullable=False),
        sa.Column("challenger_version", sa.String(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("challenger ~ '^(training:[0-9]+|next|hosted)$'", name="trials_challenger"),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="trials_ended_by_somebody"),
        sa.CheckConstraint("share > 0 AND share <= 1", name="trials_share"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "trials_one_runs", "trials", ["question"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index("trials_question", "trials", ["question", "started_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("grants", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("name = lower(name) AND email = lower(email)", name="users_lower"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index("users_email", "users", ["email"], unique=True)
    op.create_index("users_provider", "users", ["issuer", "subject"], unique=True)
    op.create_table(
        "writes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("status", sa.String(), server_default="planned", nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("target", sa.String(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column(
            "action", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("handler", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("order_key", sa.String(), nullable=True),
        sa.Column("looks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("probes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pre_image", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("absent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("read_back", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("approval_rule", sa.String(), nullable=True),
        sa.Column("approvals_needed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reverses", sa.Uuid(), nullable=True),
        sa.Column("replayed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('planned', 'awaiting_approval', 'approved', 'sending', 'confirmed', 'shadow', 'rejected', 'expired', 'refused', 'in_doubt', 'superseded', 'reversing', 'reversed')",
            name="writes_status",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="writes_key"),
    )
    op.create_index(
        "writes_due",
        "writes",
        ["destination", "replayed", "due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("writes_event", "writes", ["event_id"], unique=False)
    op.create_index("writes_in_doubt", "writes", ["id"], unique=False, postgresql_where=sa.text("status = 'in_doubt'"))
    op.create_index(
        "writes_of_reversal", "writes", ["reverses"], unique=False, postgresql_where=sa.text("reverses IS NOT NULL")
    )
    op.create_index(
        "writes_record_sent",
        "writes",
        [
            "destination",
            sa.literal_column("coalesce(receipt ->> 'reference', pre_image ->> 'reference', '')"),
            "first_sent_at",
        ],
        unique=False,
        postgresql_where=sa.text("first_sent_at IS NOT NULL"),
    )
    op.create_index(
        "writes_regretted",
        "writes",
        ["handler", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('refused', 'rejected', 'reversing', 'reversed')"),
    )
    op.create_index(
        "writes_reverses",
        "writes",
        ["reverses"],
        unique=True,
        postgresql_where=sa.text(
            "reverses IS NOT NULL AND status NOT IN ('refused', 'superseded', 'rejected', 'expired')"
        ),
    )
    op.create_index(
        "writes_shadow", "writes", ["handler", "id"], unique=False, postgresql_where=sa.text("status = 'shadow'")
    )
    op.create_index("writes_subject", "writes", ["subject", "id"], unique=False)
    op.create_index(
        "writes_target_live",
        "writes",
        ["target", "order_at", "order_key"],
        unique=False,
        postgresql_where=sa.text("target IS NOT NULL AND coalesce(confirmed_at, 'infinity') = 'infinity'"),
    )
    op.create_index(
        "writes_target_written",
        "writes",
        ["target", "confirmed_at"],
        unique=False,
        postgresql_where=sa.text("target IS NOT NULL AND confirmed_at IS NOT NULL"),
    )
    op.create_index(
        "writes_unsettled", "writes", ["id"], unique=False, postgresql_where=sa.text("confirmed_at IS NULL")
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index("api_tokens_hash", "api_tokens", ["token_hash"], unique=True)
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("write_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), server_default="open", nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column(
            "shown", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("needed", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("edited_by", sa.String(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'approved', 'rejected', 'expired', 'void', 'used')", name="approvals_status"
        ),
        sa.ForeignKeyConstraint(
            ["write_id"],
            ["writes.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "approvals_edited", "approvals", ["opened_at"], unique=False, postgresql_where=sa.text("edited_by IS NOT NULL")
    )
    op.create_index(
        "approvals_expiring",
        "approvals",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('open', 'approved')"),
    )
    op.create_index(
        "approvals_live",
        "approvals",
        ["write_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('open', 'approved', 'used')"),
    )
    op.create_index("approvals_write", "approvals", ["write_id"], unique=False)
    op.create_table(
        "case_events",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("seen", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["cases.id"],
        ),
        sa.PrimaryKeyConstraint("case_id", "event_id"),
    )
    op.create_index(
        "case_events_blocked",
        "case_events",
        ["event_id"],
        unique=False,
        postgresql_include=["case_id"],
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_index(
        "case_events_came", "case_events", ["added_at"], unique=False, postgresql_include=["currency", "amount_minor"]
    )
    op.create_index("case_events_event", "case_events", ["event_id"], unique=False)
    op.create_index(
        "case_events_open",
        "case_events",
        ["case_id", "event_id"],
        unique=False,
        postgresql_include=["currency", "amount_minor"],
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_index(
        "case_events_went",
        "case_events",
        ["cleared_at"],
        unique=False,
        postgresql_include=["currency", "amount_minor"],
        postgresql_where=sa.text("cleared_at IS NOT NULL"),
    )
    op.create_table(
        "echoes",
        sa.Column("write_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["write_id"],
            ["writes.id"],
        ),
        sa.PrimaryKeyConstraint("write_id", "part"),
    )
    op.create_index("echoes_event", "echoes", ["event_id"], unique=True)
    op.create_table(
        "known_browsers",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("known_browsers_expires", "known_browsers", ["expires_at"], unique=False)
    op.create_table(
        "labels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("input_hash", sa.String(), nullable=False),
        sa.Column(
            "fields", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("use", sa.String(), nullable=False),
        sa.Column("uniform", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("counterparty", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "origin IN ('imported', 'correction', 'override', 'sample', 'labelling', 'approval')", name="labels_origin"
        ),
        sa.CheckConstraint("use IN ('learn', 'calibrate', 'golden')", name="labels_use"),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["decisions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("labels_input", "labels", ["question", "input_hash"], unique=False)
    op.create_index("labels_question_seq", "labels", ["question", "seq"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("digest_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("status", sa.String(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("fallback_of", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'sending', 'sent', 'failed', 'fallback')", name="notifications_status"
        ),
        sa.CheckConstraint("num_nonnulls(case_id, digest_id) = 1", name="notifications_about"),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["cases.id"],
        ),
        sa.ForeignKeyConstraint(
            ["digest_id"],
            ["digests.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("notifications_case", "notifications", ["case_id", "id"], unique=False)
    op.create_index(
        "notifications_pending",
        "notifications",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'sending')"),
    )
    op.create_index(
        "notifications_receipts",
        "notifications",
        ["recipient", "channel", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('sent', 'failed', 'fallback')"),
    )
    op.create_table(
        "replay_items",
        sa.Column("replay_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), server_default="planned", nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('planned', 'queued', 'done', 'failed', 'skipped')", name="replay_items_status"),
        sa.ForeignKeyConstraint(["replay_id"], ["replays.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("replay_id", "event_id"),
    )
    op.create_index("replay_items_status_idx", "replay_items", ["replay_id", "status"], unique=False)
    op.create_table(
        "reversal_items",
        sa.Column("reversal_id", sa.Uuid(), nullable=False),
        sa.Column("write_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("inverse_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(), server_default="planned", nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('planned', 'begun', 'reversed', 'kept', 'failed', 'skipped')", name="reversal_items_status"
        ),
        sa.ForeignKeyConstraint(["reversal_id"], ["reversals.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("reversal_id", "write_id"),
    )
    op.create_index("reversal_items_status_idx", "reversal_items", ["reversal_id", "status", "position"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("write_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["write_id"],
            ["writes.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reviews_person", "reviews", ["write_id", "person"], unique=True)
    op.create_table(
        "second_answers",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("trial_id", sa.Uuid(), nullable=False),
        sa.Column("input_hash", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("would_act", sa.Boolean(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("cost_micro_usd", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("champion_label", sa.String(), nullable=True),
        sa.Column("champion_would_act", sa.Boolean(), nullable=False),
        sa.Column("champion_cost_micro_usd", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("champion_latency_ms", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["decisions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["trial_id"],
            ["trials.id"],
        ),
        sa.PrimaryKeyConstraint("decision_id", "trial_id"),
    )
    op.create_index("second_answers_trial", "second_answers", ["trial_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reauthenticated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("how", sa.String(), server_default="password", nullable=False),
        sa.Column("agent", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sessions_expires", "sessions", ["expires_at"], unique=False)
    op.create_index("sessions_token", "sessions", ["token_hash"], unique=True)
    op.create_index("sessions_user", "sessions", ["user_id"], unique=False)
    op.create_table(
        "sign_in_links",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('password', 'enter')", name="sign_in_links_purpose"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("sign_in_links_user", "sign_in_links", ["user_id"], unique=False)
    op.create_table(
        "approval_votes",
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("voted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("decision IN ('approve', 'reject')", name="approval_votes_decision"),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["approvals.id"],
        ),
        sa.PrimaryKeyConstraint("approval_id", "person"),
    )
    op.create_table(
        "provider_visits",
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("back_to", sa.Text(), nullable=False),
        sa.Column("again", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("state_hash"),
    )
    op.create_table(
        "told_links",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.id"],
        ),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("told_links_expires", "told_links", ["expires_at"], unique=False)

    _run_scripts()


def downgrade() -> None:
    for function in (
        "audit_append",
        "refuse_change",
        "books_refuse_change",
        "books_lines_balance",
        "books_entry_complete",
        "writes_may_move",
        "write_is_approved",
        "writes_refuse",
        "writes_keep_rules",
        "approvals_keep_rules",
        "approval_votes_keep_rules",
        "write_is_of",
        "decisions_keep_rules",
        "fixes_keep_rules",
    ):
        op.execute(f"DROP FUNCTION IF EXISTS {function} CASCADE")
    op.drop_index("told_links_expires", table_name="told_links")
    op.drop_table("told_links")
    op.drop_table("provider_visits")
    op.drop_table("approval_votes")
    op.drop_index("sign_in_links_user", table_name="sign_in_links")
    op.drop_table("sign_in_links")
    op.drop_index("sessions_user", table_name="sessions")
    op.drop_index("sessions_token", table_name="sessions")
    op.drop_index("sessions_expires", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index("second_answers_trial", table_name="second_answers")
    op.drop_table("second_answers")
    op.drop_index("reviews_person", table_name="reviews")
    op.drop_table("reviews")
    op.drop_index("reversal_items_status_idx", table_name="reversal_items")
    op.drop_table("reversal_items")
    op.drop_index("replay_items_status_idx", table_name="replay_items")
    op.drop_table("replay_items")
    op.drop_index(
        "notifications_receipts",
        table_name="notifications",
        postgresql_where=sa.text("status IN ('sent', 'failed', 'fallback')"),
    )
    op.drop_index(
        "notifications_pending",
        table_name="notifications",
        postgresql_where=sa.text("status IN ('pending', 'sending')"),
    )
    op.drop_index("notifications_case", table_name="notifications")
    op.drop_table("notifications")
    op.drop_index("labels_question_seq", table_name="labels")
    op.drop_index("labels_input", table_name="labels")
    op.drop_table("labels")
    op.drop_index("known_browsers_expires", table_name="known_browsers")
    op.drop_table("known_browsers")
    op.drop_index("echoes_event", table_name="echoes")
    op.drop_table("echoes")
    op.drop_index(
        "case_events_went",
        table_name="case_events",
        postgresql_include=["currency", "amount_minor"],
        postgresql_where=sa.text("cleared_at IS NOT NULL"),
    )
    op.drop_index(
        "case_events_open",
        table_name="case_events",
        postgresql_include=["currency", "amount_minor"],
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.drop_index("case_events_event", table_name="case_events")
    op.drop_index("case_events_came", table_name="case_events", postgresql_include=["currency", "amount_minor"])
    op.drop_index(
        "case_events_blocked",
        table_name="case_events",
        postgresql_include=["case_id"],
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.drop_table("case_events")
    op.drop_index("approvals_write", table_name="approvals")
    op.drop_index(
        "approvals_live", table_name="approvals", postgresql_where=sa.text("status IN ('open', 'approved', 'used')")
    )
    op.drop_index(
        "approvals_expiring", table_name="approvals", postgresql_where=sa.text("status IN ('open', 'approved')")
    )
    op.drop_index("approvals_edited", table_name="approvals", postgresql_where=sa.text("edited_by IS NOT NULL"))
    op.drop_table("approvals")
    op.drop_index("api_tokens_hash", table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_index("writes_unsettled", table_name="writes", postgresql_where=sa.text("confirmed_at IS NULL"))
    op.drop_index(
        "writes_target_written",
        table_name="writes",
        postgresql_where=sa.text("target IS NOT NULL AND confirmed_at IS NOT NULL"),
    )
    op.drop_index(
        "writes_target_live",
        table_name="writes",
        postgresql_where=sa.text("target IS NOT NULL AND coalesce(confirmed_at, 'infinity') = 'infinity'"),
    )
    op.drop_index("writes_subject", table_name="writes")
    op.drop_index("writes_shadow", table_name="writes", postgresql_where=sa.text("status = 'shadow'"))
    op.drop_index(
        "writes_reverses",
        table_name="writes",
        postgresql_where=sa.text(
            "reverses IS NOT NULL AND status NOT IN ('refused', 'superseded', 'rejected', 'expired')"
        ),
    )
    op.drop_index(
        "writes_regretted",
        table_name="writes",
        postgresql_where=sa.text("status IN ('refused', 'rejected', 'reversing', 'reversed')"),
    )
    op.drop_index("writes_record_sent", table_name="writes", postgresql_where=sa.text("first_sent_at IS NOT NULL"))
    op.drop_index("writes_of_reversal", table_name="writes", postgresql_where=sa.text("reverses IS NOT NULL"))
    op.drop_index("writes_in_doubt", table_name="writes", postgresql_where=sa.text("status = 'in_doubt'"))
    op.drop_index("writes_event", table_name="writes")
    op.drop_index("writes_due", table_name="writes", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_table("writes")
    op.drop_index("users_provider", table_name="users")
    op.drop_index("users_email", table_name="users")
    op.drop_table("users")
    op.drop_index("trials_question", table_name="trials")
    op.drop_index("trials_one_runs", table_name="trials", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("trials")
    op.drop_index(
        "trained_models_one_active", table_name="trained_models", postgresql_where=sa.text("status = 'active'")
    )
    op.drop_table("trained_models")
    op.drop_index("throttles_last", table_name="throttles")
    op.drop_table("throttles")
    op.drop_table("tallies")
    op.drop_table("subject_states")
    op.drop_index("runs_event", table_name="runs")
    op.drop_table("runs")
    op.drop_table("rosters")
    op.drop_table("rollouts")
    op.drop_index("rollout_changes_handler", table_name="rollout_changes")
    op.drop_table("rollout_changes")
    op.drop_table("reversals")
    op.drop_table("replays")
    op.drop_table("rejections")
    op.drop_table("rejection_counts")
    op.drop_table("question_states")
    op.drop_table("payloads")
    op.drop_table("pauses")
    op.drop_table("paid_answers")
    op.drop_table("model_spends")
    op.drop_index("mentions_event", table_name="mentions")
    op.drop_table("mentions")
    op.drop_table("mention_marks")
    op.drop_index("looks_old", table_name="looks")
    op.drop_table("looks")
    op.drop_table("handler_versions")
    op.drop_index("fixes_digest", table_name="fixes", postgresql_where=sa.text("status IN ('proposed', 'active')"))
    op.drop_index("fixes_active", table_name="fixes", postgresql_where=sa.text("status = 'active'"))
    op.drop_table("fixes")
    op.drop_index("facts_event", table_name="facts")
    op.drop_table("facts")
    op.drop_index("events_subject_due", table_name="events", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_index("events_subject", table_name="events")
    op.drop_index("events_parked", table_name="events", postgresql_where=sa.text("parked IS NOT NULL"))
    op.drop_index("events_due", table_name="events", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_index("events_case", table_name="events", postgresql_where=sa.text("case_id IS NOT NULL"))
    op.drop_table("events")
    op.drop_index("digests_day", table_name="digests")
    op.drop_table("digests")
    op.drop_table("destination_states")
    op.drop_table("desk_looks")
    op.drop_index("decisions_question", table_name="decisions")
    op.drop_index("decisions_item", table_name="decisions")
    op.drop_index("decisions_event", table_name="decisions")
    op.drop_index("decisions_counterparty", table_name="decisions")
    op.drop_index("decisions_asked", table_name="decisions", postgresql_where=sa.text("status = 'asked'"))
    op.drop_table("decisions")
    op.drop_table("checkpoints")
    op.drop_index("cases_status_due", table_name="cases")
    op.drop_index(
        "cases_live", table_name="cases", postgresql_where=sa.text("status IN ('open', 'acknowledged', 'snoozed')")
    )
    op.drop_index(
        "cases_desk",
        table_name="cases",
        postgresql_include=["id", "status", "opened_at", "due_at", "dollars"],
        postgresql_where=sa.text("status IN ('open', 'acknowledged', 'snoozed')"),
    )
    op.drop_index(
        "cases_closed",
        table_name="cases",
        postgresql_include=["failure_class", "source", "handler", "owner", "opened_at"],
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.drop_table("cases")
    op.drop_index("cap_uses_window", table_name="cap_uses")
    op.drop_table("cap_uses")
    op.drop_index("books_lines_account", table_name="books_lines")
    op.drop_table("books_lines")
    op.drop_index("books_entries_date", table_name="books_entries")
    op.drop_table("books_entries")
    op.drop_table("books_accounts")
    op.drop_table("audit_heads")
    op.drop_index("audit_entries_subject", table_name="audit_entries")
    op.drop_table("audit_entries")
    op.drop_table("api_requests")
