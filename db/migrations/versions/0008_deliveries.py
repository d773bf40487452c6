"""Connectors: what outside systems send by themselves.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connector_deliveries",
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("state", sa.Text(), server_default="NEW", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint("state IN ('NEW', 'DONE', 'DEAD')", name=op.f("ck_connector_deliveries_state_known")),
        sa.CheckConstraint("state <> 'NEW' OR body IS NOT NULL", name=op.f("ck_connector_deliveries_new_has_body")),
        sa.PrimaryKeyConstraint("instance", "delivery_id", name=op.f("pk_connector_deliveries")),
    )
    op.create_index(
        "ix_connector_deliveries_due",
        "connector_deliveries",
        ["instance", "next_attempt_at"],
        postgresql_where=sa.text("state = 'NEW'"),
    )
    op.create_index("ix_connector_deliveries_received_at", "connector_deliveries", ["received_at"])


def downgrade() -> None:
    op.drop_table("connector_deliveries")
