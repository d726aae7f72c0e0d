-- Who set each value and by what right; what was refused, is held, laid over, asked for. Rows are written only when something changes.
-- Messages are named and not referenced: where a value came from outlives the message.
CREATE TABLE owned_object (
    account         text NOT NULL,
    object          text NOT NULL,             -- kind: offer, listing ...
    object_id       text NOT NULL,
    seller          text NOT NULL DEFAULT '',
    seller_model    text NOT NULL DEFAULT '',
    category        text NOT NULL DEFAULT '',
    known_at        timestamptz NOT NULL,
    PRIMARY KEY (account, object, object_id)
);
CREATE INDEX owned_object_seller ON owned_object (account, seller);
CREATE INDEX owned_object_id ON owned_object (object_id);

CREATE TABLE owned_value (
    account         text NOT NULL,
    object          text NOT NULL,
    object_id       text NOT NULL,
    field           text NOT NULL CHECK (field <> ''),
    value           jsonb,                     -- the owner's; combined, where several owners combine
    parts           jsonb,                     -- by actor, where they do
    actor           text NOT NULL CHECK (actor <> ''),
    rule            text NOT NULL,             -- path in the plan
    source          text NOT NULL DEFAULT '',  -- for people: offer export of 08:14, row 118
    message_id      text,
    plan_hash       text NOT NULL,
    theirs_at       timestamptz NOT NULL,
    ours_at         timestamptz NOT NULL,
    expected_at     timestamptz,               -- since when the other side should come to show it; null: it does, or it said it
    shown           jsonb,                     -- what it showed by then: that again is no news
    version         int NOT NULL CHECK (version > 0),
    PRIMARY KEY (account, object, object_id, field)
);

CREATE TABLE value_change (
    account         text NOT NULL,
    object          text NOT NULL,
    object_id       text NOT NULL,
    field           text NOT NULL,
    version         int NOT NULL CHECK (version > 0),
    value           jsonb,
    before          jsonb,
    actor           text NOT NULL,
    rule            text NOT NULL,
    source          text NOT NULL DEFAULT '',
    message_id      text,
    plan_hash       text NOT NULL,
    theirs_at       timestamptz NOT NULL,
    ours_at         timestamptz NOT NULL,
    PRIMARY KEY (account, object, object_id, field, version)   -- two observers cannot both make one change
);
CREATE INDEX value_change_plan ON value_change (plan_hash, ours_at);

CREATE TABLE refused_write (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    object          text NOT NULL,
    object_id       text NOT NULL,
    field           text NOT NULL,             -- '': the object itself was not to be created
    value           jsonb,
    actor           text NOT NULL,
    why             text NOT NULL,
    words           text NOT NULL,
    rule            text NOT NULL,
    owners          jsonb NOT NULL DEFAULT '[]',
    seller          text NOT NULL DEFAULT '',
    seller_model    text NOT NULL DEFAULT '',
    category        text NOT NULL DEFAULT '',
    channel         text NOT NULL CHECK (channel IN ('observed', 'feed', 'api', 'console')),
    source          text NOT NULL DEFAULT '',
    message_id      text,
    plan_hash       text NOT NULL,
    count           int NOT NULL DEFAULT 1 CHECK (count > 0),
    theirs_at       timestamptz NOT NULL,
    first_at        timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,
    ended_at        timestamptz,               -- the cause is gone, or another refusal took its place
    ended_why       text,
    CHECK ((ended_at IS NULL) = (ended_why IS NULL))
);
CREATE UNIQUE INDEX refused_write_stands ON refused_write (account, object, object_id, field, actor) WHERE ended_at IS NULL;
CREATE INDEX refused_write_object ON refused_write (account, object, object_id, field);
CREATE INDEX refused_write_seller ON refused_write (account, seller, why) WHERE ended_at IS NULL;

CREATE TABLE hold (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    object          text NOT NULL,
    object_id       text NOT NULL,
    field           text NOT NULL,
    reason          text NOT NULL,
    words           text NOT NULL CHECK (words <> ''),
    author          text NOT NULL CHECK (author <> ''),
    rule            text NOT NULL DEFAULT '',
    refused_id      text REFERENCES refused_write (id),
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL,
    lifted_at       timestamptz,
    lifted_by       text,
    lifted_why      text,
    plan_hash       text NOT NULL,
    CHECK (ends_at > starts_at),
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL) AND (lifted_at IS NULL) = (lifted_why IS NULL))
);
CREATE UNIQUE INDEX hold_one_live ON hold (account, object, object_id, field, reason) WHERE lifted_at IS NULL;
CREATE INDEX hold_end ON hold (ends_at) WHERE lifted_at IS NULL;
CREATE INDEX hold_object ON hold (account, object, object_id);

