-- The newest changes of an account that the marketplace shows: how long they took is measured without reading a row per offer.
CREATE INDEX feed_sent_live ON feed_sent (account, live_at) WHERE live_at IS NOT NULL;
