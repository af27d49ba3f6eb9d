-- One line a table: what it holds.
SELECT 'early', count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM early t
UNION ALL SELECT 'child', count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM "Zeta x"."Early ""child""" t
UNION ALL SELECT 'countries', count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM countries t
UNION ALL SELECT 'users', count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM users t
UNION ALL SELECT 'orders', count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM orders t
UNION ALL SELECT 'alone', count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM alone t
UNION ALL SELECT 'here', count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM here t
UNION ALL SELECT 'copies', count(*), md5(string_agg(upper_name || code, ',' ORDER BY u.id)) FROM users u JOIN countries c ON c.code = u.country
ORDER BY 1;
