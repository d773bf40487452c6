"""Every table of the store. `metadata` is what the migrations build and the tests compare with."""

from db.tables.access import api_keys, revocations
from db.tables.base import metadata
from db.tables.catalog import (
    carriers,
    channels,
    items,
    location_channels,
    location_closures,
    location_cutoffs,
    location_destinations,
    locations,
    transit_times,
)
from db.tables.fulfillment import (
    allocations,
    fulfillment_lines,
    fulfillments,
    shipment_lines,
    shipments,
    tracking_events,
)
from db.tables.imports import import_runs, imported
from db.tables.intake import facts, idempotency_keys, inbox
from db.tables.journal import event_log, journal, outbox, stream_meta
from db.tables.orders import holds, order_lines, orders, promises, return_lines, returns, source_claims
from db.tables.pushes import connector_pushes, stock_marks, stock_targets
from db.tables.stock import incoming_supply, reservations, stock_changes, stock_counts, stock_levels
from db.tables.sync import (
    connector_commands,
    connector_deliveries,
    connector_health,
    connector_parcels,
    connector_unread,
    connector_watermarks,
    connectors,
)
from db.tables.webhooks import webhook_dead_letters, webhook_endpoints

__all__ = [
    "allocations",
    "api_keys",
    "carriers",
    "channels",
    "connector_commands",
    "connector_deliveries",
    "connector_health",
    "connector_parcels",
    "connector_pushes",
    "connector_unread",
    "connector_watermarks",
    "connectors",
    "event_log",
    "facts",
    "fulfillment_lines",
    "fulfillments",
    "holds",
    "idempotency_keys",
    "import_runs",
    "imported",
    "inbox",
    "incoming_supply",
    "items",
    "journal",
    "location_channels",
    "location_closures",
    "location_cutoffs",
    "location_destinations",
    "locations",
    "metadata",
    "order_lines",
    "orders",
    "outbox",
    "promises",
    "reservations",
    "return_lines",
    "returns",
    "revocations",
    "shipment_lines",
    "shipments",
    "source_claims",
    "stock_changes",
    "stock_counts",
    "stock_levels",
    "stock_marks",
    "stock_targets",
    "stream_meta",
    "tracking_events",
    "transit_times",
    "webhook_dead_letters",
    "webhook_endpoints",
]
