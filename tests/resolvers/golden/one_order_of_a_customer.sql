SELECT json_send((SELECT coalesce((SELECT row_to_json("@") AS row_to_json_1 
FROM (SELECT orders_1.id AS id, orders_1.status AS status, (SELECT coalesce(json_agg("@"), '[]'::json) AS coalesce_2 
FROM (SELECT order_lines_1.sku AS sku 
FROM order_lines AS order_lines_1 
WHERE order_lines_1.order_id = orders_1.id ORDER BY order_lines_1.position) AS "@") AS lines 
FROM orders AS orders_1 
WHERE orders_1.number = $1::VARCHAR AND orders_1.channel_id = (SELECT channels.id 
FROM channels 
WHERE channels.code = $2::VARCHAR) AND orders_1.customer_id = $3::VARCHAR 
 LIMIT 1) AS "@"), 'null'::json) AS coalesce_1)), (SELECT last_pos FROM stream_meta), to_char(statement_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
