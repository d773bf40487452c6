"""The data set's orders, batch by batch, as SQL: what depends on an order's number is worked out once, in `batch`."""

# `stage`: how far the order has come. The first parcel carries one unit of each of the three lines, the second one unit
# of the first two. Prices follow from the item's number, so that no join is needed.
BATCH = """
DROP TABLE IF EXISTS batch;
CREATE TEMP TABLE batch AS
SELECT n, md5('order ' || n)::uuid AS id, age, now() - age AS placed_at, channel, code, person, place,
       CASE WHEN age > interval '25 days' THEN 'COMPLETED' WHEN age > interval '6 days' THEN 'DELIVERED'
            WHEN age > interval '3 days' THEN 'PARTIALLY_DELIVERED' ELSE 'SHIPPED' END AS stage,
       ARRAY[1 + n * 7919 % 500, 1 + (n * 104729 + 167) % 500, 1 + (n * 1299709 + 333) % 500] AS items
FROM (SELECT n, ({orders} - n + 0.9) * (interval '3 years' / {orders}) AS age,
             CASE WHEN n % 10 < 7 THEN 'web' WHEN n % 10 < 9 THEN 'amazon' ELSE 'b2b' END AS code,
             n * 15485863 % greatest({orders} / 4, 10) AS person, 1 + n * 31 % 6 AS place
      FROM generate_series({first}::bigint, {last}) AS n) AS numbered
CROSS JOIN LATERAL (SELECT md5('channel ' || code)::uuid) AS sold (channel);
ANALYZE batch
"""
PRICE = "(990 + {item} * 137 % 29000)"
PRICES = [f"{units} * {PRICE.format(item=f'items[{place}]')}" for place, units in ((1, 2), (2, 2), (3, 1))]
GROSS = " + ".join(PRICES)
# Rounded down line by line, so that the lines add up to the order.
TAX = " + ".join(f"{price} * 19 / 100" for price in PRICES)
ORDERS = f"""
INSERT INTO orders (id, channel_id, number, version, status, financial_status, late_at, stale_at, source, customer_id,
    customer_email, customer_name, customer_phone, ship_name, ship_line1, ship_city, ship_region, ship_postal_code,
    ship_country, currency, subtotal_amount, shipping_amount, tax_amount, total_amount, authorized_amount,
    captured_amount, placed_at, accepted_at, closed_at, created_at, updated_at)
SELECT id, channel, (100000 + n)::text, 4, stage, 'PAID',
       CASE WHEN stage IN ('SHIPPED', 'PARTIALLY_DELIVERED') THEN date_trunc('day', placed_at) + interval '6 days' END,
       CASE WHEN stage IN ('SHIPPED', 'PARTIALLY_DELIVERED') THEN date_trunc('day', placed_at) + interval '8 days' END,
       CASE code WHEN 'web' THEN 'ordergraph' WHEN 'amazon' THEN 'amazon' ELSE 'edi' END, 'C-' || person,
       'customer.' || person || '@example.com', names, '+49 40 66969' || person % 900 + 100, names,
       'Musterweg ' || 1 + n % 200, city, region, postal_code, country, 'EUR', gross, 490, tax,
       gross + 490 + tax, gross + 490 + tax, gross + 490 + tax, placed_at,
       placed_at + interval '7 minutes', CASE stage WHEN 'COMPLETED' THEN placed_at + interval '18 days' END,
       placed_at, placed_at + CASE stage WHEN 'COMPLETED' THEN interval '18 days'
                                         WHEN 'SHIPPED' THEN least(age, interval '5 hours') ELSE interval '3 days' END
FROM batch
CROSS JOIN LATERAL (SELECT {GROSS}, {TAX}) AS sum (gross, tax)
CROSS JOIN LATERAL (SELECT (ARRAY['Ada', 'Ben', 'Clara', 'Dario', 'Elin', 'Finn', 'Greta'])[1 + person % 7] || ' '
    || (ARRAY['Muster', 'Beispiel', 'Vorlage', 'Exempel', 'Placeholder'])[1 + person % 5]) AS someone (names)
JOIN (VALUES (1, 'Hamburg', 'HH', '20457', 'DE'), (2, 'Berlin', 'BE', '10115', 'DE'),
             (3, 'Wien', NULL, '1010', 'AT'), (4, 'Paris', NULL, '75004', 'FR'),
             (5, 'Amsterdam', NULL, '1012', 'NL'), (6, 'Milano', NULL, '20121', 'IT'))
    AS town (town, city, region, postal_code, country) ON town = place
"""
LINES = f"""
INSERT INTO order_lines (id, order_id, position, item_id, sku, title, quantity, shipped, delivered, unit_price_amount,
    tax_amount, total_amount)
SELECT md5('line ' || n || ' ' || position)::uuid, id, position, md5('item ' || item)::uuid,
       'SKU-' || lpad(item::text, 5, '0'), 'Granite hiking boot, model ' || item, quantity, on_way, quantity - on_way,
       price, quantity * price * 19 / 100, quantity * price + quantity * price * 19 / 100
FROM batch
CROSS JOIN (VALUES (1, 2), (2, 2), (3, 1)) AS line (position, quantity)
CROSS JOIN LATERAL (SELECT items[position]) AS sold (item)
CROSS JOIN LATERAL (SELECT {PRICE.format(item="item")}) AS cost (price)
CROSS JOIN LATERAL (SELECT CASE stage WHEN 'SHIPPED' THEN quantity
                                      WHEN 'PARTIALLY_DELIVERED' THEN quantity / 2 ELSE 0 END) AS units (on_way)
"""
# `there`: whether the parcel has arrived; `left_at` when the carrier took it.
PARCELS = """
CROSS JOIN (VALUES (1), (2)) AS parcel (k)
CROSS JOIN LATERAL (SELECT stage NOT IN ('SHIPPED') AND (k = 1 OR stage <> 'PARTIALLY_DELIVERED'),
    placed_at + least(age / 2, k * interval '3 hours'), md5('shipment ' || n || ' ' || k)::uuid,
    (ARRAY['dhl', 'dpd', 'ups', 'gls'])[1 + (n + k) % 4]) AS facts (there, left_at, shipment_id, carrier)
"""
SHIPMENTS = f"""
INSERT INTO shipments (id, order_id, carrier, service, tracking_number, tracking_url, status, source, version,
    shipped_at, first_scan_at, last_event_at, delivered_at, estimated_delivery_at, stale_at, created_at, updated_at)
SELECT shipment_id, id, carrier, 'STANDARD', tracking, 'https://tracking.example.com/' || carrier || '/' || tracking,
       CASE WHEN there THEN 'DELIVERED' ELSE 'IN_TRANSIT' END, carrier, 1, left_at, left_at, last_at,
       CASE WHEN there THEN last_at END, left_at + interval '3 days',
       CASE WHEN NOT there THEN date_trunc('day', placed_at) + interval '8 days' END, placed_at, last_at
FROM batch {PARCELS}
CROSS JOIN LATERAL (SELECT '00340434' || lpad((n * 2 + k)::text, 12, '0'),
    left_at + CASE WHEN there THEN interval '2 days 5 hours' ELSE (age - (left_at - placed_at)) / 2 END)
    AS scans (tracking, last_at)
"""
SHIPMENT_LINES = """
INSERT INTO shipment_lines (shipment_id, line_id, order_id, quantity)
SELECT md5('shipment ' || n || ' ' || k)::uuid, md5('line ' || n || ' ' || position)::uuid, id, 1
FROM batch CROSS JOIN (VALUES (1, 1), (1, 2), (1, 3), (2, 1), (2, 2)) AS piece (k, position)
"""
TRACKING_EVENTS = f"""
INSERT INTO tracking_events (id, shipment_id, source, source_event_id, status, raw_code, raw_text, city, country,
    occurred_at, recorded_at, estimated_delivery_at)
SELECT md5('scan ' || n || ' ' || k || ' ' || scan)::uuid, shipment_id, carrier, n || '-' || k || '-' || scan, status,
       raw, words, city, 'DE', at, at + interval '40 seconds', CASE scan WHEN 1 THEN left_at + interval '3 days' END
FROM batch {PARCELS}
CROSS JOIN (VALUES (1), (2), (3)) AS told (scan)
CROSS JOIN LATERAL (SELECT CASE WHEN there
    THEN left_at + (ARRAY['0 hours', '1 day', '2 days 5 hours']::interval[])[scan]
    ELSE left_at + (age - (left_at - placed_at)) * (scan - 1) / 4.0 END) AS clock (at)
JOIN (VALUES (true, 1, 'PICKED_UP', 'PU', 'The shipment was picked up by the carrier.', 'Hamburg'),
             (true, 2, 'IN_TRANSIT', 'AF', 'The shipment arrived at the parcel centre of origin.', 'Leipzig'),
             (true, 3, 'DELIVERED', 'OK', 'The shipment was delivered to the recipient at the door.', 'Berlin'),
             (false, 1, 'PICKED_UP', 'PU', 'The shipment was picked up by the carrier.', 'Hamburg'),
             (false, 2, 'IN_TRANSIT', 'AF', 'The shipment arrived at the parcel centre of origin.', 'Leipzig'),
             (false, 3, 'IN_TRANSIT', 'AR', 'The shipment is on its way to the next parcel centre.', 'Hannover'))
    AS meaning (arrived, which, status, raw, words, city) ON arrived = there AND which = scan
"""
PROMISES = """
INSERT INTO promises (id, order_id, kind, ship_by, earliest, latest, time_zone, basis, confidence, inputs, computed_at)
SELECT md5(kind || ' ' || n)::uuid, id, kind, day + 1, day + 2, day + CASE kind WHEN 'ORIGINAL' THEN 4 ELSE 5 END,
       'Europe/Berlin', 'ON_HAND', 'HIGH', '{"locations": ["HAM-1"], "reasons": [
           {"step": "HANDLING", "text": "HAM-1 needs 1 open day and hands over on the next."},
           {"step": "TRANSIT", "text": "dhl STANDARD takes 1 to 2 open days."}]}',
       placed_at
FROM batch CROSS JOIN (VALUES ('ORIGINAL'), ('CURRENT')) AS promise (kind)
CROSS JOIN LATERAL (SELECT placed_at::date) AS calendar (day)
"""
JOURNAL = """
INSERT INTO journal (event_id, entity, entity_id, order_id, version, type, changed, data, source, source_event_id,
    actor, occurred_at, recorded_at)
SELECT md5('event ' || n || ' ' || version)::uuid, entity, CASE entity WHEN 'ORDER' THEN id ELSE
       md5('shipment ' || n || ' ' || version - 2)::uuid END, id, version, type, changed::text[],
       jsonb_build_object('status', jsonb_build_object('from', before, 'to', coalesce(after, stage))), source,
       source || ' ' || n || ' ' || version, 'system', at, at + interval '30 seconds'
FROM batch
CROSS JOIN (VALUES (1, 'ORDER_PLACED', 'ORDER', '{lines,status}', NULL, 'PENDING', 'ordergraph'),
                   (2, 'ORDER_ACCEPTED', 'ORDER', '{acceptedAt,status}', 'PENDING', 'CONFIRMED', 'ordergraph'),
                   (3, 'SHIPMENT_SCANNED', 'SHIPMENT', '{shipments,status}', 'CONFIRMED', 'PARTIALLY_SHIPPED', 'dhl'),
                   (4, 'SHIPMENT_SCANNED', 'SHIPMENT', '{shipments,status}', 'PARTIALLY_SHIPPED', NULL, 'dpd'))
    AS entry (version, type, entity, changed, before, after, source)
CROSS JOIN LATERAL (SELECT placed_at + least(age * version / 5, interval '5 hours' * (version - 1))) AS clock (at)
ORDER BY n, version
"""
STATEMENTS = (ORDERS, LINES, SHIPMENTS, SHIPMENT_LINES, TRACKING_EVENTS, PROMISES, JOURNAL)
