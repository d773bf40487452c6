"""Where events are posted to, how far each receiver has come, and what was given up."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from db.tables.base import count, instant, key, metadata, stamped, text, words
from domain.webhook import DeadReason, DeadState, DisabledReason, EndpointState

webhook_endpoints = sa.Table(
    "webhook_endpoints",
    metadata,
    key(),
    # Whose rights decide what is sent; `owner_name` (role:subject) is who sees and manages it.
    sa.Column("owner", postgresql.JSONB, nullable=False),
    text("owner_name"),
    text("url"),
    text("description", default=""),
    # The subscription that is answered; null is the thin one.
    text("document", nullable=True),
    text("state"),
    text("disabled_reason", nullable=True),
    # Everything up to this place of the log was delivered, or does not concern the endpoint.
    sa.Column("position", sa.BigInteger, nullable=False),
    text("epoch"),
    # Encrypted. The one before is still used to sign until its time is over.
    sa.Column("secret", sa.LargeBinary, nullable=False),
    sa.Column("secret_before", sa.LargeBinary),
    instant("secret_before_until"),
    # Of the event that is next; both are over with the first success.
    count("attempts"),
    instant("failing_since"),
    instant("next_attempt_at"),
    instant("last_attempt_at"),
    sa.Column("last_status", sa.Integer),
    text("last_error", nullable=True),
    sa.Column("delivered", sa.BigInteger, nullable=False, server_default="0"),
    instant("delivered_at"),
    # Who delivers: whoever has taken the lease last, until it is over. An older fence may write nothing.
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"),
    instant("lease_until"),
    sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
    stamped("created_at"),
    stamped("updated_at"),
    words("state", EndpointState),
    words("disabled_reason", DisabledReason),
    sa.CheckConstraint("(state = 'DISABLED') = (disabled_reason IS NOT NULL)", name="disabled_has_reason"),
)
sa.Index("ix_webhook_endpoints_owner_name", webhook_endpoints.c.owner_name)

webhook_dead_letters = sa.Table(
    "webhook_dead_letters",
    metadata,
    key(),
    sa.Column("endpoint_id", sa.ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False),
    text("message_id"),
    sa.Column("journal_id", sa.BigInteger, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    text("reason"),
    text("state"),
    count("attempts"),
    sa.Column("last_status", sa.Integer),
    text("last_error", nullable=True),
    stamped("died_at"),
    sa.UniqueConstraint("endpoint_id", "message_id"),
    words("reason", DeadReason),
    words("state", DeadState),
)
