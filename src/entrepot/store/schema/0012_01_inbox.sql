-- A webhook is kept whole and sealed; whoever decides opens it and splits its records off. What came before this was split as it came.
ALTER TABLE envelope ADD COLUMN sealed boolean NOT NULL DEFAULT false;
CREATE INDEX envelope_sealed ON envelope (account, received_at, id) WHERE sealed;
