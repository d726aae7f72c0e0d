-- Baskets, legs, lines; shipments, returns, refunds. State columns are moved by service.py alone.
CREATE TABLE basket (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    commercial_id   text NOT NULL,             -- the customer's basket at the marketplace
    state           text NOT NULL CHECK (state IN ('open', 'decided', 'settled-with-buyer', 'closed')),
    currency        text NOT NULL,
    customer_id     text NOT NULL DEFAULT '',  -- the storefront's; the person behind it stays in the raw message
    legs_expected   int NOT NULL DEFAULT 0,    -- sellers in the basket; 0: not known
    ordered_minor   bigint NOT NULL CHECK (ordered_minor >= 0),
    authorisation_id text,                     -- the gateway's; null: paid outside of us
    authorisation_expires_at timestamptz,
    authorised_minor bigint NOT NULL DEFAULT 0 CHECK (authorised_minor >= 0),
    captured_minor  bigint NOT NULL DEFAULT 0 CHECK (captured_minor >= 0),
    released_minor  bigint NOT NULL DEFAULT 0 CHECK (released_minor >= 0),
    refunded_minor  bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
    placed_at       timestamptz NOT NULL,
    source          text NOT NULL CHECK (source IN ('storefront', 'marketplace')),   -- marketplace: found there, not created by us
    UNIQUE (account, commercial_id),
    CHECK (captured_minor + released_minor <= authorised_minor OR authorisation_id IS NULL),
    CHECK (refunded_minor <= captured_minor OR authorisation_id IS NULL)
);
CREATE INDEX basket_authorisation ON basket (authorisation_id) WHERE authorisation_id IS NOT NULL;
CREATE INDEX basket_placed ON basket (placed_at DESC, id DESC);

CREATE TABLE leg (
    id              text PRIMARY KEY,
    basket_id       text NOT NULL REFERENCES basket (id),
    account         text NOT NULL,
    order_id        text NOT NULL,             -- the marketplace's word for this leg (Mirakl order id)
    seller_id       text NOT NULL,
    seller_name     text NOT NULL DEFAULT '',
    state           text NOT NULL CHECK (state IN ('on-hold', 'awaiting-acceptance', 'accepted', 'part-accepted', 'refused', 'expired',
                    'awaiting-payment', 'to-ship', 'part-shipped', 'shipped', 'to-collect', 'delivered', 'closed', 'cancelled')),
    their_state     text NOT NULL,             -- their own word, kept beside ours
    currency        text NOT NULL,
    ordered_minor   bigint NOT NULL CHECK (ordered_minor >= 0),
    accepted_minor  bigint NOT NULL DEFAULT 0 CHECK (accepted_minor >= 0 AND accepted_minor <= ordered_minor),
    debited_minor   bigint NOT NULL DEFAULT 0 CHECK (debited_minor >= 0 AND debited_minor <= accepted_minor),
    refunded_minor  bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0 AND refunded_minor <= debited_minor),
    debit_asked_at  timestamptz,               -- the marketplace asked us to charge
    debited_at      timestamptz,
    payment_confirmed_at timestamptz,          -- the marketplace heard that we charged
    created_at      timestamptz NOT NULL,
    decided_at      timestamptz,
    acceptance_due_at timestamptz,
    ship_due_at     timestamptz,
    shipped_at      timestamptz,
    revision        text NOT NULL DEFAULT '',  -- of the newest message applied
    UNIQUE (account, order_id)
);
CREATE INDEX leg_basket ON leg (basket_id);
CREATE INDEX leg_created ON leg (created_at DESC, id DESC);
CREATE INDEX leg_state ON leg (state, created_at);

