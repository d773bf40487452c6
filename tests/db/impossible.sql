-- What the store must refuse: what it would mean, and the constraint that says no. For <order> see impossible.py.

-- less than nothing on the shelf: ck_stock_levels_not_negative
UPDATE stock_levels SET on_hand = on_hand - 6;

-- less than nothing allocated: ck_stock_levels_not_negative
UPDATE stock_levels SET allocated = -1;

-- less than nothing set aside: ck_stock_levels_not_negative
UPDATE stock_levels SET set_aside = -1;

-- less than nothing in a stage: ck_order_lines_not_negative
UPDATE order_lines SET created = 3, shipped = -1 WHERE id = '<line>';

-- a unit in two stages: ck_order_lines_stages_sum_to_quantity
UPDATE order_lines SET shipped = 1 WHERE id = '<line>';

-- a unit in no stage: ck_order_lines_stages_sum_to_quantity
UPDATE order_lines SET created = 1 WHERE id = '<line>';

-- more shipped of a line than ordered: ck_order_lines_stages_sum_to_quantity
UPDATE order_lines SET created = 0, shipped = 3 WHERE id = '<line>';

-- more ordered than is in stages: ck_order_lines_stages_sum_to_quantity
UPDATE order_lines SET quantity = 3 WHERE id = '<line>';

-- a line of nothing: ck_order_lines_quantity_positive
INSERT INTO order_lines (order_id, position, sku, quantity)
VALUES ('<order>', 2, 'X', 0);

-- more in two parcels than ordered: ck_shipment_lines_at_most_ordered
INSERT INTO shipment_lines (shipment_id, line_id, order_id, quantity)
VALUES ('<second_parcel>', '<line>', '<order>', 2);

-- a line lowered below its parcels: ck_order_lines_at_least_shipped
UPDATE order_lines SET quantity = 1, created = 1 WHERE id = '<foreign_line>';

-- a parcel filled up beyond the order: ck_shipment_lines_at_most_ordered
UPDATE shipment_lines SET quantity = 3;

-- an empty piece of a parcel: ck_shipment_lines_quantity_positive
UPDATE shipment_lines SET quantity = 0;

-- an empty allocation: ck_allocations_quantity_positive
UPDATE allocations SET quantity = 0;

-- an empty reservation: ck_reservations_quantity_positive
UPDATE reservations SET quantity = 0;

-- an empty piece of work: ck_fulfillment_lines_quantity_positive
INSERT INTO fulfillment_lines (fulfillment_id, line_id, order_id, quantity)
VALUES ('<work>', '<line>', '<order>', 0);

-- more received than sent back: ck_return_lines_quantities_possible
INSERT INTO return_lines (return_id, line_id, order_id, quantity, received, reason)
VALUES ('<return>', '<line>', '<order>', 1, 2, 'OTHER');

-- a delivery of nothing: ck_incoming_supply_not_negative
INSERT INTO incoming_supply (item_id, location_id, quantity, expected_at, reference)
VALUES ('<item>', '<location>', 0, now(), 'PO');

-- a buffer below zero: ck_channels_not_negative
UPDATE channels SET buffer = -1;

-- captured less than nothing: ck_orders_not_negative
UPDATE orders SET captured_amount = -1;

-- a parcel with a line of another order: fk_shipment_lines_order_id_line_id
INSERT INTO shipment_lines (shipment_id, line_id, order_id, quantity)
VALUES ('<second_parcel>', '<foreign_line>', '<order>', 1);

-- a line in a parcel of another order: fk_shipment_lines_order_id_shipment_id
INSERT INTO shipment_lines (shipment_id, line_id, order_id, quantity)
VALUES ('<foreign_parcel>', '<line>', '<order>', 1);

-- work on a line of another order: fk_fulfillment_lines_order_id_line_id
INSERT INTO fulfillment_lines (fulfillment_id, line_id, order_id, quantity)
VALUES ('<work>', '<foreign_line>', '<order>', 1);

-- a line in the work of another order: fk_fulfillment_lines_order_id_fulfillment_id
INSERT INTO fulfillment_lines (fulfillment_id, line_id, order_id, quantity)
VALUES ('<foreign_work>', '<line>', '<order>', 1);

-- a return of a line of another order: fk_return_lines_order_id_line_id
INSERT INTO return_lines (return_id, line_id, order_id, quantity, reason)
VALUES ('<return>', '<foreign_line>', '<order>', 1, 'OTHER');

