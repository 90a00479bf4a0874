-- +goose Up
-- One row per event and trigger that is still to be delivered. An event is its CloudEvents JSON: bytea, since its data
-- is a stranger's and need not be text.
CREATE TABLE delivery (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trigger     text NOT NULL,
    event       bytea NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT now(),
    attempts    integer NOT NULL DEFAULT 0, -- begun so far
    -- When to try next; for a row that is being delivered, when to take it for lost.
    due_at      timestamptz NOT NULL DEFAULT now(),
    claimed     boolean NOT NULL DEFAULT false
);
CREATE INDEX delivery_due ON delivery (trigger, due_at);

CREATE TABLE dead_letter (
    number      bigint PRIMARY KEY, -- of the delivery
    trigger     text NOT NULL,
    event       bytea NOT NULL,
    accepted_at timestamptz NOT NULL,
    attempts    integer NOT NULL,
    died_at     timestamptz NOT NULL DEFAULT now(),
    problem     text NOT NULL
);

-- +goose Down
DROP TABLE dead_letter, delivery;
