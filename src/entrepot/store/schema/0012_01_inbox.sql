-- A webhook is kept whole and sealed; whoever decides opens it and splits its records off. What came before this was split as it came.
ALTER TABLE envelope
    ADD COLUMN sealed boolean NOT NULL DEFAULT false,
    ALTER COLUMN digest DROP NOT NULL,      -- taken when it is opened
    ADD CONSTRAINT envelope_digest CHECK (sealed OR digest IS NOT NULL);
CREATE INDEX envelope_sealed ON envelope (account, received_at, id) WHERE sealed;
DROP INDEX envelope_received;               -- nobody looks for one by its time
