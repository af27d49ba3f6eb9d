CREATE FUNCTION shape(t regclass) RETURNS SETOF text LANGUAGE sql AS $$
 SELECT format('table %s %s %s %s %s %s', relname, relpersistence, (SELECT amname FROM pg_am WHERE oid = relam),
               (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(reloptions) o), relreplident, obj_description(oid, 'pg_class'))
   FROM pg_class WHERE oid = t
 UNION ALL
 SELECT format('column %s %s %s null:%s %s %s %s %s %s %s %s %s', attnum, attname, format_type(atttypid, atttypmod), NOT attnotnull,
               attgenerated, attidentity, pg_get_expr(adbin, adrelid), attstorage, attcompression, attcollation::regcollation,
               attstattarget, (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(attoptions) o WHERE o LIKE 'n\_distinct%')) || coalesce(col_description(attrelid, attnum), '')
   FROM pg_attribute a LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE attrelid = t AND attnum > 0 AND NOT attisdropped
 UNION ALL
 SELECT format('constraint %s %s %s', conname, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint'))
   FROM pg_constraint WHERE conrelid = t
 UNION ALL
 SELECT format('index %s %s %s %s %s %s', pg_get_indexdef(indexrelid), indisvalid, indisclustered, indisreplident,
               obj_description(indexrelid, 'pg_class'),
               (SELECT string_agg(attstattarget::text, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = indexrelid))
   FROM pg_index WHERE indrelid = t
 UNION ALL
 SELECT format('statistics %s %s %s', pg_get_statisticsobjdef(oid), stxstattarget, obj_description(oid, 'pg_statistic_ext'))
   FROM pg_statistic_ext WHERE stxrelid = t
$$;
CREATE FUNCTION differing_shards() RETURNS SETOF text LANGUAGE sql AS 'SELECT NULL::text WHERE false';
