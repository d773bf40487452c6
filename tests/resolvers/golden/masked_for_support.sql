SELECT json_send((SELECT coalesce((SELECT row_to_json("@") AS row_to_json_1 
FROM (SELECT CASE WHEN (num_nonnulls(orders_1.customer_id, orders_1.customer_email, orders_1.customer_name) > $1::INTEGER) THEN json_build_object('email'::text, CASE WHEN (orders_1.customer_email ~ '^(.)[^@]*@(.)[^@]*?(\.[^.@]*)?$') THEN regexp_replace(orders_1.customer_email, '^(.)[^@]*@(.)[^@]*?(\.[^.@]*)?$', '\1***@\2***\3') ELSE left(orders_1.customer_email, $2::INTEGER) || '***' END) END AS customer 
FROM orders AS orders_1 
WHERE orders_1.number = $3::VARCHAR AND orders_1.channel_id = (SELECT channels.id 
FROM channels 
WHERE channels.code = $4::VARCHAR) 
 LIMIT 1) AS "@"), 'null'::json) AS coalesce_1)), (SELECT last_pos FROM stream_meta), to_char(statement_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
