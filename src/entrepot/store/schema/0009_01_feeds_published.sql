-- What counts of a fed offer where that is not what was fed: the field is not the seller's, or another value is laid over his.
CREATE TABLE feed_apart (
    account         text NOT NULL,
    seller          text NOT NULL,
    sku             text NOT NULL,
    laid            jsonb NOT NULL,            -- field of the plan → the value that counts; null: none does
    why             jsonb NOT NULL,            -- field → overridden, or why the seller's value stays out
    since           timestamptz NOT NULL,
    PRIMARY KEY (account, seller, sku)
);

-- Fed offers as they count. `content`: what only a whole offer carries to the marketplace.
CREATE VIEW feed_counted AS
SELECT o.account, o.seller, o.sku, o.file_id, o.source_row, o.changed_at, o.state = 'live' AS live,
       c.gtin, c.condition, c.currency, c.lead_days, c.price_minor, c.quantity,
       CASE WHEN a.laid ? 'price' THEN NULL ELSE o.sale_price_minor END AS sale_price_minor,
       md5(concat_ws(E'\x1f', c.gtin, c.condition, c.currency, c.lead_days)) AS content
  FROM feed_offer o
  LEFT JOIN feed_apart a USING (account, seller, sku)
 CROSS JOIN LATERAL (SELECT
       CASE WHEN a.laid ? 'gtin' THEN coalesce(a.laid ->> 'gtin', '') ELSE o.gtin END AS gtin,
       CASE WHEN a.laid ? 'condition' THEN coalesce(a.laid ->> 'condition', '') ELSE o.condition END AS condition,
       CASE WHEN a.laid ? 'currency' THEN coalesce(a.laid ->> 'currency', o.currency) ELSE o.currency END AS currency,
       CASE WHEN a.laid ? 'lead-time' THEN (a.laid ->> 'lead-time')::int ELSE o.lead_days END AS lead_days,
       CASE WHEN a.laid ? 'price' THEN (a.laid ->> 'price')::bigint ELSE o.price_minor END AS price_minor,
       CASE WHEN a.laid ? 'quantity' THEN coalesce((a.laid ->> 'quantity')::int, 0) ELSE o.quantity END AS quantity) AS c;

-- Per seller: from when something is to be brought to the marketplace, or told to him; null: nothing is.
CREATE TABLE feed_seller (
    account         text NOT NULL,
    seller          text NOT NULL,
    publish_at      timestamptz,
    tell_at         timestamptz,
    told_at         timestamptz,
    PRIMARY KEY (account, seller)
);
CREATE INDEX feed_seller_publish ON feed_seller (publish_at) WHERE publish_at IS NOT NULL;
CREATE INDEX feed_seller_tell ON feed_seller (tell_at) WHERE tell_at IS NOT NULL;

-- Files whose changes are still to be looked at, and how far that has come; and single offers to be looked at once more.
CREATE TABLE feed_queue (
    file_id         text PRIMARY KEY REFERENCES feed_file (id),
    account         text NOT NULL,
    seller          text NOT NULL,
    after_sku       text NOT NULL DEFAULT '',
    queued_at       timestamptz NOT NULL
);
CREATE INDEX feed_queue_seller ON feed_queue (account, seller, queued_at);
CREATE TABLE feed_again (
    account         text NOT NULL,
    seller          text NOT NULL,
    sku             text NOT NULL,
    after_at        timestamptz NOT NULL,      -- not before: it waits for something to become known
    PRIMARY KEY (account, seller, sku)
);

-- One file for the marketplace: what is in it is made when it is sent. `lane`: whole offers, prices only, stock only.
CREATE TABLE feed_batch (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    seller          text NOT NULL,
    lane            text NOT NULL CHECK (lane IN ('offers', 'prices', 'stock')),
    effect_key      text NOT NULL UNIQUE,
    state           text NOT NULL CHECK (state IN ('planned', 'frozen', 'done', 'refused', 'void')),
    rows            int NOT NULL,
    taken           int NOT NULL DEFAULT 0,
    refused         int NOT NULL DEFAULT 0,
    import_id       text,                      -- theirs
    planned_at      timestamptz NOT NULL,
    ended_at        timestamptz
);
CREATE INDEX feed_batch_open ON feed_batch (account, seller) WHERE state IN ('planned', 'frozen');

-- What was last sent of each offer, and what they took last. One row per offer: a refused update leaves what they took.
CREATE TABLE feed_sent (
    account         text NOT NULL,
    seller          text NOT NULL,
    sku             text NOT NULL,
    batch_id        text REFERENCES feed_batch (id),   -- in which it is on its way
    line            int,                       -- in that file
    sent_live       boolean,                   -- null: never sent
    sent_price_minor bigint,
    sent_sale_minor bigint,
    sent_quantity   int,
    sent_content    text,
    taken_live      boolean,                   -- null: never taken
    taken_price_minor bigint,
    taken_sale_minor bigint,
    taken_quantity  int,
    taken_content   text,
    changed_at      timestamptz,               -- since when what was sent counts here
    taken_at        timestamptz,
    live_at         timestamptz,               -- when their own lists showed it so: accepted is not live
    PRIMARY KEY (account, seller, sku)
);
CREATE INDEX feed_sent_batch ON feed_sent (batch_id, line) WHERE batch_id IS NOT NULL;
CREATE INDEX feed_sent_unseen ON feed_sent (account, taken_at) WHERE taken_at IS NOT NULL AND live_at IS NULL;
CREATE INDEX offer_seen_sku ON offer_seen (account, seller_id, sku);

-- Rejected rows on their way back, ours and the marketplace's in one form, until the corrected row arrives.
CREATE TABLE feed_return (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account         text NOT NULL,
    seller          text NOT NULL,
    file_id         text NOT NULL,             -- in which the row stood
    source_row      bigint NOT NULL,
    sku             text NOT NULL,
    field           text NOT NULL,
    code            text NOT NULL,
    value           text NOT NULL,
    message         text NOT NULL,
    corrects        text NOT NULL,
    line_hash       numeric(20),               -- of a row we rejected; null: the marketplace refused it
    line            text,                      -- as the seller wrote it
    batch_id        text,                      -- in which the marketplace refused it
    notice_id       text,                      -- in which he was told
    first_at        timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,
    ended_at        timestamptz,
    ended_why       text,
    CHECK ((ended_at IS NULL) = (ended_why IS NULL))
);
CREATE INDEX feed_return_open ON feed_return (account, seller, sku) WHERE ended_at IS NULL;
CREATE INDEX feed_return_notice ON feed_return (notice_id) WHERE notice_id IS NOT NULL;
CREATE INDEX feed_return_measured ON feed_return (account, first_at);

-- One message to a seller with his rejected rows; the file itself stands in returned_file.
CREATE TABLE feed_notice (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    seller          text NOT NULL,
    rows            int NOT NULL,
    channel         text NOT NULL,
    state           text NOT NULL CHECK (state IN ('taken', 'delivered', 'undelivered')),
    taken_at        timestamptz NOT NULL,
    delivered_at    timestamptz,
    answered_at     timestamptz,               -- nothing of it is rejected any more
    words           text NOT NULL DEFAULT ''
);
CREATE INDEX feed_notice_open ON feed_notice (account, seller) WHERE answered_at IS NULL;

-- To write a row back in the seller's own columns when only its values are left.
ALTER TABLE feed_file ADD COLUMN columns jsonb NOT NULL DEFAULT '{}';  -- his column → our field
