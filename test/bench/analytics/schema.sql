-- A retailer with shops, a web shop and a logistics department. Nine dimensions and six facts.
-- Keys, indexes and foreign keys follow in keys.sql, when the rows are there.

-- Continents (level 1), countries (2) and districts (3). Customers, shops and suppliers live in districts.
CREATE TABLE region (
    region_id int NOT NULL,
    parent_id int,
    level int NOT NULL,
    name text NOT NULL,
    country char(2)
);

CREATE TABLE calendar (
    day date NOT NULL,
    year int NOT NULL,
    quarter int NOT NULL CHECK (quarter BETWEEN 1 AND 4),
    month int NOT NULL CHECK (month BETWEEN 1 AND 12),
    iso_week int NOT NULL,
    weekday int NOT NULL,
    is_weekend boolean NOT NULL,
    season text NOT NULL,
    holiday text
);

-- Three levels: departments, groups, and the leaves that products belong to.
CREATE TABLE category (
    category_id int NOT NULL,
    parent_id int,
    name text NOT NULL,
    margin numeric(4,2) NOT NULL
);

CREATE TABLE supplier (
    supplier_id int NOT NULL,
    region_id int NOT NULL,
    name text NOT NULL,
    rating numeric(2,1),
    since date NOT NULL
);

CREATE TABLE product (
    product_id int NOT NULL,
    category_id int NOT NULL,
    supplier_id int,
    name text NOT NULL,
    brand text NOT NULL,
    colour text,
    price numeric(10,2) NOT NULL CHECK (price > 0),
    cost numeric(10,2) NOT NULL,
    weight float8,
    launched date NOT NULL,
    retired date
);

CREATE TABLE shop (
    shop_id int NOT NULL,
    region_id int NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    opened date NOT NULL,
    closed date,
    area int
);

CREATE TABLE promotion (
    promotion_id int NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    category_id int, -- a department; NULL: everything
    starts date NOT NULL,
    ends date NOT NULL,
    discount numeric(4,2) NOT NULL,
    budget numeric(12,2)
);

CREATE TABLE carrier (
    carrier_id int NOT NULL,
    name text NOT NULL,
    mode text NOT NULL,
    per_kg numeric(6,2) NOT NULL
);

CREATE TABLE customer (
    customer_id bigint NOT NULL,
    region_id int NOT NULL,
    referrer_id bigint,
    name text NOT NULL,
    email text,
    segment text NOT NULL,
    born date,
    joined date NOT NULL,
    credit numeric(10,2)
);

CREATE TABLE orders (
    customer_id bigint NOT NULL,
    order_id bigint NOT NULL,
    shop_id int, -- NULL: ordered on the web
    promotion_id int,
    ordered_at timestamp NOT NULL,
    ordered_on date NOT NULL,
    channel text NOT NULL,
    status text NOT NULL,
    payment text,
    remark text
);

CREATE TABLE sale (
    customer_id bigint NOT NULL,
    order_id bigint NOT NULL,
    line_no int NOT NULL,
    product_id int NOT NULL,
    quantity int NOT NULL CHECK (quantity > 0),
    unit_price numeric(10,2) NOT NULL,
    discount numeric(4,2) NOT NULL,
    gift boolean
);

CREATE TABLE shipment (
    customer_id bigint NOT NULL,
    shipment_id bigint NOT NULL,
    order_id bigint NOT NULL,
    carrier_id int NOT NULL,
    shop_id int NOT NULL, -- where it was packed
    shipped_on date NOT NULL,
    delivered_on date, -- NULL: lost or on its way
    weight float8 NOT NULL,
    cost numeric(10,2) NOT NULL
);

CREATE TABLE refund (
    customer_id bigint NOT NULL,
    refund_id bigint NOT NULL,
    order_id bigint NOT NULL,
    line_no int NOT NULL,
    refunded_on date NOT NULL,
    quantity int NOT NULL,
    amount numeric(10,2) NOT NULL,
    reason text
);

-- What a shop has of a product at the end of a month.
CREATE TABLE stock (
    product_id int NOT NULL,
    shop_id int NOT NULL,
    day date NOT NULL,
    quantity int NOT NULL,
    reserved int NOT NULL,
    reorder_level int
);

CREATE TABLE visit (
    visit_id bigint NOT NULL,
    customer_id bigint, -- NULL: not logged in
    product_id int, -- the page on which it ended; NULL: none of a product
    started timestamp NOT NULL,
    seconds int NOT NULL,
    pages int NOT NULL,
    device text NOT NULL,
    source text,
    score float8
);
