-- +goose Up
-- Events about facts of this database, on their way to the broker. Package outbox owns the table.
CREATE TABLE outbox (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event      text NOT NULL, -- a CloudEvent as JSON, kept to the byte
    written_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz,
    -- How often the broker refused it, and when it is tried again.
    refusals   integer NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_unsent ON outbox (due_at, number) WHERE sent_at IS NULL;
CREATE INDEX outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL;

-- +goose Down
DROP TABLE outbox;
