-- Append-only double entry; statements of others; what was matched, and every difference with a cause and an owner.
CREATE TABLE journal (
    id              text PRIMARY KEY,
    seq             bigint GENERATED ALWAYS AS IDENTITY,
    fact            text NOT NULL,             -- row of the fact table in money/ledger/facts.py
    key             text NOT NULL UNIQUE,      -- one business fact, once
    account         text NOT NULL,             -- our account at the marketplace or gateway
    root            text NOT NULL,
    effective_at    timestamptz NOT NULL,
    posted_at       timestamptz NOT NULL,
    message_id      text REFERENCES message (id),
    memo            text NOT NULL DEFAULT '',
    reverses        text REFERENCES journal (id),
    plan_hash       text NOT NULL
);
CREATE INDEX journal_root ON journal (root, seq);

CREATE TABLE posting (
    journal_id      text NOT NULL REFERENCES journal (id),
    number          smallint NOT NULL,
    ledger_account  text NOT NULL,             -- chart in money/ledger/chart.py
    currency        text NOT NULL,
    amount_minor    bigint NOT NULL CHECK (amount_minor <> 0),   -- debit positive, credit negative
    seller_id       text NOT NULL DEFAULT '',
    order_id        text NOT NULL DEFAULT '',  -- leg, the marketplace's id
    order_line_id   text NOT NULL DEFAULT '',
    reference       text NOT NULL DEFAULT '',  -- refund id, capture id, voucher ...
    line_type       text NOT NULL DEFAULT '',  -- canonical statement line type this posting answers
    witness         text NOT NULL CHECK (witness IN ('gateway', 'rate-agreement', 'erp', 'carrier', 'bank', 'marketplace', 'hub')),
    PRIMARY KEY (journal_id, number)
);
CREATE INDEX posting_order ON posting (order_id) WHERE order_id <> '';
CREATE INDEX posting_reference ON posting (reference) WHERE reference <> '';
CREATE INDEX posting_account ON posting (ledger_account, currency, seller_id);

CREATE FUNCTION journal_must_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE bad text;
BEGIN
    SELECT p.journal_id INTO bad FROM posting p
     WHERE p.journal_id IN (SELECT DISTINCT journal_id FROM arrived)
     GROUP BY p.journal_id, p.currency HAVING sum(p.amount_minor) <> 0 LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'journal % does not sum to zero', bad USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_must_balance';
    END IF;
    SELECT p.journal_id INTO bad FROM posting p
     WHERE p.journal_id IN (SELECT DISTINCT journal_id FROM arrived)
     GROUP BY p.journal_id HAVING count(*) < 2 LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'journal % has fewer than two postings', bad USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_must_balance';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER posting_balances AFTER INSERT ON posting
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION journal_must_balance();

CREATE FUNCTION books_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: reverse a mistake, never edit it', TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = 'books_are_append_only';
END $$;
CREATE TRIGGER posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON posting FOR EACH STATEMENT EXECUTE FUNCTION books_are_append_only();
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION books_are_append_only();

CREATE VIEW unbalanced_journal AS
    SELECT journal_id, currency, sum(amount_minor) AS off_minor FROM posting GROUP BY journal_id, currency HAVING sum(amount_minor) <> 0
    UNION ALL
    SELECT j.id, '', 0 FROM journal j WHERE NOT EXISTS (SELECT FROM posting p WHERE p.journal_id = j.id);

CREATE TABLE statement (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    author          text NOT NULL CHECK (author IN ('marketplace', 'gateway', 'bank')),
    kind            text NOT NULL,             -- mirakl-cycle, gateway-settlement ...
    external_id     text NOT NULL,             -- billing cycle or settlement id
    version         int NOT NULL DEFAULT 1,    -- a re-issue is a new version
    seller_id       text NOT NULL DEFAULT '',
    voucher         text NOT NULL DEFAULT '',
    currency        text NOT NULL,
    period_from     timestamptz,
    period_to       timestamptz,
    state           text NOT NULL CHECK (state IN ('announced', 'fetched', 'parsed', 'balanced', 'matched', 'explained', 'closed')),
    their_total_minor bigint NOT NULL DEFAULT 0,     -- what they say is paid out (or net)
    lines_total_minor bigint NOT NULL DEFAULT 0,     -- what their own lines add up to
    digest          text NOT NULL DEFAULT '',
    announced_at    timestamptz NOT NULL,
    closed_at       timestamptz,
    UNIQUE (account, kind, external_id, version)
);

