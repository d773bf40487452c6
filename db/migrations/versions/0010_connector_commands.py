"""Connectors: what outside systems are asked to do.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KINDS = "kind IN ('REQUEST_FULFILLMENT', 'CANCEL_FULFILLMENT')"
STATES = "state IN ('PENDING', 'SENT', 'DONE', 'REFUSED', 'DEAD')"


def upgrade() -> None:
    op.create_table(
        "connector_commands",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="PENDING", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("owner", sa.Uuid()),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("fulfillment_id", sa.Text()),
        sa.Column("refused", sa.Text()),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_connector_commands_kind_known")),
        sa.CheckConstraint(STATES, name=op.f("ck_connector_commands_state_known")),
        sa.CheckConstraint(
            "state <> 'DONE' OR answered_at IS NOT NULL", name=op.f("ck_connector_commands_done_is_answered")
        ),
        sa.CheckConstraint(
            "state <> 'REFUSED' OR refused IS NOT NULL", name=op.f("ck_connector_commands_refused_has_reason")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_connector_commands_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connector_commands")),
        sa.UniqueConstraint("key", name=op.f("uq_connector_commands_key")),
    )
    op.create_index("ix_connector_commands_order_id", "connector_commands", ["order_id"])
    op.create_index(
        "ix_connector_commands_due",
        "connector_commands",
        ["instance", "next_attempt_at"],
        postgresql_where=sa.text("state IN ('PENDING', 'SENT')"),
    )


def downgrade() -> None:
    op.drop_table("connector_commands")
