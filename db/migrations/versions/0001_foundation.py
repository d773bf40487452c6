"""The store: catalog, stock, orders, fulfillment, journal, access.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A parcel may not carry more of a line than was ordered; parcels that came to nothing do not count.
SHIPPED_AT_MOST_ORDERED = """
CREATE FUNCTION shipped_at_most_ordered() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    shipped bigint;
    ordered integer;
BEGIN
    SELECT quantity INTO ordered FROM order_lines WHERE id = NEW.line_id FOR NO KEY UPDATE;
    SELECT sum(l.quantity) INTO shipped
    FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id
    WHERE l.order_id = NEW.order_id AND l.line_id = NEW.line_id
      AND s.status NOT IN ('CANCELLED', 'LOST', 'RETURNED');
    IF shipped > ordered THEN
        RAISE EXCEPTION 'line % has % units in parcels but only % ordered', NEW.line_id, shipped, ordered
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_shipment_lines_at_most_ordered';
    END IF;
    RETURN NULL;
END $$
"""

APPEND_ONLY = """
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$
"""

# Inserted after the order row is locked by its command, so outbox order is commit order per order.
TO_OUTBOX = """
CREATE FUNCTION journal_to_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (id) VALUES (NEW.id);
    RETURN NULL;
END $$
"""

TRIGGERS = """
CREATE CONSTRAINT TRIGGER shipped_at_most_ordered AFTER INSERT OR UPDATE ON shipment_lines
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shipped_at_most_ordered();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER to_outbox AFTER INSERT ON journal
    FOR EACH ROW EXECUTE FUNCTION journal_to_outbox();
