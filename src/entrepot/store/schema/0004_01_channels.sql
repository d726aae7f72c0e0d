-- Where we are the seller: orders of channels, our parcels, listings and what was submitted for them, one stock pool, disputes, account health.
ALTER TABLE leg ADD COLUMN fulfilled_by text NOT NULL DEFAULT 'seller' CHECK (fulfilled_by IN ('seller', 'marketplace'));
ALTER TABLE leg ADD COLUMN market text NOT NULL DEFAULT '';              -- their word for the country
ALTER TABLE leg ADD COLUMN cancel_asked_at timestamptz;                  -- the buyer wants it cancelled
ALTER TABLE leg ADD COLUMN handed_at timestamptz;                        -- our back office has taken it
ALTER TABLE leg ADD COLUMN document_number text NOT NULL DEFAULT '';     -- the back office's, once it is booked
ALTER TABLE leg ADD COLUMN acknowledged_at timestamptz;                  -- the channel heard that we have it

-- What left our warehouse, and whether the channel knows. `number`: our own, unique within the order: the natural key of the confirmation.
CREATE TABLE parcel (
    id              text PRIMARY KEY,
    leg_id          text NOT NULL REFERENCES leg (id),
    number          text NOT NULL,
    carrier         text NOT NULL,
    tracking        text NOT NULL,
    lines           jsonb NOT NULL,            -- order line id -> quantity
    shipped_at      timestamptz NOT NULL,
    confirmed_at    timestamptz,               -- the channel took it
    refused         text NOT NULL DEFAULT '',  -- their words, when it did not
    plan_hash       text NOT NULL,
    UNIQUE (leg_id, number)
);
CREATE INDEX parcel_unconfirmed ON parcel (leg_id) WHERE confirmed_at IS NULL;

-- Our offer on one channel. `wanted_*`: what it is to show; a version only grows, an effect carries each, only the newest is still wanted.
CREATE TABLE listing (
    account         text NOT NULL,
    sku             text NOT NULL,
    state           text NOT NULL CHECK (state IN ('requested', 'submitted', 'accepted', 'live', 'issue', 'suppressed', 'ended')),
    their_state     text NOT NULL DEFAULT '',
    their_id        text NOT NULL DEFAULT '',
    product_type    text NOT NULL DEFAULT '',
    currency        text NOT NULL DEFAULT '',
    shown_price_minor bigint,                  -- as last seen there; null: never seen
    shown_quantity  int,
    wanted_price_minor bigint CHECK (wanted_price_minor > 0),
    wanted_quantity int CHECK (wanted_quantity >= 0),
    price_version   bigint NOT NULL DEFAULT 0,
    stock_version   bigint NOT NULL DEFAULT 0,
    price_told      bigint NOT NULL DEFAULT 0, -- the newest version the channel took
    stock_told      bigint NOT NULL DEFAULT 0,
    price_told_at   timestamptz,
    stock_told_at   timestamptz,
    revision        text NOT NULL DEFAULT '',  -- of the product submitted last
    issues          jsonb NOT NULL DEFAULT '[]',
    changed_at      timestamptz NOT NULL,      -- theirs
    seen_at         timestamptz,               -- ours
    plan_hash       text NOT NULL,
    PRIMARY KEY (account, sku),
    CHECK (price_told <= price_version AND stock_told <= stock_version)
);
CREATE INDEX listing_sku ON listing (sku);
CREATE INDEX listing_untold ON listing (account, sku) WHERE price_told < price_version OR stock_told < stock_version;

-- Three levels of acceptance: the row exists when the transport took it; `state` is the batch's; `submission_item` holds each item's.
CREATE TABLE submission (
    account         text NOT NULL,
    submission_id   text NOT NULL,
    operation       text NOT NULL,
    effect_key      text NOT NULL,
    state           text NOT NULL CHECK (state IN ('taken', 'working', 'done', 'failed')),
    their_state     text NOT NULL DEFAULT '',
    items           int NOT NULL DEFAULT 0,
    rejected        int NOT NULL DEFAULT 0,
    taken_at        timestamptz NOT NULL,
    ended_at        timestamptz,
    plan_hash       text NOT NULL,
    PRIMARY KEY (account, submission_id),
    CHECK ((state IN ('done', 'failed')) = (ended_at IS NOT NULL))
);
CREATE INDEX submission_open ON submission (account, taken_at) WHERE ended_at IS NULL;
CREATE TABLE submission_item (
    account         text NOT NULL,
    submission_id   text NOT NULL,
    key             text NOT NULL,             -- ours, as sent
    accepted        boolean NOT NULL,
    code            text NOT NULL DEFAULT '',
    message         text NOT NULL DEFAULT '',
    attribute       text NOT NULL DEFAULT '',
    PRIMARY KEY (account, submission_id, key),
    FOREIGN KEY (account, submission_id) REFERENCES submission
);

