"""Connectors: the request behind a work order is found by the system's id of it.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_connector_commands_instance_fulfillment_id", "connector_commands", ["instance", "fulfillment_id"]
    )


def downgrade() -> None:
    op.drop_index("ix_connector_commands_instance_fulfillment_id", "connector_commands")
