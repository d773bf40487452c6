"""Connectors: what outside systems are told of our stock.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# A statement of plpgsql sees what was committed before it began, so a system configured a moment ago counts.
IS_TOLD = """
CREATE FUNCTION is_told(place uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT FROM connector_pushes p JOIN locations l ON l.code = ANY (p.locations)
        WHERE l.id = place AND p.seen_at > now() - interval '1 day');
END $$
"""
MARK_LEVEL = """
CREATE FUNCTION mark_level() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    level stock_levels := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF is_told(level.location_id) THEN
        INSERT INTO stock_marks (item_id, location_id) VALUES (level.item_id, level.location_id);
    END IF;
    RETURN NULL;
END $$
"""
# Once for now, and once for the moment when it ends by itself.
MARK_RESERVATION = """
CREATE FUNCTION mark_reservation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held reservations := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF is_told(held.location_id) THEN
        INSERT INTO stock_marks (item_id, location_id) VALUES (held.item_id, held.location_id);
        IF TG_OP <> 'DELETE' AND held.state = 'HELD' AND held.expires_at > now() THEN
            INSERT INTO stock_marks (item_id, location_id, due_at)
            VALUES (held.item_id, held.location_id, held.expires_at);
        END IF;
    END IF;
    RETURN NULL;
END $$
"""
MARK_LOCATION = """
CREATE FUNCTION mark_location() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_told(NEW.id) THEN
        INSERT INTO stock_marks (item_id, location_id)
        SELECT item_id, location_id FROM stock_levels WHERE location_id = NEW.id;
    END IF;
    RETURN NULL;
END $$
"""
PARTS = "on_hand allocated damaged quality_control set_aside safety_stock source"
CHANGED = " OR ".join(f"OLD.{part} IS DISTINCT FROM NEW.{part}" for part in PARTS.split())
TRIGGERS = (
    """CREATE TRIGGER mark_level AFTER INSERT OR DELETE ON stock_levels
        FOR EACH ROW EXECUTE FUNCTION mark_level()""",
    f"""CREATE TRIGGER mark_changed_level AFTER UPDATE ON stock_levels
        FOR EACH ROW WHEN ({CHANGED}) EXECUTE FUNCTION mark_level()""",
    """CREATE TRIGGER mark_reservation AFTER INSERT OR UPDATE OR DELETE ON reservations
        FOR EACH ROW EXECUTE FUNCTION mark_reservation()""",
    """CREATE TRIGGER mark_location AFTER UPDATE ON locations
        FOR EACH ROW WHEN (OLD.active <> NEW.active) EXECUTE FUNCTION mark_location()""",
)


def upgrade() -> None:
    op.create_table(
        "connector_pushes",
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("locations", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("owner", sa.Uuid()),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True)),
        sa.Column("drifted", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("instance", name=op.f("pk_connector_pushes")),
    )
    op.create_table(
        "stock_marks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_marks")),
    )
    op.create_index("ix_stock_marks_due_at", "stock_marks", ["due_at"])
    op.create_index("ix_stock_marks_item_id_location_id", "stock_marks", ["item_id", "location_id"])
    _targets()
    for statement in (IS_TOLD, MARK_LEVEL, MARK_RESERVATION, MARK_LOCATION, *TRIGGERS):
        op.execute(statement)


def _targets() -> None:
    op.create_table(
        "stock_targets",
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="WAITING", nullable=False),
        sa.Column("marked", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), server_default=sa.text("now()")),
        sa.Column("wanted", sa.Integer()),
        sa.Column("asked", sa.Uuid()),
        sa.Column("retell_at", sa.DateTime(timezone=True)),
        sa.Column("told", sa.Integer()),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("refused", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint(
            "state IN ('WAITING', 'TOLD', 'REFUSED', 'DEAD')", name=op.f("ck_stock_targets_state_known")
        ),
        sa.CheckConstraint("state <> 'TOLD' OR told IS NOT NULL", name=op.f("ck_stock_targets_told_has_value")),
        sa.CheckConstraint(
            "state <> 'REFUSED' OR refused IS NOT NULL", name=op.f("ck_stock_targets_refused_has_reason")
        ),
        sa.ForeignKeyConstraint(
            ["instance"], ["connector_pushes.instance"], name=op.f("fk_stock_targets_instance"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_stock_targets_item_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name=op.f("fk_stock_targets_location_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("instance", "item_id", "location_id", name=op.f("pk_stock_targets")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "ix_stock_targets_due",
        "stock_targets",
        ["instance", "next_attempt_at"],
        postgresql_where=sa.text("state = 'WAITING'"),
    )
    op.create_index("ix_stock_targets_location_id", "stock_targets", ["location_id"])


def downgrade() -> None:
    for name, table in (
        ("mark_location", "locations"),
        ("mark_reservation", "reservations"),
        ("mark_changed_level", "stock_levels"),
        ("mark_level", "stock_levels"),
    ):
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name in ("mark_location()", "mark_reservation()", "mark_level()", "is_told(uuid)"):
        op.execute(f"DROP FUNCTION {name}")
    for table in ("stock_targets", "stock_marks", "connector_pushes"):
        op.drop_table(table)
