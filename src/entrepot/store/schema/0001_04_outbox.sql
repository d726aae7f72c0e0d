-- What we promise to do outside. A key is made once; a retry sends the same key.
CREATE TABLE effect (
    id              text PRIMARY KEY,
    seq             bigint GENERATED ALWAYS AS IDENTITY,
    key             text NOT NULL UNIQUE,      -- e.g. capture:C-100-A ; also sent as idempotency key where the partner honours one
    account         text NOT NULL,
    operation       text NOT NULL,             -- mirakl.confirm-debit, gateway.capture ...
    root            text NOT NULL,             -- sent in order per root
    after_effect    text REFERENCES effect (id),
    flow            text NOT NULL,
    queue           text NOT NULL DEFAULT 'normal' CHECK (queue IN ('urgent', 'normal', 'bulk')),
    payload         jsonb NOT NULL,
    state           text NOT NULL DEFAULT 'planned'
                    CHECK (state IN ('planned', 'sending', 'done', 'refused', 'unknown', 'parked', 'void')),
    planned_at      timestamptz NOT NULL,      -- business
    due_at          timestamptz NOT NULL,      -- business: not before
    window_until    timestamptz NOT NULL,      -- business: the last useful attempt; then a person
    attempts        int NOT NULL DEFAULT 0,
    claimed_epoch   bigint,
    incarnation     text,
    send_until      timestamptz,               -- machine: the socket is closed before this
    sent_at         timestamptz,               -- business, of the last attempt
    negative_reads  int NOT NULL DEFAULT 0,
    outcome         jsonb,                     -- receipt, their refusal verbatim, or why unclear
    note            text,
    done_at         timestamptz,
    message_id      text REFERENCES message (id),   -- because of which message
    plan_hash       text NOT NULL,
    CHECK (state <> 'sending' OR (send_until IS NOT NULL AND incarnation IS NOT NULL)),
    CHECK (state <> 'done' OR outcome IS NOT NULL)
);
CREATE INDEX effect_due ON effect (account, queue, due_at, seq) WHERE state IN ('planned', 'unknown', 'sending');
CREATE INDEX effect_root_open ON effect (root, seq) WHERE state IN ('planned', 'sending', 'unknown', 'parked');
CREATE INDEX effect_root ON effect (root, seq);

CREATE TABLE attempt (
    effect_id       text NOT NULL REFERENCES effect (id),
    number          int NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('send', 'read-back')),
    started_at      timestamptz NOT NULL,      -- business
    outcome         text NOT NULL,             -- done, later, refused, unknown, not-there
    detail          jsonb NOT NULL DEFAULT '{}',   -- method, url, status, the first bytes of the answer; no secrets
    PRIMARY KEY (effect_id, number)
);

CREATE TABLE bucket (                          -- token buckets shared by all workers, business time
    account         text NOT NULL,
    operation       text NOT NULL,
    capacity        double precision NOT NULL,
    refill_per_s    double precision NOT NULL,
    tokens          double precision NOT NULL,
    refilled_at     timestamptz NOT NULL,
    blocked_until   timestamptz,               -- their Retry-After
    PRIMARY KEY (account, operation)
);