CREATE TABLE override_value (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    object          text NOT NULL,
    object_id       text NOT NULL,
    field           text NOT NULL CHECK (field <> ''),
    value           jsonb,
    over            jsonb,                     -- the owner's value when it was asked for
    state           text NOT NULL CHECK (state IN ('asked', 'live', 'ended')),
    author          text NOT NULL CHECK (author <> ''),
    reason          text NOT NULL CHECK (reason <> ''),
    rule            text NOT NULL,
    large           boolean NOT NULL DEFAULT false,
    second_person   text,
    asked_at        timestamptz NOT NULL,
    starts_at       timestamptz,               -- when it came to count; null while it is asked
    ends_at         timestamptz NOT NULL,
    ended_at        timestamptz,
    ended_by        text,
    ended_why       text,
    expected_at     timestamptz,               -- as of owned_value
    shown           jsonb,
    plan_hash       text NOT NULL,
    CHECK (author <> second_person),
    CHECK (state <> 'live' OR NOT large OR second_person IS NOT NULL),
    CHECK (state <> 'live' OR starts_at IS NOT NULL),
    CHECK (ends_at > asked_at),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL) AND (ended_at IS NULL) = (ended_why IS NULL))
);
CREATE UNIQUE INDEX override_one_live ON override_value (account, object, object_id, field) WHERE ended_at IS NULL;
CREATE INDEX override_end ON override_value (ends_at) WHERE ended_at IS NULL;
CREATE INDEX override_object ON override_value (account, object, object_id);

CREATE TABLE correction_digest (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    owner           text NOT NULL,             -- the actor who is asked
    seller          text NOT NULL DEFAULT '',  -- which one, when it is a seller
    cause           text NOT NULL,
    window_at       timestamptz NOT NULL,
    state           text NOT NULL DEFAULT 'taken' CHECK (state IN ('taken', 'delivered', 'undelivered')),
    channel         text NOT NULL,
    tried           int NOT NULL DEFAULT 1 CHECK (tried > 0),
    taken_at        timestamptz NOT NULL,
    again_at        timestamptz,               -- when it is taken again, should nobody say what became of it
    delivered_at    timestamptz,
    words           text NOT NULL DEFAULT '',
    plan_hash       text NOT NULL,
    UNIQUE (account, owner, seller, cause, window_at),         -- one message, never one per row
    CHECK ((state = 'taken') = (again_at IS NOT NULL)),
    CHECK ((state = 'delivered') = (delivered_at IS NOT NULL))
);
CREATE INDEX correction_digest_again ON correction_digest (again_at) WHERE state = 'taken';

CREATE TABLE correction (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    object          text NOT NULL,
    object_id       text NOT NULL,
    field           text NOT NULL,
    cause           text NOT NULL,
    words           text NOT NULL,
    owner           text NOT NULL CHECK (owner <> ''),
    seller          text NOT NULL DEFAULT '',
    asked_by        text NOT NULL,
    refused_id      text REFERENCES refused_write (id),
    refused_value   jsonb,
    wanted          jsonb,                     -- what the asker would like, when he said so
    rule            text NOT NULL DEFAULT '',
    state           text NOT NULL DEFAULT 'asked'
                    CHECK (state IN ('asked', 'delivered', 'accepted', 'declined', 'expired', 'applied')),
    digest_id       text REFERENCES correction_digest (id),
    channel         text NOT NULL DEFAULT '',
    token_hash      text UNIQUE,               -- of the single-use link; null: none given, or used
    asked_at        timestamptz NOT NULL,
    tell_at         timestamptz NOT NULL,      -- from when it may go into a digest
    answer_by       timestamptz NOT NULL,
    delivered_at    timestamptz,
    answered_at     timestamptz,
    answer_words    text NOT NULL DEFAULT '',
    answered_by     text NOT NULL DEFAULT '',
    ended_at        timestamptz,
    applied_at      timestamptz,
    applied_value   jsonb,
    applied_by      text,                      -- answer, or the message that brought the value
    plan_hash       text NOT NULL,
    CHECK (answer_by > asked_at),
    CHECK ((state = 'applied') = (applied_at IS NOT NULL)),
    CHECK ((state IN ('declined', 'expired', 'applied')) = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX correction_one_open ON correction (account, object, object_id, field, cause) WHERE ended_at IS NULL;
CREATE INDEX correction_object ON correction (account, object, object_id);
CREATE INDEX correction_refused ON correction (refused_id);
CREATE INDEX correction_to_tell ON correction (tell_at) WHERE state = 'asked' AND digest_id IS NULL;
CREATE INDEX correction_answer ON correction (answer_by) WHERE ended_at IS NULL;
CREATE INDEX correction_digest_of ON correction (digest_id) WHERE digest_id IS NOT NULL;
CREATE INDEX correction_seller ON correction (account, seller) WHERE ended_at IS NULL;

-- How often our value was put back at the other side, per day: above the bound it is a fight.
CREATE TABLE reassertion (
    account         text NOT NULL,
    object          text NOT NULL,
    object_id       text NOT NULL,
    field           text NOT NULL,
    day             date NOT NULL,
    count           int NOT NULL CHECK (count >= 0),
    theirs          jsonb,
    ours            jsonb,
    theirs_at       timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,
    fought_at       timestamptz,
    PRIMARY KEY (account, object, object_id, field, day)
);

CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: what was so, was so', TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = 'history_is_append_only';
END $$;
CREATE TRIGGER value_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON value_change
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only();
