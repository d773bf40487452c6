"""Which node works on which line, and which parcel carries it."""

import sqlalchemy as sa

from db.tables.base import TextArray, instant, key, metadata, reference, stamped, text, words
from db.tables.orders import of_line
from domain.reasons import NodeRejectionReason
from domain.status import FulfillmentStatus, ShipmentStatus

allocations = sa.Table(
    "allocations",
    metadata,
    key(),
    reference("order_id", "orders.id", ondelete="CASCADE"),
    sa.Column("line_id", sa.Uuid, nullable=False),
    reference("item_id", "items.id"),
    reference("location_id", "locations.id"),
    sa.Column("quantity", sa.Integer, nullable=False),
    stamped("allocated_at"),
    of_line(),
    sa.UniqueConstraint("line_id", "location_id"),
    sa.CheckConstraint("quantity > 0", name="quantity_positive"),
    sa.Index("ix_allocations_order_id", "order_id"),
    sa.Index("ix_allocations_item_id_location_id", "item_id", "location_id"),
)

fulfillments = sa.Table(
    "fulfillments",
    metadata,
    key(),
    reference("order_id", "orders.id", ondelete="CASCADE"),
    reference("location_id", "locations.id", nullable=True),
    text("status"),
    # The work order that this one took over after a rejection or a re-source.
    sa.Column("replaces_id", sa.Uuid),
    text("rejection_reason", nullable=True),
    sa.Column("pickup", sa.Boolean, nullable=False, server_default=sa.text("false")),
    text("source", default="ordergraph"),
    text("source_fulfillment_id", nullable=True),
    instant("fulfill_at"),
    instant("fulfill_by"),
    stamped("created_at"),
    stamped("updated_at"),
    sa.UniqueConstraint("order_id", "id"),
    sa.ForeignKeyConstraint(["order_id", "replaces_id"], ["fulfillments.order_id", "fulfillments.id"]),
    words("status", FulfillmentStatus),
    words("rejection_reason", NodeRejectionReason),
    sa.CheckConstraint("replaces_id <> id", name="replaces_another"),
    sa.Index("ix_fulfillments_location_id_order_id", "location_id", "order_id"),
)

fulfillment_lines = sa.Table(
    "fulfillment_lines",
    metadata,
    sa.Column("fulfillment_id", sa.Uuid, primary_key=True),
    sa.Column("line_id", sa.Uuid, primary_key=True),
    sa.Column("order_id", sa.Uuid, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    of_line(),
    sa.ForeignKeyConstraint(
        ["order_id", "fulfillment_id"], ["fulfillments.order_id", "fulfillments.id"], ondelete="CASCADE"
    ),
    sa.CheckConstraint("quantity > 0", name="quantity_positive"),
    sa.Index("ix_fulfillment_lines_order_id_line_id", "order_id", "line_id"),
)

shipments = sa.Table(
    "shipments",
    metadata,
    key(),
    reference("order_id", "orders.id", ondelete="CASCADE"),
    sa.Column("fulfillment_id", sa.Uuid),
    sa.Column("carrier", sa.Text, sa.ForeignKey("carriers.code")),
    text("service", nullable=True),
    text("tracking_number", nullable=True),
    text("tracking_url", nullable=True),
    text("status"),
    # DELAYED and the like when another stage is known too; see domain.shipment.
    sa.Column("flags", TextArray, nullable=False, server_default=sa.text("'{}'")),
    text("source", default="ordergraph"),
    sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
    instant("shipped_at"),
    instant("first_scan_at"),
    instant("last_event_at"),
    instant("delivered_at"),
    instant("estimated_delivery_at"),
    instant("stale_at"),
    stamped("created_at"),
    stamped("updated_at"),
    sa.UniqueConstraint("order_id", "id"),
    sa.UniqueConstraint("order_id", "carrier", "tracking_number"),
    sa.ForeignKeyConstraint(
        ["order_id", "fulfillment_id"], ["fulfillments.order_id", "fulfillments.id"], ondelete="CASCADE"
    ),
    words("status", ShipmentStatus),
    sa.Index("ix_shipments_tracking_number", "tracking_number"),
    sa.Index(
        "ix_shipments_open",
        "carrier",
        "tracking_number",
        postgresql_where=sa.text("status NOT IN ('DELIVERED', 'RETURNED', 'LOST', 'CANCELLED')"),
    ),
)

shipment_lines = sa.Table(
    "shipment_lines",
    metadata,
    sa.Column("shipment_id", sa.Uuid, primary_key=True),
    sa.Column("line_id", sa.Uuid, primary_key=True),
    sa.Column("order_id", sa.Uuid, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    of_line(),
    sa.ForeignKeyConstraint(["order_id", "shipment_id"], ["shipments.order_id", "shipments.id"], ondelete="CASCADE"),
    sa.CheckConstraint("quantity > 0", name="quantity_positive"),
    sa.Index("ix_shipment_lines_order_id_line_id", "order_id", "line_id"),
)

# Raw code and text stay beside our word: a mapping can be corrected later, a lost fact cannot.
tracking_events = sa.Table(
    "tracking_events",
    metadata,
    key(),
    reference("shipment_id", "shipments.id", ondelete="CASCADE"),
    text("source"),
    text("source_event_id", nullable=True),
    text("status"),
    text("raw_code", nullable=True),
    text("raw_text", nullable=True),
    text("reason", nullable=True),
    text("city", nullable=True),
    text("region", nullable=True),
    text("country", nullable=True),
    instant("occurred_at", nullable=False),
    stamped("recorded_at"),
    instant("estimated_delivery_at"),
    sa.UniqueConstraint("shipment_id", "source", "source_event_id"),
    words("status", ShipmentStatus),
    sa.Index("ix_tracking_events_shipment_id_occurred_at", "shipment_id", "occurred_at"),
)
