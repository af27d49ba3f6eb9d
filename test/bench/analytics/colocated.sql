-- What belongs to a customer lies with the customer; dimensions are on every node.
SELECT create_reference_table('region');
SELECT create_reference_table('calendar');
SELECT create_reference_table('category');
SELECT create_reference_table('supplier');
SELECT create_reference_table('product');
SELECT create_reference_table('shop');
SELECT create_reference_table('promotion');
SELECT create_reference_table('carrier');

SELECT create_distributed_table('customer', 'customer_id');
SELECT create_distributed_table('orders', 'customer_id', colocate_with => 'customer');
SELECT create_distributed_table('sale', 'customer_id', colocate_with => 'customer');
SELECT create_distributed_table('shipment', 'customer_id', colocate_with => 'customer');
SELECT create_distributed_table('refund', 'customer_id', colocate_with => 'customer');

-- A visit need not have a customer, so the customer cannot be in its primary key. Those without one lie in one shard.
ALTER TABLE visit DROP CONSTRAINT visit_pkey;
CREATE INDEX ON visit (visit_id);
SELECT create_distributed_table('visit', 'customer_id', colocate_with => 'customer');

SELECT create_distributed_table('stock', 'product_id', colocate_with => 'none');