CREATE INDEX statement_announced ON statement (announced_at DESC, id DESC);

CREATE TABLE statement_line (
    id              text PRIMARY KEY,
    statement_id    text REFERENCES statement (id),  -- null: seen, not yet in a cycle
    account         text NOT NULL,
    author          text NOT NULL,
    external_id     text NOT NULL,             -- their line id
    line_no         int NOT NULL DEFAULT 0,
    seller_id       text NOT NULL DEFAULT '',
    order_id        text NOT NULL DEFAULT '',
    order_line_id   text NOT NULL DEFAULT '',
    reference       text NOT NULL DEFAULT '',  -- refund id, capture id, voucher
    voucher         text NOT NULL DEFAULT '',
    type            text NOT NULL,             -- theirs, verbatim
    line_type       text NOT NULL,             -- canonical; 'unrecognised' is kept and flagged
    amount_minor    bigint NOT NULL,           -- seller's view (marketplace) or operator's view (gateway): credited − debited
    currency        text NOT NULL,
    posted_at       timestamptz NOT NULL,
    matched         text NOT NULL DEFAULT 'open' CHECK (matched IN ('open', 'matched', 'variance')),
    witness         text NOT NULL DEFAULT '',  -- who else confirms it
    raw             jsonb NOT NULL,
    UNIQUE (account, author, external_id)
);
CREATE INDEX statement_line_statement ON statement_line (statement_id, line_no);
CREATE INDEX statement_line_order ON statement_line (order_id) WHERE order_id <> '';
CREATE INDEX statement_line_reference ON statement_line (reference) WHERE reference <> '';

CREATE TABLE line_match (
    line_id         text NOT NULL REFERENCES statement_line (id),
    journal_id      text NOT NULL,
    posting_number  smallint NOT NULL,
    PRIMARY KEY (line_id, journal_id, posting_number),
    FOREIGN KEY (journal_id, posting_number) REFERENCES posting (journal_id, number)
);
CREATE INDEX line_match_posting ON line_match (journal_id, posting_number);

CREATE TABLE variance (
    id              text PRIMARY KEY,
    statement_id    text NOT NULL REFERENCES statement (id),
    line_id         text REFERENCES statement_line (id),
    cause           text NOT NULL CHECK (cause IN ('missing-in-books', 'missing-in-statement', 'amount-differs', 'commission-rate-differs', 'fee-unknown', 'tax', 'fx',
                    'duplicate-line', 'timing', 'reserve', 'manual-document', 'rounding')),
    owner           text NOT NULL CHECK (owner <> ''),
    seller_id       text NOT NULL DEFAULT '',
    order_id        text NOT NULL DEFAULT '',
    order_line_id   text NOT NULL DEFAULT '',
    theirs_minor    bigint NOT NULL,
    ours_minor      bigint NOT NULL,
    amount_minor    bigint NOT NULL,           -- theirs − ours
    currency        text NOT NULL,
    explanation     text NOT NULL,
    state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'corrected')),
    decided_by      text,
    reason          text,
    found_at        timestamptz NOT NULL,
    CHECK (amount_minor = theirs_minor - ours_minor),
    CHECK (state = 'open' OR (decided_by IS NOT NULL AND reason IS NOT NULL))
);
CREATE INDEX variance_statement ON variance (statement_id);

CREATE TABLE payout (
    id              text PRIMARY KEY,
    account         text NOT NULL,
    seller_id       text NOT NULL,
    cycle_id        text NOT NULL,
    voucher         text NOT NULL DEFAULT '',
    currency        text NOT NULL,
    amount_minor    bigint NOT NULL,
    state           text NOT NULL CHECK (state IN ('computed', 'carried-over', 'blocked', 'proposed', 'approved', 'sent', 'confirmed', 'bank-matched', 'done', 'failed')),
    reason          text NOT NULL DEFAULT '',
    transfer_id     text,
    computed_at     timestamptz NOT NULL,
    confirmed_at    timestamptz,
    UNIQUE (account, cycle_id),
    CHECK (amount_minor > 0 OR state IN ('computed', 'carried-over', 'blocked'))
);
CREATE INDEX payout_voucher ON payout (voucher) WHERE voucher <> '';
