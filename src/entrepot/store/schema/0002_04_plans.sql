-- Plans the hub has run by, who changed them and why; what mappings changed; replays; the mode of a flow; the plan each record ran under.
CREATE TABLE plan_version (
    hash            text PRIMARY KEY,          -- of the content: comments and layout do not count
    files           jsonb NOT NULL,            -- pairs of file name and text, as it was written, the first file first
    content         jsonb NOT NULL,            -- what all files say together; the hash is of this
    first_seen_at   timestamptz NOT NULL
);

CREATE TABLE plan_change (                     -- append-only: the newest row is the plan in force
    seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('first', 'apply', 'rollback')),
    hash            text NOT NULL REFERENCES plan_version (hash),
    before          text NOT NULL DEFAULT '',  -- the plan it replaced
    by              text NOT NULL CHECK (by <> ''),
    reason          text NOT NULL CHECK (reason <> ''),
    at              timestamptz NOT NULL,
    CHECK (hash <> before)
);
CREATE UNIQUE INDEX plan_change_first ON plan_change (kind) WHERE kind = 'first';
CREATE TRIGGER plan_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_change FOR EACH STATEMENT EXECUTE FUNCTION books_are_append_only();
CREATE TRIGGER plan_version_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_version FOR EACH STATEMENT EXECUTE FUNCTION books_are_append_only();

-- observe: nothing is sent. advise: a person releases each action. act: as planned. Set when a plan comes into force.
ALTER TABLE flow ADD COLUMN mode text NOT NULL DEFAULT 'act' CHECK (mode IN ('observe', 'advise', 'act'));

-- observed: what would have been sent. advised: waits for a person. elsewhere_at: when somebody else was seen to have done it.
ALTER TABLE effect DROP CONSTRAINT effect_state_check;
ALTER TABLE effect ADD CONSTRAINT effect_state_check
    CHECK (state IN ('planned', 'sending', 'done', 'refused', 'unknown', 'parked', 'void', 'observed', 'advised'));
ALTER TABLE effect ADD COLUMN elsewhere_at timestamptz;

-- A shadow is about a flow that is only observed: nobody outside the house hears of it.
ALTER TABLE case_file ADD COLUMN shadow boolean NOT NULL DEFAULT false;
ALTER TABLE obligation ADD COLUMN shadow boolean NOT NULL DEFAULT false;

-- The plan each record ran under, where 0001 did not keep it. Null: written before this.
ALTER TABLE message ADD COLUMN decided_under text;
ALTER TABLE event ADD COLUMN plan_hash text;
ALTER TABLE obligation ADD COLUMN plan_hash text;
ALTER TABLE case_event ADD COLUMN plan_hash text;
ALTER TABLE attempt ADD COLUMN plan_hash text;

CREATE TABLE mapping_use (                     -- a word that a mapping changed, in the transaction that used it
    seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL,
    mapping         text NOT NULL,
    flow            text NOT NULL,
    field           text NOT NULL,
    direction       text NOT NULL CHECK (direction IN ('in', 'out')),
    theirs          text NOT NULL,
    ours            text NOT NULL,
    plan_hash       text NOT NULL,
    message_id      text NOT NULL REFERENCES message (id),
    object          text NOT NULL,
    object_id       text NOT NULL,
    effect_key      text NOT NULL DEFAULT '',  -- what was sent with the changed word
    CHECK (theirs <> ours)
);
CREATE UNIQUE INDEX mapping_use_once ON mapping_use (message_id, mapping, field, theirs, ours, plan_hash, effect_key);
CREATE INDEX mapping_use_plan ON mapping_use (plan_hash, seq);

CREATE TABLE replay (                          -- a flow's work done once more under the plan in force, row by row
    id              text PRIMARY KEY,
    flow            text NOT NULL,
    mapping         text NOT NULL DEFAULT '',  -- only what this mapping changes
    since_at        timestamptz NOT NULL,
    plan_hash       text NOT NULL,
    digest          text NOT NULL,             -- of what a person saw before it ran
    by              text NOT NULL CHECK (by <> ''),
    reason          text NOT NULL CHECK (reason <> ''),
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz
);
CREATE UNIQUE INDEX replay_one_running ON replay (flow) WHERE ended_at IS NULL;

CREATE TABLE replay_row (
    replay_id       text NOT NULL REFERENCES replay (id),
    number          int NOT NULL,
    what            text NOT NULL CHECK (what IN ('effect', 'message')),
    record_id       text NOT NULL,
    name            text NOT NULL,             -- its key, or kind and id of the message
    verdict         text NOT NULL CHECK (verdict IN ('send', 'decide', 'skip', 'review')),
    why             text NOT NULL,
    before          jsonb,
    after           jsonb,
    state           text NOT NULL CHECK (state IN ('waiting', 'done', 'skipped', 'person')),
    result          text NOT NULL DEFAULT '',
    done_at         timestamptz,
    PRIMARY KEY (replay_id, number),
    UNIQUE (replay_id, what, record_id),
    CHECK ((state = 'done') = (done_at IS NOT NULL))
);
CREATE INDEX replay_row_waiting ON replay_row (replay_id, number) WHERE state = 'waiting';