-- One pool per article and location, shared by all channels; what open orders have reserved of it.
CREATE TABLE stock_pool (
    sku             text NOT NULL,
    location        text NOT NULL,
    quantity        int NOT NULL CHECK (quantity >= 0),
    version         bigint NOT NULL,           -- theirs; a smaller one is old news
    changed_at      timestamptz NOT NULL,      -- theirs
    seen_at         timestamptz NOT NULL,
    PRIMARY KEY (sku, location)
);
CREATE TABLE price_told_us (                   -- what the ERP wants an article to cost, by channel (`*`: wherever none is told)
    sku             text NOT NULL,
    channel         text NOT NULL,
    price_minor     bigint NOT NULL CHECK (price_minor > 0),
    currency        text NOT NULL,
    version         bigint NOT NULL,
    changed_at      timestamptz NOT NULL,
    PRIMARY KEY (sku, channel)
);
CREATE TABLE stock_reservation (
    line_id         text PRIMARY KEY REFERENCES line (id),
    leg_id          text NOT NULL REFERENCES leg (id),
    sku             text NOT NULL,
    quantity        int NOT NULL CHECK (quantity > 0),
    made_at         timestamptz NOT NULL,
    ended_at        timestamptz,
    shipped         boolean NOT NULL DEFAULT false   -- it left; it counts until the pool's own word is younger than that
);
CREATE INDEX stock_reservation_sku ON stock_reservation (sku, ended_at);
CREATE INDEX stock_reservation_leg ON stock_reservation (leg_id);

CREATE TABLE channel_refund (                  -- what a channel gave a buyer back, whoever decided it; booked when our books say so
    account         text NOT NULL,
    refund_id       text NOT NULL,
    leg_id          text NOT NULL REFERENCES leg (id),
    order_line_id   text NOT NULL DEFAULT '',
    amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
    currency        text NOT NULL,
    by              text NOT NULL CHECK (by IN ('seller', 'channel')),
    reason          text NOT NULL DEFAULT '',
    refunded_at     timestamptz NOT NULL,
    booked_at       timestamptz,
    document_number text NOT NULL DEFAULT '',
    plan_hash       text NOT NULL,
    PRIMARY KEY (account, refund_id)
);
CREATE INDEX channel_refund_leg ON channel_refund (leg_id);

CREATE TABLE dispute (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    dispute_id      text NOT NULL,
    leg_id          text REFERENCES leg (id),
    order_id        text NOT NULL,
    kind            text NOT NULL,
    state           text NOT NULL CHECK (state IN ('open', 'action-needed', 'won', 'lost', 'closed')),
    their_state     text NOT NULL,
    reason          text NOT NULL DEFAULT '',
    amount_minor    bigint NOT NULL,
    currency        text NOT NULL,
    revision        text NOT NULL DEFAULT '',
    respond_by      timestamptz,
    answered_at     timestamptz,
    opened_at       timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL,
    plan_hash       text NOT NULL,
    UNIQUE (account, dispute_id)
);

CREATE TABLE account_health (                  -- how a channel judges us: the newest of each measure
    account         text NOT NULL,
    measure         text NOT NULL,
    their_name      text NOT NULL,
    rate            double precision NOT NULL,
    limit_rate      double precision,
    above           boolean NOT NULL,
    standing        text NOT NULL DEFAULT '',
    measured_at     timestamptz NOT NULL,
    PRIMARY KEY (account, measure)
);

-- Articles whose listings have to be looked at again. Only added to by those who change stock or prices: no two of them meet in one row.
CREATE TABLE restock_asked (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku             text NOT NULL,
    asked_at        timestamptz NOT NULL
);

-- What a channel only hinted at and is to be read again. Only added to; whoever reads it takes all rows of one record together.
CREATE TABLE lookup_asked (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account         text NOT NULL,
    kind            text NOT NULL,             -- a name of Connector.lookups
    external_id     text NOT NULL,
    tries           int NOT NULL DEFAULT 0,
    asked_at        timestamptz NOT NULL,
    due_at          timestamptz NOT NULL
);
CREATE INDEX lookup_due ON lookup_asked (account, due_at);
