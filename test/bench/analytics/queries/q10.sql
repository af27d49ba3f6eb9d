-- The same trap that everybody falls into: NOT IN over a column with NULLs keeps nobody; with the NULLs left out, it does.
SELECT (SELECT count(*) FROM customer c WHERE c.customer_id NOT IN (SELECT r.referrer_id FROM customer r)) AS with_nulls,
       (SELECT count(*) FROM customer c
         WHERE c.customer_id NOT IN (SELECT r.referrer_id FROM customer r WHERE r.referrer_id IS NOT NULL)) AS without_nulls;
