-- What one batch at a channel carries: one effect, or several that went in one file. A batch of before has none here, and carries the
-- effect that its own row names.
CREATE TABLE submission_part (
    account         text NOT NULL,
    submission_id   text NOT NULL,
    effect_key      text NOT NULL,
    PRIMARY KEY (account, submission_id, effect_key),
    FOREIGN KEY (account, submission_id) REFERENCES submission
);
