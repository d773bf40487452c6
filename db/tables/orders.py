"""Orders, their lines by stage, what blocks them, what was promised, what came back, and who claims what."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from db.tables.base import (
    TextArray,
    amount,
    count,
    instant,
    key,
    metadata,
    not_negative,
    reference,
    stamped,
    text,
    words,
    words_in_array,
)
from domain.attention import Attention
from domain.promise import Basis, Confidence
from domain.reasons import (
    CancelReason,
    Disposition,
    HoldOwner,
    HoldReason,
    ReturnReason,
    ReturnResolution,
)
from domain.status import FinancialStatus, OrderLineStatus, OrderStatus, ReturnRollup, ReturnStatus

orders = sa.Table(
    "orders",
    metadata,
    key(),
    reference("channel_id", "channels.id"),
    text("number"),
    # Rises by one with every change of the order or anything that belongs to it.
    sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
    # Derived by domain.order.roll_up in the transaction that changed the quantities; stored to be filtered by.
    text("status"),
    text("financial_status", default=FinancialStatus.PENDING.value),
    text("return_status", default=ReturnRollup.NO_RETURN.value),
    # Flags that hold until something changes; LATE, LATE_RISK and STALE_TRACKING are the deadlines below.
    sa.Column("attention", TextArray, nullable=False, server_default=sa.text("'{}'")),
    instant("late_at"),
    instant("at_risk_at"),
    instant("stale_at"),
    text("source", default="ordergraph"),
    text("source_status", nullable=True),
    instant("source_observed_at"),
    text("customer_id", nullable=True),
    text("customer_email", nullable=True),
    text("customer_name", nullable=True),
    text("customer_phone", nullable=True),
    text("ship_name", nullable=True),
    text("ship_line1", nullable=True),
    text("ship_line2", nullable=True),
    text("ship_city", nullable=True),
    text("ship_region", nullable=True),
    text("ship_postal_code", nullable=True),
    text("ship_country", nullable=True),
    sa.Column("ship_complete", sa.Boolean, nullable=False, server_default=sa.text("false")),
    text("currency"),
    amount("subtotal_amount"),
    amount("shipping_amount"),
    amount("tax_amount"),
    amount("discount_amount"),
    amount("total_amount"),
    amount("authorized_amount"),
    amount("captured_amount"),
    amount("refunded_amount"),
    instant("placed_at", nullable=False),
    instant("accepted_at"),
    instant("closed_at"),
    instant("cancelled_at"),
    text("cancel_reason", nullable=True),
    text("cancelled_by", nullable=True),
    stamped("created_at"),
    stamped("updated_at"),
    sa.UniqueConstraint("channel_id", "number"),
    words("status", OrderStatus),
    words("financial_status", FinancialStatus),
    words("return_status", ReturnRollup),
    words("cancel_reason", CancelReason),
    words_in_array("attention", Attention),
    sa.CheckConstraint("version > 0", name="version_positive"),
    sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_iso"),
    not_negative("authorized_amount", "captured_amount", "refunded_amount"),
)
sa.Index("ix_orders_number", orders.c.number)
sa.Index("ix_orders_placed_at_id", orders.c.placed_at, orders.c.id)
sa.Index("ix_orders_updated_at_id", orders.c.updated_at, orders.c.id)
sa.Index("ix_orders_status_placed_at_id", orders.c.status, orders.c.placed_at, orders.c.id)
sa.Index("ix_orders_channel_id_placed_at_id", orders.c.channel_id, orders.c.placed_at, orders.c.id)
sa.Index("ix_orders_source_placed_at_id", orders.c.source, orders.c.placed_at, orders.c.id)
sa.Index("ix_orders_customer_id", orders.c.customer_id, orders.c.placed_at, orders.c.id)
sa.Index("ix_orders_customer_email", sa.func.lower(orders.c.customer_email))
sa.Index("ix_orders_attention", orders.c.attention, postgresql_using="gin")
sa.Index("ix_orders_late_at", orders.c.late_at, postgresql_where=orders.c.late_at.is_not(None))
sa.Index("ix_orders_at_risk_at", orders.c.at_risk_at, postgresql_where=orders.c.at_risk_at.is_not(None))
sa.Index("ix_orders_stale_at", orders.c.stale_at, postgresql_where=orders.c.stale_at.is_not(None))

STAGES = tuple(status.value.lower() for status in OrderLineStatus)
"""The quantity columns of an order line, in the order of its life."""

order_lines = sa.Table(
    "order_lines",
    metadata,
    key(),
    reference("order_id", "orders.id", ondelete="CASCADE"),
    sa.Column("position", sa.Integer, nullable=False),
    reference("item_id", "items.id", nullable=True),
    text("sku"),
    text("title", default=""),
    text("source_line_id", nullable=True),
    sa.Column("requires_shipping", sa.Boolean, nullable=False, server_default=sa.text("true")),
    sa.Column("quantity", sa.Integer, nullable=False),
    *(count(stage) for stage in STAGES),
    amount("unit_price_amount"),
    amount("discount_amount"),
    amount("tax_amount"),
    amount("total_amount"),
    sa.UniqueConstraint("order_id", "position"),
    # What other tables refer to, so that a line of another order cannot be meant.
    sa.UniqueConstraint("order_id", "id"),
    sa.CheckConstraint("quantity > 0", name="quantity_positive"),
    not_negative(*STAGES),
    # Every unit is in exactly one stage: more shipped than ordered cannot be written down.
    sa.CheckConstraint(f"{' + '.join(STAGES)} = quantity", name="stages_sum_to_quantity"),
    sa.Index("ix_order_lines_sku", "sku"),
    sa.Index("ix_order_lines_item_id", "item_id"),
)
sa.Index(
    "ix_order_lines_backordered",
    order_lines.c.item_id,
    postgresql_include=["backordered"],
    postgresql_where=order_lines.c.backordered > 0,
)


def of_line(*, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    """A line of the same order, and of no other."""
    return sa.ForeignKeyConstraint(
        ["order_id", "line_id"], ["order_lines.order_id", "order_lines.id"], ondelete=ondelete
    )


holds = sa.Table(
    "holds",
    metadata,
    key(),
    reference("order_id", "orders.id", ondelete="CASCADE"),
    sa.Column("line_id", sa.Uuid),
    sa.Column("fulfillment_id", sa.Uuid),
    text("reason"),
    text("owner"),
    text("note", nullable=True),
    instant("placed_at", nullable=False),
    text("placed_by"),
    instant("expected_release_at"),
    instant("released_at"),
    text("released_by", nullable=True),
    of_line(),
    sa.ForeignKeyConstraint(
        ["order_id", "fulfillment_id"], ["fulfillments.order_id", "fulfillments.id"], ondelete="CASCADE"
    ),
    words("reason", HoldReason),
    words("owner", HoldOwner),
    sa.CheckConstraint("released_at >= placed_at", name="released_after_placed"),
    sa.Index("ix_holds_order_id", "order_id"),
)

promises = sa.Table(
    "promises",
    metadata,
    key(),
    reference("order_id", "orders.id", ondelete="CASCADE"),
    # Without a line the promise is the whole order's.
    sa.Column("line_id", sa.Uuid),
    # ORIGINAL is what was sold and never changes; CURRENT is our latest commitment.
    text("kind"),
    sa.Column("ship_by", sa.Date),
    sa.Column("earliest", sa.Date),
    sa.Column("latest", sa.Date, nullable=False),
    text("time_zone"),
    text("basis"),
    text("confidence"),
    sa.Column("inputs", postgresql.JSONB, nullable=False, server_default=sa.text("'{}'")),
    stamped("computed_at"),
    of_line(),
    sa.UniqueConstraint("order_id", "line_id", "kind", postgresql_nulls_not_distinct=True),
    sa.CheckConstraint("kind IN ('ORIGINAL', 'CURRENT')", name="kind_known"),
    words("basis", Basis),
    words("confidence", Confidence),
    sa.CheckConstraint("earliest <= latest", name="days_ordered"),
)

returns = sa.Table(
    "returns",
    metadata,
    key(),
    reference("order_id", "orders.id", ondelete="CASCADE"),
    text("number"),
    text("status"),
    text("resolution", nullable=True),
    text("tracking_number", nullable=True),
    text("source", default="ordergraph"),
    instant("requested_at", nullable=False),
    instant("approved_at"),
    instant("received_at"),
    instant("closed_at"),
    sa.UniqueConstraint("order_id", "number"),
    sa.UniqueConstraint("order_id", "id"),
    words("status", ReturnStatus),
    words("resolution", ReturnResolution),
)

return_lines = sa.Table(
    "return_lines",
    metadata,
    sa.Column("return_id", sa.Uuid, primary_key=True),
    sa.Column("line_id", sa.Uuid, primary_key=True),
    sa.Column("order_id", sa.Uuid, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    count("received"),
    text("reason"),
    text("disposition", nullable=True),
    of_line(),
    sa.ForeignKeyConstraint(["order_id", "return_id"], ["returns.order_id", "returns.id"], ondelete="CASCADE"),
    words("reason", ReturnReason),
    words("disposition", Disposition),
    sa.CheckConstraint("quantity > 0 AND received BETWEEN 0 AND quantity", name="quantities_possible"),
    sa.Index("ix_return_lines_order_id_line_id", "order_id", "line_id"),
)

# What each system says of a field group; the one that wins by precedence is shown, the others are kept as conflicts.
source_claims = sa.Table(
    "source_claims",
    metadata,
    key(),
    reference("order_id", "orders.id", ondelete="CASCADE"),
    text("field"),
    text("system"),
    text("value", nullable=True),
    text("raw_value", nullable=True),
    sa.Column("wins", sa.Boolean, nullable=False, server_default=sa.text("false")),
    instant("observed_at", nullable=False),
    sa.UniqueConstraint("order_id", "field", "system"),
)
sa.Index(
    "uq_source_claims_winner",
    source_claims.c.order_id,
    source_claims.c.field,
    unique=True,
    postgresql_where=source_claims.c.wins,
)
