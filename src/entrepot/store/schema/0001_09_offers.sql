-- What we last knew of each offer at the marketplace: enough to answer a checkout without asking anybody.
CREATE TABLE offer_seen (
    account         text NOT NULL,
    offer_id        text NOT NULL,
    sku             text NOT NULL,
    seller_id       text NOT NULL,
    price_minor     bigint NOT NULL CHECK (price_minor >= 0),
    currency        text NOT NULL,
    quantity        int NOT NULL CHECK (quantity >= 0),
    active          boolean NOT NULL,
    changed_at      timestamptz NOT NULL,      -- theirs
    seen_at         timestamptz NOT NULL,      -- ours: how old the answer is
    PRIMARY KEY (account, offer_id)
);