CREATE TABLE line (
    id              text PRIMARY KEY,
    leg_id          text NOT NULL REFERENCES leg (id),
    order_line_id   text NOT NULL,
    offer_id        text NOT NULL DEFAULT '',
    sku             text NOT NULL,
    title           text NOT NULL DEFAULT '',
    category        text NOT NULL DEFAULT '',
    quantity        int NOT NULL CHECK (quantity > 0),
    accepted_qty    int NOT NULL DEFAULT 0 CHECK (accepted_qty >= 0),
    refused_qty     int NOT NULL DEFAULT 0 CHECK (refused_qty >= 0),
    shipped_qty     int NOT NULL DEFAULT 0 CHECK (shipped_qty >= 0),
    cancelled_qty   int NOT NULL DEFAULT 0 CHECK (cancelled_qty >= 0),
    refunded_minor  bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
    price_minor     bigint NOT NULL CHECK (price_minor >= 0),        -- of the whole line, without shipping
    shipping_minor  bigint NOT NULL CHECK (shipping_minor >= 0),
    tax_minor       bigint NOT NULL DEFAULT 0,                       -- on top, when prices exclude tax
    commission_minor bigint NOT NULL DEFAULT 0,                      -- theirs, excluding tax
    commission_tax_minor bigint NOT NULL DEFAULT 0,
    their_state     text NOT NULL,
    UNIQUE (leg_id, order_line_id),
    CHECK (accepted_qty + refused_qty <= quantity),                  -- ordered = accepted + refused + undecided
    CHECK (shipped_qty + cancelled_qty <= accepted_qty),             -- accepted = shipped + cancelled + open
    CHECK (refunded_minor <= price_minor + shipping_minor + tax_minor)
);
CREATE INDEX line_leg ON line (leg_id);
CREATE INDEX line_sku ON line (sku);

CREATE TABLE event (                           -- what, from, to, by whom, by what right, because of which message
    id              text PRIMARY KEY,
    seq             bigint GENERATED ALWAYS AS IDENTITY,
    at              timestamptz NOT NULL,
    object          text NOT NULL,
    object_id       text NOT NULL,
    root            text NOT NULL,
    what            text NOT NULL,
    from_state      text NOT NULL DEFAULT '',
    to_state        text NOT NULL DEFAULT '',
    by              text NOT NULL,             -- party or person
    because         text NOT NULL DEFAULT '',  -- message id, effect id or a reason
    detail          jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_root ON event (root, seq);

CREATE TABLE shipment (
    id              text PRIMARY KEY,
    leg_id          text NOT NULL REFERENCES leg (id),
    external_id     text NOT NULL,
    state           text NOT NULL CHECK (state IN ('planned', 'handed-over', 'in-transit', 'delivered', 'lost', 'returned')),
    carrier         text NOT NULL DEFAULT '',
    tracking        text NOT NULL DEFAULT '',
    shipped_at      timestamptz,
    UNIQUE (leg_id, external_id)
);

CREATE TABLE return_file (
    id              text PRIMARY KEY,
    leg_id          text NOT NULL REFERENCES leg (id),
    external_id     text NOT NULL,
    state           text NOT NULL CHECK (state IN ('requested', 'accepted', 'refused', 'in-transit', 'received', 'not-received', 'refunded', 'closed-without-refund', 'cancelled')),
    their_state     text NOT NULL,
    reason          text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    UNIQUE (leg_id, external_id)
);

CREATE TABLE refund (
    id              text PRIMARY KEY,
    leg_id          text NOT NULL REFERENCES leg (id),
    line_id         text REFERENCES line (id),
    external_id     text NOT NULL,             -- the marketplace's refund id
    origin          text NOT NULL CHECK (origin IN ('seller', 'buyer', 'operator', 'marketplace')),
    state           text NOT NULL CHECK (state IN ('awaiting-approval', 'sent', 'cleared', 'posted', 'refused', 'failed', 'cancelled')),
    amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
    shipping_minor  bigint NOT NULL DEFAULT 0 CHECK (shipping_minor >= 0 AND shipping_minor <= amount_minor),
    commission_minor bigint NOT NULL DEFAULT 0,       -- given back, excluding tax
    commission_tax_minor bigint NOT NULL DEFAULT 0,
    currency        text NOT NULL,
    reason          text NOT NULL DEFAULT '',
    asked_at        timestamptz NOT NULL,
    UNIQUE (leg_id, external_id)
);
CREATE INDEX refund_leg ON refund (leg_id);

CREATE TABLE refund_confirmation (             -- a refund is over when each witness has said so
    refund_id       text NOT NULL REFERENCES refund (id),
    witness         text NOT NULL CHECK (witness IN ('marketplace', 'gateway', 'books')),
    due_at          timestamptz NOT NULL,
    confirmed_at    timestamptz,
    source          text NOT NULL DEFAULT '',
    PRIMARY KEY (refund_id, witness)
);
CREATE INDEX refund_confirmation_missing ON refund_confirmation (refund_id) WHERE confirmed_at IS NULL;
-- Whatever somebody types into the search box.
CREATE INDEX refund_external ON refund (external_id);
CREATE INDEX return_external ON return_file (external_id);
CREATE INDEX shipment_external ON shipment (external_id);
CREATE INDEX shipment_tracking ON shipment (tracking) WHERE tracking <> '';
CREATE INDEX leg_seller ON leg (seller_id);
