"""What came in from outside: every event once, what each source said last, and answers kept for repeated requests."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from db.tables.base import count, instant, metadata, stamped, text

# One row per (source, event id) for 30 days. `raw` is kept only while the event waits: it may hold personal data.
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("body_sha256", sa.LargeBinary, nullable=False),
    text("kind"),
    # What the event waits for and is kept in order by, such as `order:web/1001`.
    text("order_key"),
    sa.Column("raw", postgresql.JSONB),
    text("actor"),
    instant("occurred_at", nullable=False),
    stamped("received_at"),
    text("state"),
    count("attempts"),
    instant("next_attempt_at"),
    text("error", nullable=True),
    # How often this id came again with another content.
    count("reused"),
    sa.CheckConstraint("state IN ('NEW', 'DONE', 'PARKED', 'DEAD')", name="state_known"),
    sa.CheckConstraint("state IN ('NEW', 'DONE') OR raw IS NOT NULL", name="waiting_has_raw"),
)
sa.Index(
    "ix_inbox_order_key_waiting",
    inbox.c.order_key,
    inbox.c.occurred_at,
    postgresql_where=inbox.c.state.in_(["PARKED", "DEAD"]),
)
sa.Index("ix_inbox_received_at", inbox.c.received_at)

# The newest word of each source on each thing; newer is (source_version, occurred_at, rank, event_id).
facts = sa.Table(
    "facts",
    metadata,
    # The order, or the item for facts on stock.
    sa.Column("subject_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("source_version", sa.BigInteger, nullable=False, server_default="0"),
    instant("occurred_at", nullable=False),
    sa.Column("rank", sa.Integer, nullable=False, server_default="0"),
    text("event_id"),
    # Never personal data.
    sa.Column("body", postgresql.JSONB, nullable=False, server_default=sa.text("'{}'")),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    text("state"),
    sa.Column("response", sa.LargeBinary),
    # Drawn by each run, so that a run that lost its lease cannot store its answer.
    sa.Column("owner", sa.Uuid, nullable=False),
    stamped("created_at"),
    instant("lease_until", nullable=False),
    instant("expires_at", nullable=False),
    sa.CheckConstraint("state IN ('IN_PROGRESS', 'DONE')", name="state_known"),
    sa.CheckConstraint("state <> 'DONE' OR response IS NOT NULL", name="done_has_response"),
)
sa.Index("ix_idempotency_keys_expires_at", idempotency_keys.c.expires_at)
