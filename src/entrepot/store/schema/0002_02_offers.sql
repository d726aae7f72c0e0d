-- Offers as observed, raw and whole; what the storefront is to show of them; sellers, and the conversations in which they are asked.
ALTER TABLE offer_seen ADD COLUMN product_id text NOT NULL DEFAULT '';   -- the marketplace's own
ALTER TABLE offer_seen ADD COLUMN state_code text NOT NULL DEFAULT '';   -- condition (new, used): their code
ALTER TABLE offer_seen ADD COLUMN description text NOT NULL DEFAULT '';
CREATE INDEX offer_seen_seller ON offer_seen (account, seller_id, offer_id);

-- What their export does not tell. `terms`: the rest of the offer in the words in which it is written back (OF24 resets what is left out).
CREATE TABLE offer_details (
    account         text NOT NULL,
    offer_id        text NOT NULL,
    sku             text NOT NULL,
    category        text NOT NULL,
    title           text NOT NULL,
    terms           jsonb NOT NULL DEFAULT '{}',
    seen_at         timestamptz NOT NULL,      -- ours: their list names no instant
    PRIMARY KEY (account, offer_id)
);

CREATE TABLE seller_seen (
    account         text NOT NULL,
    seller_id       text NOT NULL,
    name            text NOT NULL,
    may_sell        boolean NOT NULL,
    their_state     text NOT NULL,             -- their word
    changed_at      timestamptz NOT NULL,      -- theirs
    seen_at         timestamptz NOT NULL,
    PRIMARY KEY (account, seller_id)
);

-- What buyers are to see of an offer. A version only grows; an effect carries each, and only the newest is still wanted.
CREATE TABLE offer_shown (
    account         text NOT NULL,             -- of the marketplace
    offer_id        text NOT NULL,
    storefront      text NOT NULL,             -- the account published to
    version         int NOT NULL CHECK (version > 0),
    wanted          jsonb NOT NULL,
    planned_at      timestamptz NOT NULL,
    shown_version   int NOT NULL DEFAULT 0,    -- the newest that the storefront has confirmed
    shown_at        timestamptz,
    PRIMARY KEY (account, offer_id, storefront),
    CHECK (shown_version <= version),
    CHECK ((shown_version > 0) = (shown_at IS NOT NULL))
);
CREATE INDEX offer_shown_waiting ON offer_shown (account, offer_id) WHERE shown_version < version;

-- The conversation in which a seller is asked about one cause; a second request goes into the same one.
CREATE TABLE correction_thread (
    account         text NOT NULL,
    seller_id       text NOT NULL,
    cause           text NOT NULL,
    thread_id       text NOT NULL,             -- theirs
    digest_id       text NOT NULL,             -- the last request in it
    opened_at       timestamptz NOT NULL,
    heard_until     timestamptz,               -- theirs: the last message of the seller that was dealt with
    PRIMARY KEY (account, seller_id, cause),
    UNIQUE (account, thread_id)
);

-- Files with error columns, for sellers who work with files.
CREATE TABLE returned_file (
    digest_id       text PRIMARY KEY,
    account         text NOT NULL,
    seller_id       text NOT NULL,
    name            text NOT NULL,
    content         text NOT NULL,
    made_at         timestamptz NOT NULL
);
