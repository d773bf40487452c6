"""Connectors: how far we have come with each outside system.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connector_watermarks",
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("capability", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("watermark", sa.DateTime(timezone=True)),
        sa.Column("began_at", sa.DateTime(timezone=True)),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("cursor", sa.Text()),
        sa.Column("newest_at", sa.DateTime(timezone=True)),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("records", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("failed_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.Column("owner", sa.Uuid()),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "mode IN ('SYNC', 'BACKFILL', 'RECONCILE')", name=op.f("ck_connector_watermarks_mode_known")
        ),
        sa.CheckConstraint(
            "cursor IS NULL OR began_at IS NOT NULL", name=op.f("ck_connector_watermarks_cursor_of_a_pull")
        ),
        sa.PrimaryKeyConstraint("instance", "capability", "mode", name=op.f("pk_connector_watermarks")),
    )


def downgrade() -> None:
    op.drop_table("connector_watermarks")
