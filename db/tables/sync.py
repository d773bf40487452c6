"""How far we have come with each outside system, who is at it, and what the systems sent by themselves."""

import sqlalchemy as sa

from db.tables.base import count, instant, metadata, stamped, text

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

# What outside systems sent to /webhooks/NAME and was genuine. Its id is known for 30 days.
connector_deliveries = sa.Table(
    "connector_deliveries",
    metadata,
    sa.Column("instance", sa.Text, primary_key=True),
    sa.Column("delivery_id", sa.Text, primary_key=True),
    text("topic"),
    instant("sent_at"),
    stamped("received_at"),
    # As it came, so with personal data: gone after ORDERGRAPH_CONNECTOR_RAW_DAYS.
    sa.Column("body", sa.LargeBinary),
    text("state", default="NEW"),
    count("attempts"),
    # Also the lease of whoever works on it.
    stamped("next_attempt_at"),
    text("error", nullable=True),
    sa.CheckConstraint("state IN ('NEW', 'DONE', 'DEAD')", name="state_known"),
    sa.CheckConstraint("state <> 'NEW' OR body IS NOT NULL", name="new_has_body"),
)
sa.Index(
    "ix_connector_deliveries_due",
    connector_deliveries.c.instance,
    connector_deliveries.c.next_attempt_at,
    postgresql_where=connector_deliveries.c.state == "NEW",
)
sa.Index("ix_connector_deliveries_received_at", connector_deliveries.c.received_at)
