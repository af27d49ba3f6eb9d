-- Per shop: what was sold on three days of December 2023, and well-reserved stock at its end; shops with one of the two count, too.
SELECT coalesce(a.shop_id, b.shop_id) AS shop_id, a.pieces AS sold, b.pieces AS in_stock
FROM (SELECT o.shop_id, sum(s.quantity) AS pieces
        FROM orders o JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
       WHERE o.ordered_on BETWEEN date '2023-12-20' AND date '2023-12-22' AND o.shop_id IS NOT NULL
       GROUP BY o.shop_id) a
FULL JOIN (SELECT shop_id, sum(quantity) AS pieces FROM stock WHERE day = date '2023-12-31' AND reserved > 12 GROUP BY shop_id) b
  ON b.shop_id = a.shop_id
ORDER BY 1;
