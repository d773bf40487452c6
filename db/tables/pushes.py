"""What outside systems are told of our stock. Triggers of the migration mark what changed; see docs/decisions."""

import sqlalchemy as sa

from db.tables.base import TextArray, count, instant, metadata, stamped, text, words
from domain.push import PushState

# Which of our locations each instance is told of, and which process tells it.
connector_pushes = sa.Table(
    "connector_pushes",
    metadata,
    sa.Column("instance", sa.Text, primary_key=True),
    sa.Column("locations", TextArray, nullable=False),
    sa.Column("owner", sa.Uuid),
    instant("lease_until"),
    # A day after this, changes are marked no more: there is nobody to tell, and the comparison finds them.
    stamped("seen_at"),
    instant("compared_at"),
    # Targets that a comparison found wrong though nothing had marked them, in all.
    count("drifted"),
)

# Insert-only, so that a change of stock waits for nobody; taken away by whoever tells.
stock_marks = sa.Table(
    "stock_marks",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("item_id", sa.Uuid, nullable=False),
    sa.Column("location_id", sa.Uuid, nullable=False),
    # A reservation that ends changes what is for sale at that moment.
    stamped("due_at"),
    sa.Index("ix_stock_marks_due_at", "due_at"),
    sa.Index("ix_stock_marks_item_id_location_id", "item_id", "location_id"),
)

# One row per instance, item and location: many changes become one telling, of the newest value.
stock_targets = sa.Table(
    "stock_targets",
    metadata,
    sa.Column("instance", sa.Text, sa.ForeignKey("connector_pushes.instance", ondelete="CASCADE"), primary_key=True),
    sa.Column("item_id", sa.Uuid, sa.ForeignKey("items.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("location_id", sa.Uuid, sa.ForeignKey("locations.id", ondelete="CASCADE"), primary_key=True),
    text("state", default=PushState.WAITING.value),
    # How often it changed: a telling that began before the last change does not settle it.
    sa.Column("marked", sa.BigInteger, nullable=False, server_default="1"),
    # Null when the system knows what it should know.
    sa.Column("waiting_since", sa.DateTime(timezone=True), server_default=sa.func.now()),
    sa.Column("wanted", sa.Integer),
    # The key of a telling that has no answer yet; the same for each attempt.
    sa.Column("asked", sa.Uuid),
    instant("retell_at"),
    sa.Column("told", sa.Integer),
    instant("told_at"),
    count("attempts"),
    stamped("next_attempt_at"),
    text("refused", nullable=True),
    text("error", nullable=True),
    words("state", PushState),
    sa.CheckConstraint("state <> 'TOLD' OR told IS NOT NULL", name="told_has_value"),
    sa.CheckConstraint("state <> 'REFUSED' OR refused IS NOT NULL", name="refused_has_reason"),
    postgresql_with={"fillfactor": 50},
)
sa.Index(
    "ix_stock_targets_due",
    stock_targets.c.instance,
    stock_targets.c.next_attempt_at,
    postgresql_where=stock_targets.c.state == "WAITING",
)
sa.Index("ix_stock_targets_location_id", stock_targets.c.location_id)
