"""Orders by source: an integrator with few orders among many does not read them all.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_orders_source_placed_at_id", "orders", ["source", "placed_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_orders_source_placed_at_id", "orders")
