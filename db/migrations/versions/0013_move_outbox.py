"""Moving the outbox to the log is one round trip.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# A statement of its own takes the lock, so that the move sees everything committed before: in a volatile function each
# statement has a snapshot of its own. Ordered by journal id: per order that is commit order, because a command locks
# its order before it writes. `last_pos` is read and raised by one statement under the lock, so positions have no gaps.
MOVE = """
CREATE FUNCTION move_outbox(lock bigint, most integer, channel text, OUT moved integer, OUT newest bigint)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(lock);
    WITH gone AS (
        DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT most) RETURNING id
    ), head AS (
        UPDATE stream_meta SET last_pos = last_pos + (SELECT count(*) FROM gone)
        WHERE EXISTS (SELECT FROM gone) RETURNING last_pos
    ), logged AS (
        INSERT INTO event_log (pos, journal_id)
        SELECT head.last_pos - count(*) OVER () + row_number() OVER (ORDER BY gone.id), gone.id FROM gone, head
        RETURNING pos
    )
    SELECT count(*), coalesce(max(pos), 0) INTO moved, newest FROM logged;
    IF moved > 0 THEN
        PERFORM pg_notify(channel, '');
    END IF;
END $$
"""


def upgrade() -> None:
    op.execute(MOVE)


def downgrade() -> None:
    op.execute("DROP FUNCTION move_outbox")
