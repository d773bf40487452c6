"""How far we have come with each outside system, what the systems sent by themselves, and what we ask of them."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from db.tables.base import TextArray, count, instant, key, metadata, reference, stamped, text, words
from domain.command import CommandKind, CommandState

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
    # Orders, products or lines of the system in those, and how many of them the pull has in all, where it says so.
    count("listed"),
    sa.Column("total", sa.Integer),
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

# What could not be read of what pulls were told, by the system's reference of it.
connector_unread = sa.Table(
    "connector_unread",
    metadata,
    sa.Column("instance", sa.Text, primary_key=True),
    sa.Column("capability", sa.Text, primary_key=True),
    sa.Column("reference", sa.Text, primary_key=True),
    text("path"),
    text("error"),
    # What the pull asked for that met it, and when that began. One that asks for it again and is not told forgets it.
    instant("since"),
    instant("pulled_at", nullable=False),
    stamped("found_at"),
    stamped("seen_at"),
    count("times", default=1),
    instant("next_look_at", nullable=False),
)

# Parcels that their carrier is asked about, by its number of them.
connector_parcels = sa.Table(
    "connector_parcels",
    metadata,
    sa.Column("instance", sa.Text, primary_key=True),
    sa.Column("carrier", sa.Text, primary_key=True),
    sa.Column("tracking_number", sa.Text, primary_key=True),
    stamped("found_at"),
    # Also the lease of whoever looks at it.
    stamped("next_look_at"),
    instant("looked_at"),
    count("failures"),
    text("error", nullable=True),
    # Until when the carrier tells by itself; when it said that it does not.
    instant("watched_until"),
    instant("watch_refused_at"),
    instant("given_up_at"),
)
sa.Index(
    "ix_connector_parcels_due",
    connector_parcels.c.instance,
    connector_parcels.c.next_look_at,
    postgresql_where=connector_parcels.c.given_up_at.is_(None),
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

# What outside systems are asked to do: written down before the call, under a key, so that it is asked for once.
connector_commands = sa.Table(
    "connector_commands",
    metadata,
    # Also the key under which the system knows it, the same for every attempt.
    key(),
    # The caller's.
    text("key"),
    text("instance"),
    text("kind"),
    reference("order_id", "orders.id", ondelete="CASCADE"),
    # No personal data: the address is read from the order when the call is made.
    sa.Column("payload", postgresql.JSONB, nullable=False),
    text("actor"),
    text("state", default=CommandState.PENDING.value),
    count("attempts"),
    # Also the lease of whoever is at it, who finds another owner in its place when it has lost it.
    stamped("next_attempt_at"),
    sa.Column("owner", sa.Uuid),
    instant("sent_at"),
    # What the system said: then its news of the work order are asked for, which is counted by `looks`.
    instant("answered_at"),
    text("fulfillment_id", nullable=True),
    text("refused", nullable=True),
    count("looks"),
    text("error", nullable=True),
    stamped("created_at"),
    sa.UniqueConstraint("key"),
    words("kind", CommandKind),
    words("state", CommandState),
    sa.CheckConstraint("state <> 'DONE' OR answered_at IS NOT NULL", name="done_is_answered"),
    sa.CheckConstraint("state <> 'REFUSED' OR refused IS NOT NULL", name="refused_has_reason"),
    sa.Index("ix_connector_commands_order_id", "order_id"),
    sa.Index("ix_connector_commands_instance_fulfillment_id", "instance", "fulfillment_id"),
)
sa.Index(
    "ix_connector_commands_due",
    connector_commands.c.instance,
    connector_commands.c.next_attempt_at,
    postgresql_where=connector_commands.c.state.in_(["PENDING", "SENT"]),
)

# What is configured, as the processes that run it have said, and how it last went. Gone a week after the last of them.
connectors = sa.Table(
    "connectors",
    metadata,
    sa.Column("instance", sa.Text, primary_key=True),
    text("connector"),
    text("kind"),
    sa.Column("capabilities", TextArray, nullable=False),
    instant("last_success_at"),
    instant("last_failure_at"),
    # A code, such as CONNECTOR_UNREACHABLE.
    text("last_error", nullable=True),
    stamped("seen_at"),
)

# One row per instance and process; those not told for 90 seconds are of processes that ended.
connector_health = sa.Table(
    "connector_health",
    metadata,
    sa.Column("instance", sa.Text, primary_key=True),
    sa.Column("process", sa.Uuid, primary_key=True),
    text("breaker"),
    # Of the process's last hundred attempts.
    count("attempts"),
    count("failures"),
    stamped("told_at"),
    # When its last attempt ended; those that asked within a minute share the limits.
    instant("asked_at"),
    sa.CheckConstraint("breaker IN ('CLOSED', 'OPEN', 'HALF_OPEN')", name="breaker_known"),
)
