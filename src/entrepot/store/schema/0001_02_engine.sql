-- Lanes, periodic work and flow control. Times in lane.* are machine time; in periodic.* and flow.* business time.
CREATE TABLE lane (
    account         text NOT NULL,
    purpose         text NOT NULL,
    queue           text NOT NULL CHECK (queue IN ('urgent', 'normal', 'bulk')),
    epoch           bigint NOT NULL DEFAULT 0,
    lease_until     timestamptz,               -- null: nobody drains it
    not_before      timestamptz,               -- back-off of a drain that failed
    failures        int NOT NULL DEFAULT 0,    -- in a row
    last_error      text,
    drained_at      timestamptz,
    PRIMARY KEY (account, purpose)
);

CREATE TABLE flow (
    name            text PRIMARY KEY,
    state           text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'paused', 'emptying')),
    changed_by      text NOT NULL DEFAULT 'hub',
    reason          text NOT NULL DEFAULT '',
    changed_at      timestamptz NOT NULL,
    until_at        timestamptz,               -- a pause has an end
    owner           text NOT NULL DEFAULT 'on-call',
    CHECK (state = 'running' OR (reason <> '' AND until_at IS NOT NULL))
);

CREATE TABLE periodic (
    account         text NOT NULL,
    name            text NOT NULL,             -- e.g. sweep-orders
    flow            text NOT NULL REFERENCES flow (name),
    every_s         double precision NOT NULL CHECK (every_s > 0),
    next_at         timestamptz NOT NULL,
    ran_at          timestamptz,
    failures        int NOT NULL DEFAULT 0,
    last_error      text,
    PRIMARY KEY (account, name)
);
CREATE INDEX periodic_due ON periodic (next_at);
