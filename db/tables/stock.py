"""What is on the shelf, what is on the way, and what is set aside for a cart."""

import sqlalchemy as sa

from db.tables.base import count, instant, key, metadata, not_negative, reference, stamped, text

# `fillfactor` leaves room for hot updates on the same page: stock rows are the most rewritten of the store.
stock_levels = sa.Table(
    "stock_levels",
    metadata,
    sa.Column("item_id", sa.Uuid, sa.ForeignKey("items.id"), primary_key=True),
    sa.Column("location_id", sa.Uuid, sa.ForeignKey("locations.id"), primary_key=True),
    count("on_hand"),
    # May exceed `on_hand` when a count comes in lower than what was promised: that is OVERSOLD, not an error.
    count("allocated"),
    count("damaged"),
    count("quality_control"),
    count("set_aside"),
    count("safety_stock"),
    sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
    text("source", default="ordergraph"),
    # When the source says it counted, as opposed to when we heard of it.
    stamped("counted_at"),
    stamped("updated_at"),
    not_negative("on_hand", "allocated", "damaged", "quality_control", "set_aside", "safety_stock"),
    postgresql_with={"fillfactor": 50},
)
sa.Index("ix_stock_levels_location_id", stock_levels.c.location_id)

# What each system counted last; the one that wins by precedence is shown, with the changes after it.
stock_counts = sa.Table(
    "stock_counts",
    metadata,
    sa.Column("item_id", sa.Uuid, sa.ForeignKey("items.id"), primary_key=True),
    sa.Column("location_id", sa.Uuid, sa.ForeignKey("locations.id"), primary_key=True),
    sa.Column("system", sa.Text, primary_key=True),
    count("on_hand"),
    instant("counted_at", nullable=False),
    text("event_id"),
    sa.Column("wins", sa.Boolean, nullable=False, server_default=sa.text("false")),
    not_negative("on_hand"),
)
sa.Index(
    "uq_stock_counts_winner",
    stock_counts.c.item_id,
    stock_counts.c.location_id,
    unique=True,
    postgresql_where=stock_counts.c.wins,
)

# Sales, returns and corrections, kept for counts that are told later but were made before.
stock_changes = sa.Table(
    "stock_changes",
    metadata,
    sa.Column("item_id", sa.Uuid, sa.ForeignKey("items.id"), primary_key=True),
    sa.Column("location_id", sa.Uuid, sa.ForeignKey("locations.id"), primary_key=True),
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("delta", sa.Integer, nullable=False),
    instant("occurred_at", nullable=False),
)

incoming_supply = sa.Table(
    "incoming_supply",
    metadata,
    key(),
    reference("item_id", "items.id"),
    reference("location_id", "locations.id"),
    count("quantity"),
    count("received"),
    instant("expected_at", nullable=False),
    text("source", default="ordergraph"),
    text("reference"),
    instant("closed_at"),
    stamped("updated_at"),
    sa.UniqueConstraint("source", "reference", "item_id", "location_id"),
    sa.CheckConstraint("quantity > 0 AND received >= 0", name="not_negative"),
    sa.Index("ix_incoming_supply_item_id_location_id", "item_id", "location_id"),
)

# Only unexpired `HELD` rows count against availability; an expired one is dead the moment it expires, swept or not.
reservations = sa.Table(
    "reservations",
    metadata,
    key(),
    text("key"),
    reference("item_id", "items.id"),
    reference("location_id", "locations.id"),
    reference("channel_id", "channels.id", nullable=True),
    count("quantity"),
    text("state", default="HELD"),
    instant("expires_at", nullable=False),
    stamped("created_at"),
    sa.UniqueConstraint("key", "item_id", "location_id"),
    sa.CheckConstraint("quantity > 0", name="quantity_positive"),
    sa.CheckConstraint("state IN ('HELD', 'CLAIMED', 'RELEASED', 'EXPIRED')", name="state_known"),
)
sa.Index(
    "ix_reservations_held",
    reservations.c.item_id,
    reservations.c.location_id,
    postgresql_where=reservations.c.state == "HELD",
    postgresql_include=["quantity", "expires_at"],
)
sa.Index("ix_reservations_expires_at", reservations.c.expires_at, postgresql_where=reservations.c.state == "HELD")
