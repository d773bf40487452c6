"""Stock: the newest count of each system, and the changes told beside them.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stock_counts",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default="0", nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("wins", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_counts_not_negative")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_stock_counts_item_id")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_stock_counts_location_id")),
        sa.PrimaryKeyConstraint("item_id", "location_id", "system", name=op.f("pk_stock_counts")),
    )
    op.create_index(
        "uq_stock_counts_winner",
        "stock_counts",
        ["item_id", "location_id"],
        unique=True,
        postgresql_where=sa.text("wins"),
    )
    op.create_table(
        "stock_changes",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("delta", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_stock_changes_item_id")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_stock_changes_location_id")),
        sa.PrimaryKeyConstraint("item_id", "location_id", "system", "event_id", name=op.f("pk_stock_changes")),
    )


def downgrade() -> None:
    op.drop_table("stock_changes")
    op.drop_table("stock_counts")