-- a line in the return of another order: fk_return_lines_order_id_return_id
INSERT INTO return_lines (return_id, line_id, order_id, quantity, reason)
VALUES ('<foreign_return>', '<line>', '<order>', 1, 'OTHER');

-- an allocation for a line of another order: fk_allocations_order_id_line_id
UPDATE allocations SET line_id = '<foreign_line>';

-- a hold on a line of another order: fk_holds_order_id_line_id
INSERT INTO holds (order_id, line_id, reason, owner, placed_at, placed_by)
VALUES ('<order>', '<foreign_line>', 'OTHER', 'MERCHANT', now(), 'test');

-- a hold on the work of another order: fk_holds_order_id_fulfillment_id
INSERT INTO holds (order_id, fulfillment_id, reason, owner, placed_at, placed_by)
VALUES ('<order>', '<foreign_work>', 'OTHER', 'MERCHANT', now(), 'test');

-- a promise for a line of another order: fk_promises_order_id_line_id
INSERT INTO promises (order_id, line_id, kind, latest, time_zone, basis, confidence)
VALUES ('<order>', '<foreign_line>', 'CURRENT', current_date, 'UTC', 'ON_HAND', 'HIGH');

-- a parcel of the work of another order: fk_shipments_order_id_fulfillment_id
UPDATE shipments SET fulfillment_id = '<foreign_work>' WHERE id = '<parcel>';

-- work that replaces the work of another order: fk_fulfillments_order_id_replaces_id
UPDATE fulfillments SET replaces_id = '<foreign_work>' WHERE id = '<work>';

-- a line that moves to another order: fk_allocations_order_id_line_id
UPDATE order_lines SET order_id = '<other>', position = 2 WHERE id = '<line>';

-- an unknown word in api_keys.role: ck_api_keys_role_known
INSERT INTO api_keys (prefix, secret_sha256, name, role, scopes, channels)
VALUES ('p', '', 'n', 'NONSENSE', '{}', '{}');

-- an unknown word in channels.kind: ck_channels_kind_known
UPDATE channels SET kind = 'NONSENSE';

-- an unknown word in fulfillments.rejection_reason: ck_fulfillments_rejection_reason_known
UPDATE fulfillments SET rejection_reason = 'NONSENSE';

-- an unknown word in fulfillments.status: ck_fulfillments_status_known
UPDATE fulfillments SET status = 'NONSENSE';

-- an unknown word in holds.owner: ck_holds_owner_known
INSERT INTO holds (order_id, reason, owner, placed_at, placed_by)
VALUES ('<order>', 'OTHER', 'NONSENSE', now(), 'test');

-- an unknown word in holds.reason: ck_holds_reason_known
INSERT INTO holds (order_id, reason, owner, placed_at, placed_by)
VALUES ('<order>', 'NONSENSE', 'MERCHANT', now(), 'test');

-- an unknown word in items.backorder_policy: ck_items_backorder_policy_known
UPDATE items SET backorder_policy = 'NONSENSE';

-- an unknown word in locations.kind: ck_locations_kind_known
UPDATE locations SET kind = 'NONSENSE';

-- an unknown word in orders.attention: ck_orders_attention_known
UPDATE orders SET attention = '{RETURN_OPEN,NONSENSE}';

-- an unknown word in orders.cancel_reason: ck_orders_cancel_reason_known
UPDATE orders SET cancel_reason = 'NONSENSE';

-- an unknown word in orders.financial_status: ck_orders_financial_status_known
UPDATE orders SET financial_status = 'NONSENSE';

-- an unknown word in orders.return_status: ck_orders_return_status_known
UPDATE orders SET return_status = 'NONSENSE';

-- an unknown word in orders.status: ck_orders_status_known
UPDATE orders SET status = 'confirmed';

-- an unknown word in promises.basis: ck_promises_basis_known
UPDATE promises SET basis = 'NONSENSE';

-- an unknown word in promises.confidence: ck_promises_confidence_known
UPDATE promises SET confidence = 'NONSENSE';

-- an unknown word in promises.kind: ck_promises_kind_known
UPDATE promises SET kind = 'NONSENSE';

-- an unknown word in reservations.state: ck_reservations_state_known
UPDATE reservations SET state = 'NONSENSE';

-- an unknown word in return_lines.disposition: ck_return_lines_disposition_known
INSERT INTO return_lines (return_id, line_id, order_id, quantity, reason, disposition)
VALUES ('<return>', '<line>', '<order>', 1, 'OTHER', 'NONSENSE');

