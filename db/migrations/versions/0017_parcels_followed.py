"""Connectors: parcels that carriers are asked about.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connector_parcels",
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("tracking_number", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("next_look_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True)),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("watched_until", sa.DateTime(timezone=True)),
        sa.Column("watch_refused_at", sa.DateTime(timezone=True)),
        sa.Column("given_up_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("instance", "carrier", "tracking_number", name=op.f("pk_connector_parcels")),
    )
    op.create_index(
        "ix_connector_parcels_due",
        "connector_parcels",
        ["instance", "next_look_at"],
        postgresql_where=sa.text("given_up_at IS NULL"),
    )
    op.create_index(
        "ix_shipments_open",
        "shipments",
        ["carrier", "tracking_number"],
        postgresql_where=sa.text("status NOT IN ('DELIVERED', 'RETURNED', 'LOST', 'CANCELLED')"),
    )


def downgrade() -> None:
    op.drop_index("ix_shipments_open", "shipments")
    op.drop_table("connector_parcels")
