-- The identifiers that join records across systems: how `find` finds anything.
CREATE TABLE identifier (
    scheme          text NOT NULL,             -- mirakl_order_id, commercial_id, authorisation_id, capture_id, voucher ...
    value           text NOT NULL,
    account         text NOT NULL,
    object          text NOT NULL,             -- basket, leg, line, refund, return, payout, statement ...
    object_id       text NOT NULL,
    PRIMARY KEY (account, scheme, value)
);
CREATE INDEX identifier_value ON identifier (value);
CREATE INDEX identifier_value_bytes ON identifier (value COLLATE "C");   -- find by beginning
CREATE INDEX identifier_object ON identifier (object, object_id);
