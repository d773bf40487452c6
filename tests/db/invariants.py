"""What holds in every consistent store, as SQL: each query returns the rows that break it."""

from collections.abc import Mapping

from db.pool import Connection
from domain.line import IN_WORK, SHIPPED_OR_LATER
from domain.shipment import PHYSICAL
from domain.status import OrderLineStatus


def _sum(stages: frozenset[OrderLineStatus]) -> str:
    return " + ".join(stage.value.lower() for stage in OrderLineStatus if stage in stages)


SHIPPED = _sum(SHIPPED_OR_LATER)
SET_ASIDE = _sum(IN_WORK | {OrderLineStatus.ALLOCATED})
INVARIANTS: Mapping[str, str] = {
    "stock is allocated for exactly what the allocations say": """
        SELECT item_id, location_id, allocated, promised
        FROM stock_levels FULL JOIN (
            SELECT item_id, location_id, sum(quantity) AS promised FROM allocations GROUP BY item_id, location_id
        ) AS made USING (item_id, location_id)
        WHERE coalesce(promised, 0) <> coalesce(allocated, 0)
    """,
    "a line's allocations cover its units in work, and at most its held ones beside them": f"""
        SELECT l.id, l.sku, {SET_ASIDE} AS in_work, on_hold, made FROM order_lines l LEFT JOIN (
            SELECT line_id, sum(quantity) AS made FROM allocations GROUP BY line_id
        ) AS promised ON promised.line_id = l.id
        WHERE coalesce(made, 0) NOT BETWEEN {SET_ASIDE} AND {SET_ASIDE} + on_hold
    """,
    "an allocation is of its line's item": """
        SELECT a.id FROM allocations a JOIN order_lines l ON l.id = a.line_id WHERE l.item_id IS DISTINCT FROM a.item_id
    """,
    "what is shipped of a line left in parcels or was collected": f"""
        SELECT l.id, l.sku, {SHIPPED} AS gone, carried FROM order_lines l LEFT JOIN (
            SELECT line_id, sum(quantity) AS carried FROM shipment_lines JOIN shipments s ON s.id = shipment_id
            WHERE s.first_scan_at IS NOT NULL GROUP BY line_id
        ) AS sent ON sent.line_id = l.id
        WHERE requires_shipping
          AND coalesce(carried, 0) <> {SHIPPED} + CASE WHEN carried > {SHIPPED} THEN cancelled ELSE 0 END
          AND NOT EXISTS (SELECT FROM fulfillments f WHERE f.order_id = l.order_id AND f.pickup)
    """,
    "at least as much is delivered of a line as its delivered parcels held": """
        SELECT l.id, l.sku, delivered, carried FROM order_lines l JOIN (
            SELECT line_id, sum(quantity) AS carried FROM shipment_lines JOIN shipments s ON s.id = shipment_id
            WHERE s.status = 'DELIVERED' GROUP BY line_id
        ) AS sent ON sent.line_id = l.id
        WHERE delivered + return_requested + returned <> carried
          AND NOT EXISTS (SELECT FROM shipments s WHERE s.order_id = l.order_id AND s.status = 'RETURNED')
    """,
    "no more of a line is in parcels than was ordered": """
        SELECT l.id FROM order_lines l JOIN shipment_lines USING (order_id) JOIN shipments s ON s.id = shipment_id
        WHERE line_id = l.id AND s.status NOT IN ('CANCELLED', 'LOST', 'RETURNED')
        GROUP BY l.id HAVING sum(shipment_lines.quantity) > max(l.quantity)
    """,
    "a return's units are in its line": """
        SELECT l.id FROM order_lines l JOIN (
            SELECT line_id, sum(received) AS back FROM return_lines GROUP BY line_id
        ) AS came ON came.line_id = l.id
        WHERE returned < back
    """,
    "an order's version is the number of its journal rows, and they count up by one": """
        SELECT o.number, o.version, versions FROM orders o JOIN (
            SELECT order_id, array_agg(version ORDER BY id) AS versions FROM journal GROUP BY order_id
        ) AS told ON told.order_id = o.id
        WHERE versions <> ARRAY(SELECT generate_series(1, o.version))
    """,
    "a parcel's version is the number of its journal rows": """
        SELECT id, version FROM shipments WHERE version <> (
            SELECT count(*) FROM journal WHERE entity = 'SHIPMENT' AND entity_id = shipments.id)
    """,
    "every order has a journal": """
        SELECT number FROM orders WHERE NOT EXISTS (SELECT FROM journal WHERE order_id = orders.id)
    """,
    "the last status in an order's journal is its status": """
        SELECT o.number, o.status, told.status FROM orders o CROSS JOIN LATERAL (
            SELECT data -> 'status' ->> 'to' AS status FROM journal
            WHERE order_id = o.id AND data ? 'status' ORDER BY id DESC LIMIT 1
        ) AS told
        WHERE told.status <> o.status
    """,
    "each status in a journal follows the one before": """
        SELECT order_id, version FROM (
            SELECT order_id, version, data -> 'status' ->> 'from' AS before,
                   lag(data -> 'status' ->> 'to') OVER (PARTITION BY order_id ORDER BY id) AS after
            FROM journal WHERE data ? 'status'
        ) AS told WHERE before IS DISTINCT FROM after
    """,
    "nothing was recorded before it happened, or after now": """
        SELECT id FROM journal WHERE recorded_at < occurred_at OR recorded_at > now() + interval '1 minute'
    """,
    "a parcel's summary is that of its scans": f"""
        SELECT s.id FROM shipments s JOIN (
            SELECT shipment_id, max(occurred_at) AS last_at,
                   min(occurred_at) FILTER (WHERE status = ANY('{{{",".join(sorted(PHYSICAL))}}}')) AS first_at
            FROM tracking_events GROUP BY shipment_id
        ) AS scans ON scans.shipment_id = s.id
        WHERE s.last_event_at <> last_at OR s.first_scan_at IS DISTINCT FROM first_at
    """,
    "money adds up, on the lines and on the order": """
        SELECT o.number FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id GROUP BY o.id
        HAVING o.total_amount <> o.subtotal_amount - o.discount_amount + o.tax_amount + o.shipping_amount
            OR o.total_amount - o.shipping_amount <> coalesce(sum(l.total_amount), 0)
            OR bool_or(l.total_amount <> l.quantity * l.unit_price_amount - l.discount_amount + l.tax_amount)
            OR o.refunded_amount > o.captured_amount
    """,
    "a promise of the order or of its lines is there whenever it is still to be kept": """
        SELECT number FROM orders o
        WHERE late_at IS NOT NULL AND NOT EXISTS (SELECT FROM promises WHERE order_id = o.id AND kind = 'CURRENT')
    """,
    "every promise still to be kept was once sold": """
        SELECT order_id FROM promises p WHERE kind = 'CURRENT' AND line_id IS NULL AND NOT EXISTS (
            SELECT FROM promises WHERE order_id = p.order_id AND kind = 'ORIGINAL')
    """,
}


async def broken(connection: Connection) -> dict[str, list[object]]:
    """The invariants that do not hold, each with the first rows that break it."""
    found = {name: await connection.fetch(f"{query} LIMIT 5") for name, query in INVARIANTS.items()}
    return {name: [dict(row) for row in rows] for name, rows in found.items() if rows}
