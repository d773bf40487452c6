"""Connectors: how many things a pull has read, and how many there are.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connector_watermarks", sa.Column("listed", sa.Integer(), server_default="0", nullable=False))
    op.add_column("connector_watermarks", sa.Column("total", sa.Integer()))


def downgrade() -> None:
    op.drop_column("connector_watermarks", "total")
    op.drop_column("connector_watermarks", "listed")
