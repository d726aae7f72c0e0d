-- Failures and disagreements that need a person; promises with a due time; what was said to whom.
CREATE SEQUENCE case_number;
CREATE TABLE case_file (
    id              text PRIMARY KEY,
    number          bigint NOT NULL UNIQUE DEFAULT nextval('case_number'),   -- what people say: case 1042
    mode            text NOT NULL,             -- failure mode of the blueprint
    kind            text NOT NULL CHECK (kind IN ('business', 'system')),    -- the two dead letters never share a list
    flow            text NOT NULL,
    state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'working', 'waiting', 'resolved', 'closed')),
    owner           text NOT NULL CHECK (owner <> ''),        -- a team; no case without an owner can be written
    level           int NOT NULL DEFAULT 0,    -- how often escalated
    account         text NOT NULL,
    object          text NOT NULL,             -- basket, leg, effect, message, statement ...
    object_id       text NOT NULL,
    root            text NOT NULL DEFAULT '',
    title           text NOT NULL,
    effect_text     text NOT NULL,             -- business effect in plain words
    cause_text      text NOT NULL,
    money_minor     bigint NOT NULL DEFAULT 0, -- at risk
    currency        text NOT NULL DEFAULT 'EUR',
    message_id      text REFERENCES message (id),
    effect_id       text REFERENCES effect (id),
    obligation_id   text,
    details         jsonb NOT NULL DEFAULT '{}',
    count           int NOT NULL DEFAULT 1,    -- the same failure again while open
    opened_at       timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    next_at         timestamptz,               -- when to escalate next; null: nothing more by itself
    resolved_at     timestamptz,
    resolved_verb   text CHECK (resolved_verb IN ('retry', 'repair', 'suppress', 'escalate', 'cause-gone')),
    resolved_by     text,
    reopens         text REFERENCES case_file (id),
    plan_hash       text NOT NULL,
    CHECK ((state IN ('resolved', 'closed')) = (resolved_at IS NOT NULL))
);
CREATE UNIQUE INDEX case_one_open ON case_file (mode, object, object_id) WHERE resolved_at IS NULL;
CREATE INDEX case_open_due ON case_file (due_at, id) WHERE resolved_at IS NULL;
CREATE INDEX case_next ON case_file (next_at) WHERE resolved_at IS NULL AND next_at IS NOT NULL;
CREATE INDEX case_object ON case_file (object, object_id);
CREATE INDEX case_root ON case_file (root);
CREATE INDEX case_message ON case_file (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX case_effect ON case_file (effect_id) WHERE effect_id IS NOT NULL;

CREATE TABLE case_event (
    id              text PRIMARY KEY,
    case_id         text NOT NULL REFERENCES case_file (id),
    seq             bigint GENERATED ALWAYS AS IDENTITY,
    at              timestamptz NOT NULL,
    what            text NOT NULL,             -- opened, again, retry, repair, suppress, escalate, alerted, closed ...
    by              text NOT NULL,
    reason          text NOT NULL DEFAULT '',
    detail          jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX case_event_case ON case_event (case_id, seq);

CREATE TABLE obligation (
    id              text PRIMARY KEY,
    kind            text NOT NULL,             -- acknowledge, ship, capture-before-expiry, refund-confirmed, statement-due ...
    flow            text NOT NULL,
    account         text NOT NULL,
    object          text NOT NULL,
    object_id       text NOT NULL,
    name            text NOT NULL DEFAULT '',  -- what people call the object: the marketplace's order id
    root            text NOT NULL,
    owner           text NOT NULL CHECK (owner <> ''),
    mode            text NOT NULL,             -- failure mode of the case it opens when it warns or is missed
    state           text NOT NULL DEFAULT 'due'
                    CHECK (state IN ('due', 'warned', 'escalated', 'met', 'met-late', 'missed', 'void')),
    starts_at       timestamptz NOT NULL,
    warn_at         timestamptz NOT NULL,
    escalate_at     timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    next_at         timestamptz,               -- when the watch looks again; null when ended
    money_minor     bigint NOT NULL DEFAULT 0,
    currency        text NOT NULL DEFAULT 'EUR',
    warned_at       timestamptz,               -- first alert about it: a miss with warned_at null is a miss without alert
    ended_at        timestamptz,
    cause           text,
    UNIQUE (kind, object, object_id),
    CHECK ((state IN ('met', 'met-late', 'missed', 'void')) = (ended_at IS NOT NULL))
);
CREATE INDEX obligation_next ON obligation (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX obligation_due ON obligation (due_at, id) WHERE ended_at IS NULL;
CREATE INDEX obligation_ended ON obligation (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX obligation_object ON obligation (object, object_id);

CREATE TABLE alert (
    id              text PRIMARY KEY,
    seq             bigint GENERATED ALWAYS AS IDENTITY,
    key             text NOT NULL UNIQUE,      -- case or obligation, step, channel: said once
    case_id         text REFERENCES case_file (id),
    obligation_id   text REFERENCES obligation (id),
    team            text NOT NULL,
    channel         text NOT NULL,             -- a notify URL of the team, its secret by reference
    subject         text NOT NULL,
    body            text NOT NULL,
    state           text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'sent', 'failed')),
    attempts        int NOT NULL DEFAULT 0,
    planned_at      timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    sent_at         timestamptz,
    last_error      text
);
CREATE INDEX alert_due ON alert (due_at, seq) WHERE state = 'planned';