-- an unknown word in return_lines.reason: ck_return_lines_reason_known
INSERT INTO return_lines (return_id, line_id, order_id, quantity, reason)
VALUES ('<return>', '<line>', '<order>', 1, 'NONSENSE');

-- an unknown word in returns.resolution: ck_returns_resolution_known
UPDATE returns SET resolution = 'NONSENSE';

-- an unknown word in returns.status: ck_returns_status_known
UPDATE returns SET status = 'NONSENSE';

-- an unknown word in shipments.status: ck_shipments_status_known
UPDATE shipments SET status = 'NONSENSE';

-- an unknown word in tracking_events.status: ck_tracking_events_status_known
UPDATE tracking_events SET status = 'NONSENSE';

-- an order number twice in a channel: uq_orders_channel_id_number
INSERT INTO orders (channel_id, number, status, currency, placed_at)
VALUES ('<channel>', '1001', 'PENDING', 'EUR', now());

-- a position twice in an order: uq_order_lines_order_id_position
INSERT INTO order_lines (order_id, position, sku, quantity, created)
VALUES ('<order>', 1, 'X', 1, 1);

-- an item twice: uq_items_sku
INSERT INTO items (sku)
VALUES ('BOOT-42');

-- a parcel twice: uq_shipments_order_id_carrier_tracking_number
INSERT INTO shipments (order_id, carrier, tracking_number, status)
VALUES ('<order>', 'dhl', 'A1', 'UNKNOWN');

-- a scan twice: uq_tracking_events_shipment_id_source_source_event_id
INSERT INTO tracking_events (shipment_id, source, source_event_id, status, occurred_at)
VALUES ('<parcel>', 'dhl', 'scan-1', 'DELIVERED', now());

-- an allocation twice: uq_allocations_line_id_location_id
INSERT INTO allocations (order_id, line_id, item_id, location_id, quantity)
VALUES ('<order>', '<line>', '<item>', '<location>', 1);

-- an original promise twice: uq_promises_order_id_line_id_kind
INSERT INTO promises (order_id, kind, latest, time_zone, basis, confidence)
VALUES ('<order>', 'ORIGINAL', current_date, 'UTC', 'ON_HAND', 'HIGH');

-- two winners for a field: uq_source_claims_winner
INSERT INTO source_claims (order_id, field, system, value, wins, observed_at)
VALUES ('<order>', 'status', 'wms', 'PACKED', true, now());

-- one system's claim twice: uq_source_claims_order_id_field_system
INSERT INTO source_claims (order_id, field, system, value, observed_at)
VALUES ('<order>', 'status', 'shop', 'PACKED', now());

-- a return number twice in an order: uq_returns_order_id_number
INSERT INTO returns (order_id, number, status, requested_at)
VALUES ('<order>', 'R1', 'REQUESTED', now());

-- a reservation twice: uq_reservations_key_item_id_location_id
INSERT INTO reservations (key, item_id, location_id, quantity, expires_at)
VALUES ('cart', '<item>', '<location>', 1, now());

-- a second row of stream_meta: pk_stream_meta
INSERT INTO stream_meta (one)
VALUES (true);

-- another row of stream_meta: ck_stream_meta_single_row
INSERT INTO stream_meta (one)
VALUES (false);

-- promised earlier than it can be: ck_promises_days_ordered
UPDATE promises SET earliest = latest + 1;

-- released before it was held: ck_holds_released_after_placed
INSERT INTO holds (order_id, reason, owner, placed_at, placed_by, released_at)
VALUES ('<order>', 'OTHER', 'MERCHANT', now(), 'test', now() - interval '1 second');

-- transit shorter than its shortest: ck_transit_times_days_ordered
INSERT INTO transit_times (location_id, carrier, country, min_days, max_days)
VALUES ('<location>', 'dhl', 'DE', 3, 2);

-- work that replaces itself: ck_fulfillments_replaces_another
UPDATE fulfillments SET replaces_id = id;

-- an eighth day of the week: ck_location_cutoffs_weekday_iso
INSERT INTO location_cutoffs (location_id, weekday, cutoff)
VALUES ('<location>', 8, '12:00');

-- a currency in small letters: ck_orders_currency_iso
UPDATE orders SET currency = 'eur';

-- a country by its name: ck_locations_country_iso
UPDATE locations SET country = 'Germany';

-- a version before the first: ck_orders_version_positive
UPDATE orders SET version = 0;

-- stock of an unknown item: fk_stock_levels_item_id
INSERT INTO stock_levels (item_id, location_id)
VALUES ('<order>', '<location>');

