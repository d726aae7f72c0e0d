-- Measures of offers are read from the newest, whatever stands in the tables: changes the marketplace shows, batches of ours that are worked
-- off (their counts stand in the index), cases of one failure mode.
CREATE INDEX feed_sent_live ON feed_sent (account, live_at) WHERE live_at IS NOT NULL;
CREATE INDEX submission_ended ON submission (ended_at) INCLUDE (account, items, rejected) WHERE ended_at IS NOT NULL;
CREATE INDEX case_mode ON case_file (mode, opened_at);
