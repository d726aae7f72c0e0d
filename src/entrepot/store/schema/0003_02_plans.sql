-- The plan under which a record was last decided, and when (ours): what a rollback lists as decided since. Null: written before this.
ALTER TABLE refund ADD COLUMN plan_hash text, ADD COLUMN decided_at timestamptz;
ALTER TABLE return_file ADD COLUMN plan_hash text, ADD COLUMN decided_at timestamptz;
ALTER TABLE shipment ADD COLUMN plan_hash text, ADD COLUMN decided_at timestamptz;
ALTER TABLE variance ADD COLUMN plan_hash text;                 -- its time is found_at

CREATE INDEX refund_plan ON refund (plan_hash, decided_at) WHERE plan_hash IS NOT NULL;
CREATE INDEX return_file_plan ON return_file (plan_hash, decided_at) WHERE plan_hash IS NOT NULL;
CREATE INDEX shipment_plan ON shipment (plan_hash, decided_at) WHERE plan_hash IS NOT NULL;
CREATE INDEX variance_plan ON variance (plan_hash, found_at) WHERE plan_hash IS NOT NULL;
-- Of tables every order writes to: by time alone, block by block, which costs a write nothing.
CREATE INDEX message_decided_at ON message USING brin (decided_at);
CREATE INDEX effect_planned_at ON effect USING brin (planned_at);
CREATE INDEX journal_plan ON journal (plan_hash, posted_at);
CREATE INDEX case_file_plan ON case_file (plan_hash, opened_at);
CREATE INDEX obligation_plan ON obligation (plan_hash, due_at) WHERE plan_hash IS NOT NULL;
