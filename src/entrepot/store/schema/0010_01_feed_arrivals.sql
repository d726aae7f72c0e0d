-- Files of sellers from the moment they are seen, whichever door they come by, until they are applied or can never be.
CREATE TABLE feed_arrival (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    seller          text NOT NULL,
    door            text NOT NULL CHECK (door IN ('folder', 'api', 'console', 'command')),
    feed            text NOT NULL,             -- of the plan; empty: none
    origin          text NOT NULL,             -- where it lay; empty: it was sent
    name            text NOT NULL,
    size_bytes      bigint NOT NULL,
    stamp           text NOT NULL,             -- what the folder says of its age: with the size, how two looks tell whether it grew
    digest          text NOT NULL,             -- of the bytes as they came; empty: not here yet
    complete        boolean NOT NULL,
    state           text NOT NULL CHECK (state IN ('arriving', 'found', 'kept', 'reading', 'applied', 'same', 'refused', 'replaced')),
    sent_by         text NOT NULL,
    seen_at         timestamptz NOT NULL,
    cut_since       timestamptz,               -- since when it is an archive without an end
    next_at         timestamptz,               -- when the hub goes on with it by itself
    tries           int NOT NULL,
    is_here         boolean NOT NULL,          -- whole, in the state folder
    rows_read       bigint NOT NULL,
    rows_expected   bigint NOT NULL,           -- by the last file; 0: there was none
    started_at      timestamptz,
    ended_at        timestamptz,
    mapping_version int,                       -- of feed_mapping; null: the plan's, or by the names of the columns
    file_id         text,                      -- of feed_file
    same_as         text NOT NULL,
    refused_code    text NOT NULL,             -- why it can never be read, where in it, and who mends it
    refused_what    text NOT NULL,
    refused_where   text NOT NULL,
    refused_whose   text NOT NULL,
    plan_hash       text NOT NULL
);
CREATE INDEX feed_arrival_due ON feed_arrival (account, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX feed_arrival_seen ON feed_arrival (seen_at DESC, id DESC);
CREATE INDEX feed_arrival_seller ON feed_arrival (account, seller, seen_at DESC, id DESC);
CREATE INDEX feed_arrival_origin ON feed_arrival (feed, origin, seen_at DESC, id DESC) WHERE origin <> '';
CREATE INDEX feed_arrival_here ON feed_arrival (id) WHERE is_here;
CREATE UNIQUE INDEX feed_arrival_once ON feed_arrival (feed, origin) WHERE origin <> '' AND state IN ('arriving', 'found');

-- How a seller's columns and words are read. A version is never changed; the newest counts. Seller `*`: whoever has none of his own.
CREATE TABLE feed_mapping (
    account         text NOT NULL,
    seller          text NOT NULL,
    version         int NOT NULL,
    content         jsonb NOT NULL,
    hash            text NOT NULL,
    author          text NOT NULL,
    reason          text NOT NULL,
    saved_at        timestamptz NOT NULL,
    PRIMARY KEY (account, seller, version)
);
