"""The data set's channels, ten locations, four carriers, 500 items and their stock, as SQL."""

CHANNELS = """
INSERT INTO channels (id, code, name, kind, time_zone, currency, buffer)
SELECT md5('channel ' || code)::uuid, code, name, kind, 'Europe/Berlin', 'EUR', buffer
FROM (VALUES ('web', 'Web shop', 'STOREFRONT', 2), ('amazon', 'Amazon marketplace', 'MARKETPLACE', 3),
             ('b2b', 'Business customers', 'B2B', 0)) AS given (code, name, kind, buffer)
"""
# Mostly in Europe, each with its own hours; the last two ship within their region only.
LOCATIONS = """
INSERT INTO locations (id, code, name, kind, time_zone, country, city, postal_code, holiday_country, handling_days,
                       fulfillment_delay_seconds, lead_days, priority)
SELECT md5('location ' || n)::uuid, code, city || ' ' || lower(replace(kind, '_', ' ')), kind, zone, country, city,
       (10000 + n * 137)::text, country, 1, n % 3 * 900, CASE kind WHEN 'SUPPLIER' THEN 3 ELSE 0 END, n * 10
FROM (VALUES (1, 'HAM-1', 'Hamburg', 'WAREHOUSE', 'Europe/Berlin', 'DE'),
             (2, 'RNO-1', 'Reno', 'WAREHOUSE', 'America/Los_Angeles', 'US'),
             (3, 'VEN-1', 'Venlo', 'THIRD_PARTY_LOGISTICS', 'Europe/Amsterdam', 'NL'),
             (4, 'BER-1', 'Berlin', 'STORE', 'Europe/Berlin', 'DE'),
             (5, 'MUC-1', 'München', 'STORE', 'Europe/Berlin', 'DE'),
             (6, 'PAR-1', 'Paris', 'STORE', 'Europe/Paris', 'FR'),
             (7, 'WAW-1', 'Warszawa', 'WAREHOUSE', 'Europe/Warsaw', 'PL'),
             (8, 'MIL-1', 'Milano', 'THIRD_PARTY_LOGISTICS', 'Europe/Rome', 'IT'),
             (9, 'INN-1', 'Innsbruck', 'SUPPLIER', 'Europe/Vienna', 'AT'),
             (10, 'LON-1', 'London', 'STORE', 'Europe/London', 'GB')) AS given (n, code, city, kind, zone, country)
"""
HOURS = """
INSERT INTO location_cutoffs (location_id, weekday, cutoff)
SELECT id, weekday, time '12:00' + priority % 40 * interval '6 minutes'
FROM locations CROSS JOIN generate_series(1, 6) AS weekday
WHERE weekday < 6 OR kind = 'STORE'
"""
CLOSURES = """
INSERT INTO location_closures (location_id, day, reason)
SELECT id, current_date + (priority % 7 + 3), 'Stocktaking' FROM locations
"""
LOCATION_CHANNELS = """
INSERT INTO location_channels (location_id, channel_id)
SELECT locations.id, channels.id FROM locations CROSS JOIN channels
WHERE channels.code <> 'b2b' OR locations.kind = 'WAREHOUSE'
"""
DESTINATIONS = """
INSERT INTO location_destinations (location_id, country)
SELECT id, given.country FROM locations CROSS JOIN unnest('{AT,DE,CH,IT}'::text[]) AS given (country)
WHERE code = 'INN-1'
UNION ALL
SELECT id, given.country FROM locations CROSS JOIN unnest('{GB,IE}'::text[]) AS given (country) WHERE code = 'LON-1'
"""
CARRIERS = """
INSERT INTO carriers (code, name, open_weekdays, stale_after_days, tracking_url)
SELECT code, upper(code), days::smallint[], 4, 'https://tracking.example.com/' || code || '/{tracking_number}'
FROM (VALUES ('dhl', '{1,2,3,4,5,6}'), ('dpd', '{1,2,3,4,5}'), ('ups', '{1,2,3,4,5}'), ('gls', '{1,2,3,4,5}'))
    AS given (code, days)
"""
TRANSIT_TIMES = """
INSERT INTO transit_times (id, location_id, carrier, service, country, postal_prefix, min_days, max_days, buffer_days)
SELECT md5(concat_ws(' ', 'transit', locations.code, place.country, carrier, prefix))::uuid, locations.id, carrier,
       service, place.country, prefix, least + prefix_days, least + spread + prefix_days, length(prefix) / 4
FROM locations
CROSS JOIN (VALUES ('dhl', 'STANDARD', 1), ('ups', 'EXPRESS', 0)) AS way (carrier, service, spread)
CROSS JOIN unnest('{DE,AT,CH,NL,BE,FR,IT,ES,GB,IE,PL,US}'::text[]) WITH ORDINALITY AS place (country, far)
CROSS JOIN (VALUES ('', 0), ('999', 2)) AS special (prefix, prefix_days)
CROSS JOIN LATERAL (SELECT CASE WHEN locations.country = place.country THEN 1 ELSE 2 + far % 3 END) AS days (least)
"""
ITEMS = """
INSERT INTO items (id, sku, title, backorder_policy, backorder_limit, weight_grams, length_mm, width_mm, height_mm,
                   origin_country, hs_code, updated_at)
SELECT md5('item ' || n)::uuid, 'SKU-' || lpad(n::text, 5, '0'),
       (ARRAY['Ridgeline tent', 'Granite hiking boot', 'Touring pack', 'Storm shell jacket', 'Down bag'])[1 + n % 5]
           || ', model ' || n || ', ' || (ARRAY['red', 'green', 'slate', 'sand'])[1 + n % 4],
       CASE WHEN n % 5 = 0 THEN 'CONTINUE' ELSE 'DENY' END, CASE WHEN n % 5 = 0 THEN 40 END,
       100 + n * 37 % 4000, 100 + n % 500, 80 + n % 300, 40 + n % 200, 'VN', '630622', now() - interval '1 year'
FROM generate_series(1, 500) AS n
"""
STOCK_LEVELS = """
INSERT INTO stock_levels (item_id, location_id, on_hand, damaged, quality_control, safety_stock, source, counted_at)
SELECT items.id, locations.id, mixed % 120, mixed % 3, mixed % 2, 2, 'wms', now() - mixed % 600 * interval '1 second'
FROM items CROSS JOIN locations
CROSS JOIN LATERAL (SELECT hashtext(items.sku || locations.code) & 65535) AS chance (mixed)
"""
INCOMING = """
INSERT INTO incoming_supply (id, item_id, location_id, quantity, received, expected_at, reference)
SELECT md5(concat_ws(' ', 'supply', items.sku, locations.code))::uuid, items.id, locations.id, 60, mixed % 10,
       now() + mixed % 30 * interval '1 day', 'PO-' || mixed
FROM items CROSS JOIN locations
CROSS JOIN LATERAL (SELECT hashtext(locations.code || items.sku) & 65535) AS chance (mixed)
WHERE mixed % 5 = 0
"""
RESERVATIONS = """
INSERT INTO reservations (id, key, item_id, location_id, channel_id, quantity, expires_at)
SELECT md5('cart ' || sku)::uuid, 'cart-' || sku, items.id, md5('location 1')::uuid, md5('channel web')::uuid, 1,
       now() + interval '1 day'
FROM items WHERE hashtext(sku) % 2 = 0
"""
STATEMENTS = (
    CHANNELS,
    LOCATIONS,
    HOURS,
    CLOSURES,
    LOCATION_CHANNELS,
    DESTINATIONS,
    CARRIERS,
    TRANSIT_TIMES,
    ITEMS,
    STOCK_LEVELS,
    INCOMING,
    RESERVATIONS,
)
