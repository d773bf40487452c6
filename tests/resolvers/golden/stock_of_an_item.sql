SELECT json_send((SELECT coalesce((SELECT row_to_json("@") AS row_to_json_1 
FROM (SELECT (SELECT coalesce(json_agg("@"), '[]'::json) AS coalesce_2 
FROM (SELECT (((stock_levels_1.on_hand - stock_levels_1.allocated) - CAST((SELECT coalesce(sum(reservations_1.quantity), 0) AS coalesce_3 
FROM reservations AS reservations_1 
WHERE reservations_1.item_id = stock_levels_1.item_id AND reservations_1.location_id = stock_levels_1.location_id AND reservations_1.state = 'HELD' AND reservations_1.expires_at > statement_timestamp()) AS INTEGER)) - (stock_levels_1.damaged + stock_levels_1.quality_control + stock_levels_1.set_aside)) - stock_levels_1.safety_stock AS available, (SELECT row_to_json("@") AS row_to_json_2 
FROM (SELECT locations_1.code AS code 
FROM locations AS locations_1 
WHERE locations_1.id = stock_levels_1.location_id 
 LIMIT 1) AS "@") AS location 
FROM stock_levels AS stock_levels_1 
WHERE stock_levels_1.item_id = items_1.id ORDER BY stock_levels_1.location_id) AS "@") AS "stockLevels" 
FROM items AS items_1 
WHERE items_1.sku = $1::VARCHAR 
 LIMIT 1) AS "@"), 'null'::json) AS coalesce_1)), (SELECT last_pos FROM stream_meta), to_char(statement_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
