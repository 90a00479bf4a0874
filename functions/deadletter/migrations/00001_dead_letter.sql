-- +goose Up
-- Events that no subscriber took, however often they were tried.
-- The accounts' migrations made the table before sets had versions of their own: where it is, it stays.
CREATE TABLE IF NOT EXISTS dead_letter (
    source      text NOT NULL,
    id          text NOT NULL,
    destination text NOT NULL, -- the subscriber that did not take it; empty where the broker does not say
    type        text NOT NULL,
    status      text NOT NULL, -- of its last answer; empty where there was none
    event       bytea NOT NULL, -- CloudEvents JSON; its data is a stranger's and need not be text
    died_at     timestamptz NOT NULL,
    PRIMARY KEY (source, id, destination)
);
CREATE INDEX IF NOT EXISTS dead_letter_died_at ON dead_letter (died_at);

-- +goose Down
DROP TABLE dead_letter;
