"""The audit trail for ever, and the stream of changes for a week.

`journal` is written in the transaction that changes something; a trigger puts its id into `outbox`; the relay moves
outbox ids to `event_log`, stamping gap-free positions. `data` never holds personal data: it is shown to everybody who
may see the order. See docs/decisions/0003-journal-and-log.md.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from db.tables.base import TextArray, instant, metadata, stamped, text

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True, cache=1), primary_key=True),
    sa.Column("event_id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
    # ORDER, SHIPMENT, STOCK, ...; `order_id` is set whenever the change belongs to one order's story.
    text("entity"),
    sa.Column("entity_id", sa.Uuid, nullable=False),
    sa.Column("order_id", sa.Uuid),
    sa.Column("version", sa.BigInteger, nullable=False),
    # Past tense: ORDER_PLACED, STATUS_CHANGED, SHIPMENT_SCANNED, HOLD_PLACED, ...
    text("type"),
    sa.Column("changed", TextArray, nullable=False, server_default=sa.text("'{}'")),
    sa.Column("data", postgresql.JSONB, nullable=False, server_default=sa.text("'{}'")),
    text("source"),
    text("source_event_id", nullable=True),
    text("actor"),
    instant("occurred_at", nullable=False),
    stamped("recorded_at"),
)
sa.Index(
    "ix_journal_order_id_occurred_at_id",
    journal.c.order_id,
    journal.c.occurred_at,
    journal.c.id,
    postgresql_where=journal.c.order_id.is_not(None),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
)

# Positions without gaps, stamped by the one relay; partitions of LOG_PARTITION positions are dropped when too old.
event_log = sa.Table(
    "event_log",
    metadata,
    sa.Column("pos", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("journal_id", sa.BigInteger, nullable=False),
    stamped("logged_at"),
    postgresql_partition_by="RANGE (pos)",
)
LOG_PARTITION = 1_000_000

stream_meta = sa.Table(
    "stream_meta",
    metadata,
    # One row: `salt` is changed by hand to declare that cursors of before are void.
    sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.text("true")),
    text("salt", default=""),
    # Positions up to `min_pos` are no longer kept; `last_pos` is the newest one given.
    sa.Column("min_pos", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("last_pos", sa.BigInteger, nullable=False, server_default="0"),
    sa.CheckConstraint("one", name="single_row"),
)
