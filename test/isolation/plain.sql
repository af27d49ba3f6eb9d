-- On a plain server tables stay as they are.
CREATE FUNCTION create_distributed_table(regclass, text) RETURNS void LANGUAGE sql AS 'SELECT';
CREATE FUNCTION create_reference_table(regclass) RETURNS void LANGUAGE sql AS 'SELECT';
