-- Spread of prices and of weights per department; how do price and weight go together? (floating-point aggregates)
SELECT d.name, count(*) AS products, stddev_samp(p.price::float8) AS price_spread, var_pop(p.weight) AS weight_variance,
       corr(p.price::float8, p.weight) AS together, regr_slope(p.cost::float8, p.price::float8) AS slope
FROM product p
JOIN category l ON l.category_id = p.category_id
JOIN category g ON g.category_id = l.parent_id
JOIN category d ON d.category_id = g.parent_id
GROUP BY d.name
ORDER BY d.name;
