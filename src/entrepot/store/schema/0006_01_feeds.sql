-- Offer files of sellers. A file is a version of its name; its counts are those of the run that applied it.
CREATE TABLE feed_file (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    seller          text NOT NULL,
    name            text NOT NULL,
    version         int NOT NULL,
    digest          text NOT NULL,             -- of the bytes as they came
    key             text NOT NULL,             -- of rules, mapping, layout and hash function
    rules_hash      text NOT NULL,
    mapping_hash    text NOT NULL,
    encoding        text NOT NULL,
    delimiter       text NOT NULL,
    header          jsonb NOT NULL,
    complete        boolean NOT NULL,          -- declared: what is not in it has ended
    compared        boolean NOT NULL,          -- with the last file; else all of it was validated
    state           text NOT NULL CHECK (state IN ('applied', 'ending-refused')),
    rows_read       bigint NOT NULL,
    rows_changed    bigint NOT NULL,
    rows_rejected   bigint NOT NULL,
    inserted        bigint NOT NULL,
    updated         bigint NOT NULL,
    ended           bigint NOT NULL,
    absent          bigint NOT NULL,           -- known before, not in it
    set_name        text NOT NULL,             -- the file of line hashes, in the state folder
    set_digest      text NOT NULL,
    applied_at      timestamptz NOT NULL,
    plan_hash       text NOT NULL,
    UNIQUE (account, seller, name, version)
);
CREATE INDEX feed_file_applied ON feed_file (account, seller, applied_at, id);

-- The file that counts, per seller: it moves in the transaction that writes the offers.
CREATE TABLE feed (
    account         text NOT NULL,
    seller          text NOT NULL,
    file_id         text NOT NULL REFERENCES feed_file (id),
    PRIMARY KEY (account, seller)
);

CREATE TABLE feed_offer (
    account         text NOT NULL,
    seller          text NOT NULL,
    sku             text NOT NULL,
    gtin            text NOT NULL,
    title           text NOT NULL,
    brand           text NOT NULL,
    category        text NOT NULL,
    condition       text NOT NULL,
    price_minor     bigint NOT NULL CHECK (price_minor > 0),
    sale_price_minor bigint CHECK (sale_price_minor > 0 AND sale_price_minor < price_minor),
    currency        text NOT NULL,
    quantity        int NOT NULL CHECK (quantity >= 0),
    lead_days       int CHECK (lead_days >= 0),
    image           text NOT NULL,
    state           text NOT NULL CHECK (state IN ('live', 'ended')),
    revision        int NOT NULL,
    file_id         text NOT NULL,             -- of this revision
    source_row      bigint NOT NULL,           -- in that file
    changed_at      timestamptz NOT NULL,
    PRIMARY KEY (account, seller, sku)
);

-- What the file that counts has rejected, as it is told again while the line stays as it is. `place`: among those of one row.
CREATE TABLE feed_reject (
    account         text NOT NULL,
    seller          text NOT NULL,
    source_row      bigint NOT NULL,
    place           int NOT NULL,
    line_hash       numeric(20) NOT NULL,      -- 64 bits without a sign
    sku             text NOT NULL,
    field           text NOT NULL,
    code            text NOT NULL,
    value           text NOT NULL,
    message         text NOT NULL,
    corrects        text NOT NULL,
    PRIMARY KEY (account, seller, source_row, place)
);
