-- Cases complete: groups with members, quiet for a while, who works on it, alerts that wait; ownership questions.
ALTER TABLE case_file
    ADD COLUMN grouped_by       text NOT NULL DEFAULT 'object' CHECK (grouped_by IN ('object', 'seller', 'account', 'cause')),
    ADD COLUMN members          int NOT NULL DEFAULT 0,     -- of a group: how many still fail
    ADD COLUMN members_seen     int NOT NULL DEFAULT 0,     -- of a group: how many ever were in it
    ADD COLUMN seller           text NOT NULL DEFAULT '',
    ADD COLUMN cause_key        text NOT NULL DEFAULT '',   -- what the same cause of other objects has in common
    ADD COLUMN assignee         text NOT NULL DEFAULT '',   -- a person, or a team of the plan
    ADD COLUMN waiting_on       text NOT NULL DEFAULT '',
    ADD COLUMN suppressed_until timestamptz,
    ADD COLUMN starts_at        timestamptz,                -- of the time its owner has now; null: since it was opened
    ADD COLUMN own_steps        boolean NOT NULL DEFAULT true,  -- false: a promise escalates it
    ADD COLUMN told_at          timestamptz;                -- when its owner's first alert was planned
ALTER TABLE case_file DROP CONSTRAINT case_file_state_check;
ALTER TABLE case_file ADD CONSTRAINT case_file_state_check
    CHECK (state IN ('open', 'working', 'waiting', 'suppressed', 'resolved', 'closed'));
ALTER TABLE case_file ADD CONSTRAINT case_file_quiet_has_an_end
    CHECK (state <> 'suppressed' OR suppressed_until IS NOT NULL);
ALTER TABLE case_file ADD CONSTRAINT case_file_members_check CHECK (members BETWEEN 0 AND members_seen);
UPDATE case_file SET told_at = opened_at, own_steps = (obligation_id IS NULL OR next_at IS NOT NULL) WHERE resolved_at IS NULL;

CREATE TABLE case_member (
    case_id         text NOT NULL REFERENCES case_file (id),
    mode            text NOT NULL,             -- of its case: an object fails in one way in one case
    object          text NOT NULL,
    object_id       text NOT NULL,
    name            text NOT NULL,             -- what people call it
    account         text NOT NULL,
    seller          text NOT NULL DEFAULT '',
    root            text NOT NULL DEFAULT '',
    cause_text      text NOT NULL,
    message_id      text REFERENCES message (id),   -- the newest of its messages; all of them stand in case_event
    effect_id       text REFERENCES effect (id),
    obligation_id   text,
    money_minor     bigint NOT NULL DEFAULT 0,
    currency        text NOT NULL DEFAULT 'EUR',
    count           int NOT NULL DEFAULT 1,
    seen_at         timestamptz NOT NULL,
    gone_at         timestamptz,
    gone_because    text,
    PRIMARY KEY (case_id, object, object_id),
    CHECK ((gone_at IS NULL) = (gone_because IS NULL))
);
CREATE UNIQUE INDEX case_member_one_open ON case_member (mode, object, object_id) WHERE gone_at IS NULL;
CREATE INDEX case_member_obligation ON case_member (obligation_id) WHERE obligation_id IS NOT NULL AND gone_at IS NULL;
CREATE INDEX case_member_object ON case_member (object_id);

ALTER TABLE alert ADD COLUMN waits boolean NOT NULL DEFAULT false;   -- dropped when its case ends before it is due
ALTER TABLE alert DROP CONSTRAINT alert_state_check;
ALTER TABLE alert ADD CONSTRAINT alert_state_check CHECK (state IN ('planned', 'sent', 'failed', 'dropped'));
CREATE INDEX alert_waits ON alert (case_id) WHERE waits AND state = 'planned';
CREATE INDEX case_event_by_hand ON case_event (at) WHERE what IN ('repair', 'suppress');   -- hidden rules

CREATE SEQUENCE question_number;
CREATE TABLE ownership_question (
    id              text PRIMARY KEY,
    number          bigint NOT NULL UNIQUE DEFAULT nextval('question_number'),
    ask             text NOT NULL CHECK (ask <> ''),
    about           text NOT NULL CHECK (about <> ''),      -- an object, or a field of one: offer.price
    account         text NOT NULL DEFAULT '',
    case_id         text REFERENCES case_file (id),
    state           text NOT NULL DEFAULT 'raised' CHECK (state IN ('raised', 'decided', 'in-blueprint')),
    raised_by       text NOT NULL,
    raised_team     text NOT NULL CHECK (raised_team <> ''),
    raised_at       timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,      -- five working days of the team that asks
    told_at         timestamptz,               -- when the architect heard that nobody decides
    decided_by      text,
    decision        text,
    decided_at      timestamptz,
    in_plan         text,                      -- hash of the plan that holds the decision
    closed_at       timestamptz,
    closed_by       text,
    plan_hash       text NOT NULL,
    CHECK ((state = 'raised') = (decided_at IS NULL)),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL) AND (decided_at IS NULL) = (decision IS NULL)),
    CHECK ((state = 'in-blueprint') = (in_plan IS NOT NULL) AND (in_plan IS NULL) = (closed_at IS NULL)
           AND (in_plan IS NULL) = (closed_by IS NULL))
);
CREATE UNIQUE INDEX question_one_per_case ON ownership_question (case_id, about) WHERE case_id IS NOT NULL AND state <> 'in-blueprint';
CREATE INDEX question_open ON ownership_question (due_at, id) WHERE state = 'raised';
