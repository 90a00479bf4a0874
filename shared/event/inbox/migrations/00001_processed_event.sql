-- +goose Up
-- The events that were applied, so that each is applied once however often it is delivered.
-- The accounts' migrations made the table before sets had versions of their own: where it is, it stays.
CREATE TABLE IF NOT EXISTS processed_event (
    consumer     text NOT NULL,
    source       text NOT NULL,
    id           text NOT NULL,
    processed_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, source, id)
);
CREATE INDEX IF NOT EXISTS processed_event_processed_at ON processed_event (processed_at);

-- +goose Down
DROP TABLE processed_event;
