"""A line cannot be lowered below what its parcels carry, nor a parcel that came to nothing come back to more.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Deferred, like the guard of shipment_lines: a command may change lines and parcels in any order.
CHECK = """
CREATE FUNCTION ordered_at_least_shipped(line uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    shipped bigint;
    ordered integer;
BEGIN
    SELECT quantity INTO ordered FROM order_lines WHERE id = line FOR NO KEY UPDATE;
    SELECT sum(l.quantity) INTO shipped
    FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id
    WHERE l.line_id = line AND l.order_id = s.order_id AND s.status NOT IN ('CANCELLED', 'LOST', 'RETURNED');
    IF shipped > ordered THEN
        RAISE EXCEPTION 'line % has % units in parcels but only % ordered', line, shipped, ordered
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_order_lines_at_least_shipped';
    END IF;
END $$
"""
OF_LINE = """
CREATE FUNCTION line_at_least_shipped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ordered_at_least_shipped(NEW.id);
    RETURN NULL;
END $$
"""
OF_PARCEL = """
CREATE FUNCTION parcel_at_most_ordered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ordered_at_least_shipped(line_id) FROM shipment_lines WHERE shipment_id = NEW.id ORDER BY line_id;
    RETURN NULL;
END $$
"""
LINE_TRIGGER = """
CREATE CONSTRAINT TRIGGER line_at_least_shipped AFTER UPDATE OF quantity ON order_lines
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.quantity < OLD.quantity)
    EXECUTE FUNCTION line_at_least_shipped()
"""
PARCEL_TRIGGER = """
CREATE CONSTRAINT TRIGGER parcel_at_most_ordered AFTER UPDATE OF status ON shipments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.status IN ('CANCELLED', 'LOST', 'RETURNED') AND NEW.status NOT IN ('CANCELLED', 'LOST', 'RETURNED'))
    EXECUTE FUNCTION parcel_at_most_ordered()
"""


def upgrade() -> None:
    for statement in (CHECK, OF_LINE, OF_PARCEL, LINE_TRIGGER, PARCEL_TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER parcel_at_most_ordered ON shipments")
    op.execute("DROP TRIGGER line_at_least_shipped ON order_lines")
    for name in ("parcel_at_most_ordered()", "line_at_least_shipped()", "ordered_at_least_shipped(uuid)"):
        op.execute(f"DROP FUNCTION {name}")
