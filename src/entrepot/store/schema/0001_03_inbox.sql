-- Everything received or fetched, whole, before anyone reads meaning into it.
CREATE TABLE envelope (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    channel         text NOT NULL CHECK (channel IN ('webhook', 'page', 'file', 'api', 'person')),
    route           text NOT NULL,             -- path, operation code or file name
    headers         jsonb NOT NULL DEFAULT '{}',   -- never authorization or cookie
    body            bytea NOT NULL,
    digest          text NOT NULL,
    received_at     timestamptz NOT NULL,      -- business time
    machine_at      timestamptz NOT NULL,
    plan_hash       text NOT NULL
);
CREATE INDEX envelope_received ON envelope (account, received_at);

CREATE TABLE cursor (
    account         text NOT NULL,
    name            text NOT NULL,
    value           text NOT NULL,
    moved_at        timestamptz NOT NULL,
    PRIMARY KEY (account, name)
);

CREATE TABLE message (
    id              text PRIMARY KEY,
    seq             bigint GENERATED ALWAYS AS IDENTITY,
    envelope_id     text NOT NULL REFERENCES envelope (id),
    position        int NOT NULL DEFAULT 0,
    account         text NOT NULL,
    kind            text NOT NULL,             -- order, debit, refund, return, shipment, basket, payment-event, cycle ...
    external_id     text NOT NULL,
    revision        text NOT NULL DEFAULT '',  -- theirs, sortable as text; '' when they have none
    digest          text NOT NULL,             -- of the canonical content
    root            text NOT NULL,             -- what it must be decided in order with (basket:…, seller:…)
    flow            text NOT NULL,
    body            bytea NOT NULL,
    state           text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'decided', 'ignored', 'parked', 'suppressed', 'replaced')),
    due_at          timestamptz NOT NULL,      -- business; later than received for a retry
    received_at     timestamptz NOT NULL,
    decided_at      timestamptz,
    attempts        int NOT NULL DEFAULT 0,
    seen            int NOT NULL DEFAULT 1,    -- how often exactly this content arrived
    note            text,                      -- why ignored or parked, in plain words
    replaces        text REFERENCES message (id),
    plan_hash       text NOT NULL,
    UNIQUE (account, kind, external_id, digest)
);
CREATE INDEX message_due ON message (account, due_at, seq) WHERE state = 'new';
CREATE INDEX message_root ON message (root, seq);
CREATE INDEX message_external ON message (external_id);
CREATE INDEX message_envelope ON message (envelope_id);
