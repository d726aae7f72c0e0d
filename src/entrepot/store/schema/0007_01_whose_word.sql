-- Whose word a stock or a price is, and what somebody told who may not; what was on its way when its flow came to advise.
ALTER TABLE stock_pool ADD COLUMN told_by text NOT NULL DEFAULT '';     -- party@system; '' from before this was kept
ALTER TABLE price_told_us ADD COLUMN told_by text NOT NULL DEFAULT '';
-- Refused at the door and not booked yet: the newest of each teller. The lane `listings` takes a row away when ownership has it.
CREATE TABLE told_refused (
    kind            text NOT NULL CHECK (kind IN ('stock', 'price')),
    sku             text NOT NULL,
    place           text NOT NULL,             -- location, or channel
    told_by         text NOT NULL,
    value           bigint NOT NULL,           -- pieces, or minor units
    currency        text NOT NULL,             -- '' of stock
    version         bigint NOT NULL,           -- theirs
    told_at         timestamptz NOT NULL,      -- theirs
    PRIMARY KEY (sku, kind, place, told_by)
);
ALTER TABLE listing ADD COLUMN price_taken text NOT NULL DEFAULT '';     -- which word of the price list ownership was asked about last
ALTER TABLE effect ADD COLUMN hold_on_return boolean NOT NULL DEFAULT false;  -- its flow came to advise while it was on its way
