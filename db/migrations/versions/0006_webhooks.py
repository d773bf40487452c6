"""Outgoing webhooks: where events are posted to, how far each receiver has come, and what was given up.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("owner", postgresql.JSONB(), nullable=False),
        sa.Column("owner_name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("document", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("disabled_reason", sa.Text()),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("secret_before", sa.LargeBinary()),
        sa.Column("secret_before_until", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True)),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True)),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True)),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.Text()),
        sa.Column("delivered", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('ENABLED', 'DISABLED')", name=op.f("ck_webhook_endpoints_state_known")),
        sa.CheckConstraint(
            "disabled_reason IN ('OWNER', 'GONE', 'FAILING', 'ACCESS_REVOKED', 'SECRET_LOST', 'DOCUMENT_INVALID')",
            name=op.f("ck_webhook_endpoints_disabled_reason_known"),
        ),
        sa.CheckConstraint(
            "(state = 'DISABLED') = (disabled_reason IS NOT NULL)",
            name=op.f("ck_webhook_endpoints_disabled_has_reason"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index("ix_webhook_endpoints_owner_name", "webhook_endpoints", ["owner_name"])
    op.create_table(
        "webhook_dead_letters",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.Text()),
        sa.Column("died_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("reason IN ('FAILING', 'TOO_LARGE')", name=op.f("ck_webhook_dead_letters_reason_known")),
        sa.CheckConstraint("state IN ('DEAD', 'QUEUED')", name=op.f("ck_webhook_dead_letters_state_known")),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name=op.f("fk_webhook_dead_letters_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_dead_letters")),
        sa.UniqueConstraint("endpoint_id", "message_id", name=op.f("uq_webhook_dead_letters_endpoint_id_message_id")),
    )


def downgrade() -> None:
    for table in ("webhook_dead_letters", "webhook_endpoints"):
        op.drop_table(table)
