-- A small store with two orders; <order> and the like are ids, see impossible.py.

INSERT INTO channels (id, code, name, kind, currency)
VALUES ('<channel>', 'web', 'Web', 'STOREFRONT', 'EUR'), ('<market>', 'amazon', 'Market', 'MARKETPLACE', 'EUR');
INSERT INTO locations (id, code, name, kind, country)
VALUES ('<location>', 'HAM-1', 'Hamburg', 'WAREHOUSE', 'DE');
INSERT INTO carriers (code, name)
VALUES ('dhl', 'DHL');
INSERT INTO items (id, sku)
VALUES ('<item>', 'BOOT-42'), ('<tent>', 'TENT-2P');
INSERT INTO stock_levels (item_id, location_id, on_hand, allocated)
VALUES ('<item>', '<location>', 5, 1);
INSERT INTO orders (id, channel_id, number, status, currency, placed_at)
VALUES ('<order>', '<channel>', '1001', 'CONFIRMED', 'EUR', now()),
       ('<other>', '<channel>', '1002', 'CONFIRMED', 'EUR', now());
INSERT INTO order_lines (id, order_id, position, item_id, sku, quantity, created)
VALUES ('<line>', '<order>', 1, '<item>', 'BOOT-42', 2, 2),
       ('<foreign_line>', '<other>', 1, '<item>', 'BOOT-42', 3, 3);
INSERT INTO allocations (order_id, line_id, item_id, location_id, quantity)
VALUES ('<order>', '<line>', '<item>', '<location>', 1);
INSERT INTO fulfillments (id, order_id, location_id, status)
VALUES ('<work>', '<order>', '<location>', 'OPEN'), ('<foreign_work>', '<other>', '<location>', 'OPEN');
INSERT INTO shipments (id, order_id, carrier, tracking_number, status)
VALUES ('<parcel>', '<order>', 'dhl', 'A1', 'IN_TRANSIT'), ('<second_parcel>', '<order>', 'dhl', 'A2', 'IN_TRANSIT'),
       ('<foreign_parcel>', '<other>', 'dhl', 'A1', 'IN_TRANSIT');
INSERT INTO shipment_lines (shipment_id, line_id, order_id, quantity)
VALUES ('<parcel>', '<line>', '<order>', 1), ('<foreign_parcel>', '<foreign_line>', '<other>', 2);
INSERT INTO tracking_events (shipment_id, source, source_event_id, status, occurred_at)
VALUES ('<parcel>', 'dhl', 'scan-1', 'IN_TRANSIT', now());
INSERT INTO returns (id, order_id, number, status, requested_at)
VALUES ('<return>', '<order>', 'R1', 'REQUESTED', now()), ('<foreign_return>', '<other>', 'R2', 'REQUESTED', now());
INSERT INTO promises (order_id, kind, latest, time_zone, basis, confidence)
VALUES ('<order>', 'ORIGINAL', current_date, 'UTC', 'ON_HAND', 'HIGH');
INSERT INTO source_claims (order_id, field, system, value, wins, observed_at)
VALUES ('<order>', 'status', 'shop', 'SHIPPED', true, now());
INSERT INTO reservations (key, item_id, location_id, quantity, expires_at)
VALUES ('cart', '<item>', '<location>', 1, now());
INSERT INTO journal (entity, entity_id, order_id, version, type, source, actor, occurred_at)
VALUES ('ORDER', '<order>', '<order>', 1, 'ORDER_PLACED', 'test', 'test', now());
