-- What people look at of the seller's side: each list of a channel account is one index, walked from where the page before ended.
CREATE INDEX obligation_account ON obligation (account, due_at, id) WHERE ended_at IS NULL;
CREATE INDEX parcel_tracking ON parcel (tracking) WHERE tracking <> '';
CREATE INDEX parcel_number ON parcel (number);
CREATE INDEX listing_bytes ON listing (account, sku COLLATE "C");            -- all of an account, and by beginning
CREATE INDEX listing_state ON listing (account, state, sku COLLATE "C");
CREATE INDEX listing_other ON listing (account, sku COLLATE "C")              -- not as wanted: shown otherwise, or not told yet
    WHERE state NOT IN ('requested', 'ended') AND (price_told < price_version OR stock_told < stock_version
       OR shown_price_minor <> wanted_price_minor OR shown_quantity <> wanted_quantity);
CREATE INDEX submission_named ON submission (submission_id);
CREATE INDEX submission_effect ON submission (effect_key);
CREATE INDEX channel_refund_open ON channel_refund (account, refunded_at, refund_id) WHERE booked_at IS NULL;
CREATE INDEX channel_refund_named ON channel_refund (refund_id);
CREATE INDEX dispute_open ON dispute (account, coalesce(respond_by, 'infinity'::timestamptz), id) WHERE state IN ('open', 'action-needed');
CREATE INDEX dispute_named ON dispute (dispute_id);
CREATE INDEX dispute_leg ON dispute (leg_id);
