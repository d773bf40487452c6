"""Orders by source: an integrator with few orders among many does not read them all.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_orders_source_placed_at_id", "orders", ["source", "placed_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_orders_source_placed_at_id", "orders")
