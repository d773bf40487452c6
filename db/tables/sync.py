"""How far we have come with each outside system, and who is at it."""

import sqlalchemy as sa

from db.tables.base import count, instant, metadata, text

# One row per instance, capability and mode (SYNC, BACKFILL, RECONCILE).
connector_watermarks = sa.Table(
    "connector_watermarks",
    metadata,
    sa.Column("instance", sa.Text, primary_key=True),
    sa.Column("capability", sa.Text, primary_key=True),
    sa.Column("mode", sa.Text, primary_key=True),
    # All that changed there before it is in our inbox.
    instant("watermark"),
    # The pull under way: what it asks for, where it goes on after a crash, and the newest thing it was told so far.
    instant("began_at"),
    instant("since"),
    text("cursor", nullable=True),
    instant("newest_at"),
    count("pages"),
    count("records"),
    # Records in all that changed something here long after they were true: a webhook should have told them.
    count("missed"),
    instant("finished_at"),
    instant("failed_at"),
    text("error", nullable=True),
    # Drawn by each run; whoever finds another one in its place has lost its lease and writes nothing more.
    sa.Column("owner", sa.Uuid),
    instant("lease_until"),
    sa.CheckConstraint("mode IN ('SYNC', 'BACKFILL', 'RECONCILE')", name="mode_known"),
    sa.CheckConstraint("cursor IS NULL OR began_at IS NOT NULL", name="cursor_of_a_pull"),
)