"""


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("channels", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('storefront', 'customer', 'support', 'assistant', 'operator', 'integrator', 'admin')",
            name=op.f("ck_api_keys_role_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_table(
        "carriers",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "open_weekdays",
            postgresql.ARRAY(sa.SmallInteger()),
            server_default=sa.text("'{1,2,3,4,5}'"),
            nullable=False,
        ),
        sa.Column("stale_after_days", sa.Integer(), server_default="5", nullable=False),
        sa.Column("tracking_url", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_carriers")),
    )
    op.create_table(
        "channels",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("buffer", sa.Integer(), server_default="0", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("kind IN ('STOREFRONT', 'MARKETPLACE', 'POS', 'B2B')", name=op.f("ck_channels_kind_known")),
        sa.CheckConstraint("buffer >= 0", name=op.f("ck_channels_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channels")),
        sa.UniqueConstraint("code", name=op.f("uq_channels_code")),
    )
    op.create_table(
        "event_log",
        sa.Column("pos", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("logged_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("pos", name=op.f("pk_event_log")),
        postgresql_partition_by="RANGE (pos)",
    )
    op.create_table(
        "items",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("backorder_policy", sa.Text(), server_default="DENY", nullable=False),
        sa.Column("backorder_limit", sa.Integer(), nullable=True),
        sa.Column("backorder_horizon_days", sa.Integer(), server_default="60", nullable=False),
        sa.Column("preorder_ships_on", sa.Date(), nullable=True),
        sa.Column("requires_shipping", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("weight_grams", sa.Integer(), nullable=True),
        sa.Column("length_mm", sa.Integer(), nullable=True),
        sa.Column("width_mm", sa.Integer(), nullable=True),
        sa.Column("height_mm", sa.Integer(), nullable=True),
        sa.Column("origin_country", sa.Text(), nullable=True),
        sa.Column("hs_code", sa.Text(), nullable=True),
        sa.Column("hazardous", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("backorder_policy IN ('DENY', 'CONTINUE')", name=op.f("ck_items_backorder_policy_known")),
        sa.CheckConstraint("backorder_limit >= 0 AND backorder_horizon_days >= 0", name=op.f("ck_items_not_negative")),
        sa.CheckConstraint(
            "weight_grams >= 0 AND length_mm >= 0 AND width_mm >= 0 AND height_mm >= 0",
            name=op.f("ck_items_measures_not_negative"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
        sa.UniqueConstraint("sku", name=op.f("uq_items_sku")),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True, cache=1), nullable=False),
        sa.Column("event_id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("changed", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_event_id", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
    )
    op.create_index(
        "ix_journal_order_id_occurred_at_id",
        "journal",
        ["order_id", "occurred_at", "id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_table(
        "locations",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("postal_code", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("holiday_country", sa.Text(), nullable=True),
        sa.Column("holiday_subdivision", sa.Text(), nullable=True),
        sa.Column("handling_days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fulfillment_delay_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lead_days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="100", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name=op.f("ck_locations_country_iso")),
        sa.CheckConstraint(
            "kind IN ('WAREHOUSE', 'STORE', 'THIRD_PARTY_LOGISTICS', 'SUPPLIER')",
            name=op.f("ck_locations_kind_known"),
        ),
        sa.CheckConstraint(
            "handling_days >= 0 AND fulfillment_delay_seconds >= 0 AND lead_days >= 0",
            name=op.f("ck_locations_not_negative"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locations")),
        sa.UniqueConstraint("code", name=op.f("uq_locations_code")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "stream_meta",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("salt", sa.Text(), server_default="", nullable=False),
        sa.Column("min_pos", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_pos", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("one", name=op.f("ck_stream_meta_single_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_stream_meta")),
    )
    op.create_table(
        "incoming_supply",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), server_default="ordergraph", nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("quantity > 0 AND received >= 0", name=op.f("ck_incoming_supply_not_negative")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_incoming_supply_item_id")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_incoming_supply_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incoming_supply")),
        sa.UniqueConstraint(
            "source",
            "reference",
            "item_id",
            "location_id",
            name=op.f("uq_incoming_supply_source_reference_item_id_location_id"),
        ),
    )
    op.create_index(
        "ix_incoming_supply_item_id_location_id", "incoming_supply", ["item_id", "location_id"], unique=False
    )
    op.create_table(
        "location_channels",
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_location_channels_channel_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["location_id"],
            ["locations.id"],
            name=op.f("fk_location_channels_location_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("location_id", "channel_id", name=op.f("pk_location_channels")),
    )
    op.create_table(
        "location_closures",
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"],
            ["locations.id"],
            name=op.f("fk_location_closures_location_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("location_id", "day", name=op.f("pk_location_closures")),
    )
    op.create_table(
        "location_cutoffs",
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("cutoff", sa.Time(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name=op.f("ck_location_cutoffs_weekday_iso")),
        sa.ForeignKeyConstraint(
            ["location_id"],
            ["locations.id"],
            name=op.f("fk_location_cutoffs_location_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("location_id", "weekday", name=op.f("pk_location_cutoffs")),
    )
    op.create_table(
        "location_destinations",
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"],
            ["locations.id"],
            name=op.f("fk_location_destinations_location_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("location_id", "country", name=op.f("pk_location_destinations")),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("financial_status", sa.Text(), server_default="PENDING", nullable=False),
        sa.Column("return_status", sa.Text(), server_default="NO_RETURN", nullable=False),
        sa.Column("attention", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("late_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at_risk_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stale_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.Text(), server_default="ordergraph", nullable=False),
        sa.Column("source_status", sa.Text(), nullable=True),
        sa.Column("source_observed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("customer_email", sa.Text(), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=True),
        sa.Column("customer_phone", sa.Text(), nullable=True),
        sa.Column("ship_name", sa.Text(), nullable=True),
        sa.Column("ship_line1", sa.Text(), nullable=True),
        sa.Column("ship_line2", sa.Text(), nullable=True),
        sa.Column("ship_city", sa.Text(), nullable=True),
        sa.Column("ship_region", sa.Text(), nullable=True),
        sa.Column("ship_postal_code", sa.Text(), nullable=True),
        sa.Column("ship_country", sa.Text(), nullable=True),
        sa.Column("ship_complete", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subtotal_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("shipping_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("discount_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("authorized_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("captured_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunded_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("cancelled_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "cancel_reason IN ('CUSTOMER', 'INVENTORY', 'FRAUD', 'PAYMENT_DECLINED', 'STAFF', 'MARKETPLACE', 'SYSTEM', 'SELLER_REJECTED', 'UNDELIVERABLE_ADDRESS', 'NODE_REJECTED', 'PREORDER_LAPSED', 'OTHER')",
            name=op.f("ck_orders_cancel_reason_known"),
        ),
        sa.CheckConstraint(
            "attention <@ ARRAY['PARTIAL_HOLD', 'BACKORDER', 'PREORDER_WAITING', 'OVERSOLD', 'SPLIT_PENDING', 'LATE_RISK', 'LATE', 'STALE_TRACKING', 'DELIVERY_EXCEPTION', 'RETURN_OPEN', 'SOURCE_CONFLICT', 'STALE_DATA', 'HANDOVER_BEFORE_ORDER']",
            name=op.f("ck_orders_attention_known"),
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_orders_currency_iso")),
        sa.CheckConstraint(
            "financial_status IN ('PENDING', 'AUTHORIZED', 'EXPIRED', 'VOIDED', 'PARTIALLY_PAID', 'PAID', 'OVERCHARGED', 'PARTIALLY_REFUNDED', 'REFUNDED')",
            name=op.f("ck_orders_financial_status_known"),
        ),
        sa.CheckConstraint(
            "return_status IN ('NO_RETURN', 'RETURN_REQUESTED', 'IN_PROGRESS', 'INSPECTION_COMPLETE', 'RETURNED', 'RETURN_FAILED')",
            name=op.f("ck_orders_return_status_known"),
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'ON_HOLD', 'CONFIRMED', 'IN_PROGRESS', 'PARTIALLY_SHIPPED', 'SHIPPED', 'PARTIALLY_DELIVERED', 'DELIVERED', 'COMPLETED', 'CANCELLED', 'UNKNOWN')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint(
            "authorized_amount >= 0 AND captured_amount >= 0 AND refunded_amount >= 0",
            name=op.f("ck_orders_not_negative"),
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_orders_version_positive")),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_orders_channel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("channel_id", "number", name=op.f("uq_orders_channel_id_number")),
    )
    op.create_index(
        "ix_orders_at_risk_at",
        "orders",
        ["at_risk_at"],
        unique=False,
        postgresql_where=sa.text("at_risk_at IS NOT NULL"),
    )
    op.create_index("ix_orders_attention", "orders", ["attention"], unique=False, postgresql_using="gin")
    op.create_index("ix_orders_channel_id_placed_at_id", "orders", ["channel_id", "placed_at", "id"], unique=False)
    op.create_index("ix_orders_customer_email", "orders", [sa.literal_column("lower(customer_email)")], unique=False)
    op.create_index("ix_orders_customer_id", "orders", ["customer_id", "placed_at", "id"], unique=False)
    op.create_index(
        "ix_orders_late_at",
        "orders",
        ["late_at"],
        unique=False,
        postgresql_where=sa.text("late_at IS NOT NULL"),
    )
    op.create_index("ix_orders_number", "orders", ["number"], unique=False)
    op.create_index("ix_orders_placed_at_id", "orders", ["placed_at", "id"], unique=False)
    op.create_index(
        "ix_orders_stale_at",
        "orders",
        ["stale_at"],
        unique=False,
        postgresql_where=sa.text("stale_at IS NOT NULL"),
    )
    op.create_index("ix_orders_status_placed_at_id", "orders", ["status", "placed_at", "id"], unique=False)
    op.create_index("ix_orders_updated_at_id", "orders", ["updated_at", "id"], unique=False)
    op.create_table(
        "reservations",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="HELD", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('HELD', 'CLAIMED', 'RELEASED', 'EXPIRED')", name=op.f("ck_reservations_state_known")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservations_quantity_positive")),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_reservations_channel_id")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_reservations_item_id")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_reservations_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        sa.UniqueConstraint("key", "item_id", "location_id", name=op.f("uq_reservations_key_item_id_location_id")),
    )
    op.create_index(
        "ix_reservations_expires_at",
        "reservations",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'HELD'"),
    )
    op.create_index(
        "ix_reservations_held",
        "reservations",
        ["item_id", "location_id"],
        unique=False,
        postgresql_where=sa.text("state = 'HELD'"),
        postgresql_include=["quantity", "expires_at"],
    )
    op.create_table(
        "stock_levels",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default="0", nullable=False),
        sa.Column("allocated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("damaged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quality_control", sa.Integer(), server_default="0", nullable=False),
        sa.Column("set_aside", sa.Integer(), server_default="0", nullable=False),
        sa.Column("safety_stock", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("source", sa.Text(), server_default="ordergraph", nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "on_hand >= 0 AND allocated >= 0 AND damaged >= 0 AND quality_control >= 0 AND set_aside >= 0 AND safety_stock >= 0",
            name=op.f("ck_stock_levels_not_negative"),
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_stock_levels_item_id")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_stock_levels_location_id")),
        sa.PrimaryKeyConstraint("item_id", "location_id", name=op.f("pk_stock_levels")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index("ix_stock_levels_location_id", "stock_levels", ["location_id"], unique=False)
    op.create_table(
        "transit_times",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), server_default="STANDARD", nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("postal_prefix", sa.Text(), server_default="", nullable=False),
        sa.Column("min_days", sa.SmallInteger(), nullable=False),
        sa.Column("max_days", sa.SmallInteger(), nullable=False),
        sa.Column("buffer_days", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("buffer_days >= 0", name=op.f("ck_transit_times_not_negative")),
        sa.CheckConstraint("min_days >= 0 AND min_days <= max_days", name=op.f("ck_transit_times_days_ordered")),
        sa.ForeignKeyConstraint(["carrier"], ["carriers.code"], name=op.f("fk_transit_times_carrier")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name=op.f("fk_transit_times_location_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transit_times")),
        sa.UniqueConstraint(
            "location_id",
            "country",
            "postal_prefix",
            "carrier",
            "service",
            name=op.f("uq_transit_times_location_id_country_postal_prefix_carrier_service"),
        ),
    )
    op.create_table(
        "fulfillments",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("rejection_reason", sa.Text(), nullable=True),
        sa.Column("pickup", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("source", sa.Text(), server_default="ordergraph", nullable=False),
        sa.Column("source_fulfillment_id", sa.Text(), nullable=True),
        sa.Column("fulfill_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fulfill_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "rejection_reason IN ('INCORRECT_ADDRESS', 'INCORRECT_PRODUCT_INFO', 'INELIGIBLE_PRODUCT', 'INTERNATIONAL_SHIPPING_UNAVAILABLE', 'INVALID_CONTACT_INFORMATION', 'INVALID_SKU', 'INVENTORY_OUT_OF_STOCK', 'MERCHANT_BLOCKED_OR_SUSPENDED', 'MISSING_CUSTOMS_INFO', 'ORDER_TOO_LARGE', 'PACKAGE_PREFERENCE_NOT_SET', 'PAYMENT_DECLINED', 'UNDELIVERABLE_DESTINATION', 'OTHER', 'DAMAGED', 'WORN_DISPLAY', 'CAPACITY')",
            name=op.f("ck_fulfillments_rejection_reason_known"),
        ),
        sa.CheckConstraint(
            "status IN ('SCHEDULED', 'OPEN', 'ON_HOLD', 'REQUESTED', 'ACCEPTED', 'REJECTED', 'IN_PROGRESS', 'PACKED', 'COMPLETED', 'INCOMPLETE', 'CANCELLATION_REQUESTED', 'CANCELLED')",
            name=op.f("ck_fulfillments_status_known"),
        ),
        sa.CheckConstraint("replaces_id <> id", name=op.f("ck_fulfillments_replaces_another")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_fulfillments_location_id")),
        sa.ForeignKeyConstraint(
            ["order_id", "replaces_id"],
            ["fulfillments.order_id", "fulfillments.id"],
            name=op.f("fk_fulfillments_order_id_replaces_id"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_fulfillments_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fulfillments")),
        sa.UniqueConstraint("order_id", "id", name=op.f("uq_fulfillments_order_id_id")),
    )
    op.create_index("ix_fulfillments_location_id_order_id", "fulfillments", ["location_id", "order_id"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("source_line_id", sa.Text(), nullable=True),
        sa.Column("requires_shipping", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), server_default="0", nullable=False),
        sa.Column("preordered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("backordered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("allocated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("on_hold", sa.Integer(), server_default="0", nullable=False),
        sa.Column("released", sa.Integer(), server_default="0", nullable=False),
        sa.Column("packed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("shipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("return_requested", sa.Integer(), server_default="0", nullable=False),
        sa.Column("returned", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lost", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unit_price_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("discount_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "created + preordered + backordered + allocated + on_hold + released + packed + shipped + delivered + return_requested + returned + lost + cancelled = quantity",
            name=op.f("ck_order_lines_stages_sum_to_quantity"),
        ),
        sa.CheckConstraint(
            "created >= 0 AND preordered >= 0 AND backordered >= 0 AND allocated >= 0 AND on_hold >= 0 AND released >= 0 AND packed >= 0 AND shipped >= 0 AND delivered >= 0 AND return_requested >= 0 AND returned >= 0 AND lost >= 0 AND cancelled >= 0",
            name=op.f("ck_order_lines_not_negative"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity_positive")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_order_lines_item_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("order_id", "id", name=op.f("uq_order_lines_order_id_id")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_order_lines_order_id_position")),
    )
    op.create_index(
        "ix_order_lines_backordered",
        "order_lines",
        ["item_id"],
        unique=False,
        postgresql_include=["backordered"],
        postgresql_where=sa.text("backordered > 0"),
    )
    op.create_index("ix_order_lines_item_id", "order_lines", ["item_id"], unique=False)
    op.create_index("ix_order_lines_sku", "order_lines", ["sku"], unique=False)
    op.create_table(
        "returns",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("tracking_number", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), server_default="ordergraph", nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "resolution IN ('REFUND', 'EXCHANGE', 'REPLACEMENT', 'STORE_CREDIT', 'REJECTED')",
            name=op.f("ck_returns_resolution_known"),
        ),
        sa.CheckConstraint(
            "status IN ('REQUESTED', 'APPROVED', 'DECLINED', 'CANCELLED', 'IN_TRANSIT', 'PARTIALLY_RECEIVED', 'RECEIVED', 'EXPIRED', 'INSPECTED', 'CLOSED')",
            name=op.f("ck_returns_status_known"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_returns_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returns")),
        sa.UniqueConstraint("order_id", "id", name=op.f("uq_returns_order_id_id")),
        sa.UniqueConstraint("order_id", "number", name=op.f("uq_returns_order_id_number")),
    )
    op.create_table(
        "source_claims",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("raw_value", sa.Text(), nullable=True),
        sa.Column("wins", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_source_claims_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_claims")),
        sa.UniqueConstraint("order_id", "field", "system", name=op.f("uq_source_claims_order_id_field_system")),
    )
    op.create_index(
        "uq_source_claims_winner",
        "source_claims",
        ["order_id", "field"],
        unique=True,
        postgresql_where="wins",
    )
    op.create_table(
        "allocations",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("allocated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_allocations_quantity_positive")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_allocations_item_id")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_allocations_location_id")),
        sa.ForeignKeyConstraint(
            ["order_id", "line_id"],
            ["order_lines.order_id", "order_lines.id"],
            name=op.f("fk_allocations_order_id_line_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_allocations_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocations")),
        sa.UniqueConstraint("line_id", "location_id", name=op.f("uq_allocations_line_id_location_id")),
    )
    op.create_index("ix_allocations_item_id_location_id", "allocations", ["item_id", "location_id"], unique=False)
    op.create_index("ix_allocations_order_id", "allocations", ["order_id"], unique=False)
    op.create_table(
        "fulfillment_lines",
        sa.Column("fulfillment_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_fulfillment_lines_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["order_id", "fulfillment_id"],
            ["fulfillments.order_id", "fulfillments.id"],
            name=op.f("fk_fulfillment_lines_order_id_fulfillment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "line_id"],
            ["order_lines.order_id", "order_lines.id"],
            name=op.f("fk_fulfillment_lines_order_id_line_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("fulfillment_id", "line_id", name=op.f("pk_fulfillment_lines")),
    )
    op.create_index("ix_fulfillment_lines_order_id_line_id", "fulfillment_lines", ["order_id", "line_id"], unique=False)
    op.create_table(
        "holds",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=True),
        sa.Column("fulfillment_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("expected_release_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "owner IN ('MERCHANT', 'NODE', 'SUPPLIER', 'CARRIER', 'CUSTOMER', 'PAYMENT')",
            name=op.f("ck_holds_owner_known"),
        ),
        sa.CheckConstraint(
            "reason IN ('AWAITING_PAYMENT', 'HIGH_RISK_OF_FRAUD', 'INCORRECT_ADDRESS', 'INVENTORY_OUT_OF_STOCK', 'UNKNOWN_DELIVERY_DATE', 'AWAITING_RETURN_ITEMS', 'POST_PURCHASE_EDIT', 'CUSTOMER_REQUEST', 'MARGIN_RULE', 'COMPLIANCE', 'SUPPLIER_CONFIRMATION', 'OTHER')",
            name=op.f("ck_holds_reason_known"),
        ),
        sa.CheckConstraint("released_at >= placed_at", name=op.f("ck_holds_released_after_placed")),
        sa.ForeignKeyConstraint(
            ["order_id", "fulfillment_id"],
            ["fulfillments.order_id", "fulfillments.id"],
            name=op.f("fk_holds_order_id_fulfillment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "line_id"],
            ["order_lines.order_id", "order_lines.id"],
            name=op.f("fk_holds_order_id_line_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_holds_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index("ix_holds_order_id", "holds", ["order_id"], unique=False)
    op.create_table(
        "promises",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ship_by", sa.Date(), nullable=True),
        sa.Column("earliest", sa.Date(), nullable=True),
        sa.Column("latest", sa.Date(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "basis IN ('ON_HAND', 'INCOMING', 'PREORDER', 'CARRIER_EDD')", name=op.f("ck_promises_basis_known")
        ),
        sa.CheckConstraint("confidence IN ('HIGH', 'MEDIUM', 'LOW')", name=op.f("ck_promises_confidence_known")),
        sa.CheckConstraint("kind IN ('ORIGINAL', 'CURRENT')", name=op.f("ck_promises_kind_known")),
        sa.CheckConstraint("earliest <= latest", name=op.f("ck_promises_days_ordered")),
        sa.ForeignKeyConstraint(
            ["order_id", "line_id"],
            ["order_lines.order_id", "order_lines.id"],
            name=op.f("fk_promises_order_id_line_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_promises_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promises")),
        sa.UniqueConstraint(
            "order_id",
            "line_id",
            "kind",
            name=op.f("uq_promises_order_id_line_id_kind"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "return_lines",
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "disposition IN ('RESTOCKED', 'NOT_RESTOCKED', 'PROCESSING_REQUIRED', 'MISSING', 'DAMAGED')",
            name=op.f("ck_return_lines_disposition_known"),
        ),
        sa.CheckConstraint(
            "reason IN ('COLOR', 'DEFECTIVE', 'NOT_AS_DESCRIBED', 'SIZE_TOO_LARGE', 'SIZE_TOO_SMALL', 'STYLE', 'UNWANTED', 'WRONG_ITEM', 'ARRIVED_LATE', 'OTHER', 'UNKNOWN')",
            name=op.f("ck_return_lines_reason_known"),
        ),
        sa.CheckConstraint(
            "quantity > 0 AND received BETWEEN 0 AND quantity",
            name=op.f("ck_return_lines_quantities_possible"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "line_id"],
            ["order_lines.order_id", "order_lines.id"],
            name=op.f("fk_return_lines_order_id_line_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "return_id"],
            ["returns.order_id", "returns.id"],
            name=op.f("fk_return_lines_order_id_return_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("return_id", "line_id", name=op.f("pk_return_lines")),
    )
    op.create_index("ix_return_lines_order_id_line_id", "return_lines", ["order_id", "line_id"], unique=False)
    op.create_table(
        "shipments",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("fulfillment_id", sa.Uuid(), nullable=True),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("tracking_number", sa.Text(), nullable=True),
        sa.Column("tracking_url", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("source", sa.Text(), server_default="ordergraph", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_scan_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("estimated_delivery_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stale_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('UNKNOWN', 'LABEL_CREATED', 'PICKED_UP', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'READY_FOR_PICKUP', 'DELIVERY_ATTEMPTED', 'DELAYED', 'EXCEPTION', 'DELIVERED', 'RETURNING', 'RETURNED', 'LOST', 'CANCELLED')",
            name=op.f("ck_shipments_status_known"),
        ),
        sa.ForeignKeyConstraint(["carrier"], ["carriers.code"], name=op.f("fk_shipments_carrier")),
        sa.ForeignKeyConstraint(
            ["order_id", "fulfillment_id"],
            ["fulfillments.order_id", "fulfillments.id"],
            name=op.f("fk_shipments_order_id_fulfillment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_shipments_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
        sa.UniqueConstraint(
            "order_id",
            "carrier",
            "tracking_number",
            name=op.f("uq_shipments_order_id_carrier_tracking_number"),
        ),
        sa.UniqueConstraint("order_id", "id", name=op.f("uq_shipments_order_id_id")),
    )
    op.create_index("ix_shipments_tracking_number", "shipments", ["tracking_number"], unique=False)
    op.create_table(
        "shipment_lines",
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_shipment_lines_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["order_id", "line_id"],
            ["order_lines.order_id", "order_lines.id"],
            name=op.f("fk_shipment_lines_order_id_line_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "shipment_id"],
            ["shipments.order_id", "shipments.id"],
            name=op.f("fk_shipment_lines_order_id_shipment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shipment_id", "line_id", name=op.f("pk_shipment_lines")),
    )
    op.create_index("ix_shipment_lines_order_id_line_id", "shipment_lines", ["order_id", "line_id"], unique=False)
    op.create_table(
        "tracking_events",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_event_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("raw_code", sa.Text(), nullable=True),
        sa.Column("raw_text", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("estimated_delivery_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('UNKNOWN', 'LABEL_CREATED', 'PICKED_UP', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'READY_FOR_PICKUP', 'DELIVERY_ATTEMPTED', 'DELAYED', 'EXCEPTION', 'DELIVERED', 'RETURNING', 'RETURNED', 'LOST', 'CANCELLED')",
            name=op.f("ck_tracking_events_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipments.id"], name=op.f("fk_tracking_events_shipment_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracking_events")),
        sa.UniqueConstraint(
            "shipment_id",
            "source",
            "source_event_id",
            name=op.f("uq_tracking_events_shipment_id_source_source_event_id"),
        ),
    )
    op.create_index(
        "ix_tracking_events_shipment_id_occurred_at",
        "tracking_events",
        ["shipment_id", "occurred_at"],
        unique=False,
    )
    for statement in (SHIPPED_AT_MOST_ORDERED, APPEND_ONLY, TO_OUTBOX, *TRIGGERS.split(";\n")[:-1]):
        op.execute(statement)
    op.execute("INSERT INTO stream_meta DEFAULT VALUES")


def downgrade() -> None:
    raise NotImplementedError("The first migration has nothing below it: drop the database instead.")
