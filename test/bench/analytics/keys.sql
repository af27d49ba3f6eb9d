-- Primary keys, indexes and foreign keys, when the tables are filled.
-- A key of a fact begins with the customer, so that the fact can be distributed by the customer as well as by its own number.
ALTER TABLE region ADD PRIMARY KEY (region_id);
ALTER TABLE calendar ADD PRIMARY KEY (day);
ALTER TABLE category ADD PRIMARY KEY (category_id);
ALTER TABLE supplier ADD PRIMARY KEY (supplier_id);
ALTER TABLE product ADD PRIMARY KEY (product_id);
ALTER TABLE shop ADD PRIMARY KEY (shop_id);
ALTER TABLE promotion ADD PRIMARY KEY (promotion_id);
ALTER TABLE carrier ADD PRIMARY KEY (carrier_id);
ALTER TABLE customer ADD PRIMARY KEY (customer_id);
ALTER TABLE orders ADD PRIMARY KEY (customer_id, order_id);
ALTER TABLE sale ADD PRIMARY KEY (customer_id, order_id, line_no);
ALTER TABLE shipment ADD PRIMARY KEY (customer_id, shipment_id);
ALTER TABLE refund ADD PRIMARY KEY (customer_id, refund_id);
ALTER TABLE stock ADD PRIMARY KEY (product_id, shop_id, day);
ALTER TABLE visit ADD PRIMARY KEY (visit_id);

CREATE INDEX ON product (category_id);
CREATE INDEX ON product (supplier_id);
CREATE INDEX ON shop (region_id);
CREATE INDEX ON customer (region_id);
CREATE INDEX ON orders (order_id);
CREATE INDEX ON orders (ordered_on);
CREATE INDEX ON orders (shop_id);
CREATE INDEX ON sale (order_id);
CREATE INDEX ON sale (product_id);
CREATE INDEX ON shipment (order_id);
CREATE INDEX ON shipment (shipped_on);
CREATE INDEX ON refund (order_id, line_no);
CREATE INDEX ON stock (shop_id, day);
CREATE INDEX ON visit (customer_id);
CREATE INDEX ON visit (product_id);

ALTER TABLE region ADD FOREIGN KEY (parent_id) REFERENCES region;
ALTER TABLE category ADD FOREIGN KEY (parent_id) REFERENCES category;
ALTER TABLE supplier ADD FOREIGN KEY (region_id) REFERENCES region;
ALTER TABLE product ADD FOREIGN KEY (category_id) REFERENCES category, ADD FOREIGN KEY (supplier_id) REFERENCES supplier;
ALTER TABLE shop ADD FOREIGN KEY (region_id) REFERENCES region;
ALTER TABLE promotion ADD FOREIGN KEY (category_id) REFERENCES category;
ALTER TABLE customer ADD FOREIGN KEY (region_id) REFERENCES region;
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customer, ADD FOREIGN KEY (shop_id) REFERENCES shop,
    ADD FOREIGN KEY (promotion_id) REFERENCES promotion;
ALTER TABLE sale ADD FOREIGN KEY (customer_id, order_id) REFERENCES orders, ADD FOREIGN KEY (product_id) REFERENCES product;
ALTER TABLE shipment ADD FOREIGN KEY (customer_id, order_id) REFERENCES orders, ADD FOREIGN KEY (carrier_id) REFERENCES carrier,
    ADD FOREIGN KEY (shop_id) REFERENCES shop;
ALTER TABLE refund ADD FOREIGN KEY (customer_id, order_id, line_no) REFERENCES sale;
ALTER TABLE stock ADD FOREIGN KEY (product_id) REFERENCES product, ADD FOREIGN KEY (shop_id) REFERENCES shop;
ALTER TABLE visit ADD FOREIGN KEY (customer_id) REFERENCES customer, ADD FOREIGN KEY (product_id) REFERENCES product;