-- a carrier nobody knows: fk_shipments_carrier
UPDATE shipments SET carrier = 'pigeon';

-- a carrier removed under its parcels: fk_shipments_carrier
DELETE FROM carriers;

-- an endpoint in no known state: ck_webhook_endpoints_state_known
INSERT INTO webhook_endpoints (owner, owner_name, url, state, position, epoch, secret)
VALUES ('{}', 'admin:ada', 'https://a.example', 'NAPPING', 0, 'e', '\x00');

-- an endpoint disabled for no known reason: ck_webhook_endpoints_disabled_reason_known
INSERT INTO webhook_endpoints (owner, owner_name, url, state, disabled_reason, position, epoch, secret)
VALUES ('{}', 'admin:ada', 'https://a.example', 'DISABLED', 'BOREDOM', 0, 'e', '\x00');

-- a disabled endpoint without a reason: ck_webhook_endpoints_disabled_has_reason
INSERT INTO webhook_endpoints (owner, owner_name, url, state, position, epoch, secret)
VALUES ('{}', 'admin:ada', 'https://a.example', 'DISABLED', 0, 'e', '\x00');

-- a dead letter in no known state: ck_webhook_dead_letters_state_known
INSERT INTO webhook_dead_letters (endpoint_id, message_id, journal_id, position, reason, state)
VALUES ('<order>', 'm', 1, 1, 'FAILING', 'UNDEAD');

-- a letter dead for no known reason: ck_webhook_dead_letters_reason_known
INSERT INTO webhook_dead_letters (endpoint_id, message_id, journal_id, position, reason, state)
VALUES ('<order>', 'm', 1, 1, 'BOREDOM', 'DEAD');

-- a delivery in no known state: ck_connector_deliveries_state_known
INSERT INTO connector_deliveries (instance, delivery_id, topic, body, state) VALUES ('shop', '1', 't', '\x00', 'LATE');

-- a new delivery without what it said: ck_connector_deliveries_new_has_body
INSERT INTO connector_deliveries (instance, delivery_id, topic) VALUES ('shop', '1', 't');

-- a command of no known kind: ck_connector_commands_kind_known
INSERT INTO connector_commands (key, instance, kind, order_id, payload, actor, state)
VALUES ('k', 'threepl', 'DANCE', '<order>', '{}', 'admin:ada', 'PENDING');

-- a command in no known state: ck_connector_commands_state_known
INSERT INTO connector_commands (key, instance, kind, order_id, payload, actor, state)
VALUES ('k', 'threepl', 'CANCEL_FULFILLMENT', '<order>', '{}', 'admin:ada', 'LATE');

-- a command that is done without an answer: ck_connector_commands_done_is_answered
INSERT INTO connector_commands (key, instance, kind, order_id, payload, actor, state)
VALUES ('k', 'threepl', 'CANCEL_FULFILLMENT', '<order>', '{}', 'admin:ada', 'DONE');

-- a command that is refused for no reason: ck_connector_commands_refused_has_reason
INSERT INTO connector_commands (key, instance, kind, order_id, payload, actor, state)
VALUES ('k', 'threepl', 'CANCEL_FULFILLMENT', '<order>', '{}', 'admin:ada', 'REFUSED');

-- a revocation of nothing known: ck_revocations_kind_known
INSERT INTO revocations (kind, name, actor) VALUES ('HAT', 'h', 'admin:ada');

-- a pull in no known mode: ck_connector_watermarks_mode_known
INSERT INTO connector_watermarks (instance, capability, mode) VALUES ('shop', 'orders_pull', 'GUESS');

-- a cursor of no pull: ck_connector_watermarks_cursor_of_a_pull
INSERT INTO connector_watermarks (instance, capability, mode, cursor) VALUES ('shop', 'orders_pull', 'SYNC', '1');

-- a breaker in no known state: ck_connector_health_breaker_known
INSERT INTO connector_health (process, instance, breaker) VALUES ('<order>', 'shop', 'AJAR');

-- a target in no known state: ck_stock_targets_state_known
INSERT INTO stock_targets (instance, item_id, location_id, state) VALUES ('shop', '<order>', '<order>', 'LOST');

-- a target that is told without a number: ck_stock_targets_told_has_value
INSERT INTO stock_targets (instance, item_id, location_id, state) VALUES ('shop', '<order>', '<order>', 'TOLD');

-- a target that is refused for no reason: ck_stock_targets_refused_has_reason
INSERT INTO stock_targets (instance, item_id, location_id, state) VALUES ('shop', '<order>', '<order>', 'REFUSED');
