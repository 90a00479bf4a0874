-- +goose Up
-- What was bought beside the plan. Programs that do not know these columns keep working: each has the free default.
ALTER TABLE account
    ADD COLUMN log_search boolean NOT NULL DEFAULT false,
    ADD COLUMN extra_bots integer NOT NULL DEFAULT 0 CHECK (extra_bots >= 0),
    ADD COLUMN hosting    text NOT NULL DEFAULT '' CHECK (hosting IN ('', 'starter', 'growth'));

CREATE TABLE billing (
    account_id  uuid PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    customer_id text NOT NULL UNIQUE CHECK (customer_id <> ''),
    standing    text NOT NULL DEFAULT '',
    period_end  timestamptz,
    -- Until when what a downgrade put over the limits is left as it is.
    keep_until  timestamptz,
    -- Counts writes: whoever read Stripe's state before another wrote must read it again.
    version     bigint NOT NULL DEFAULT 0,
    updated_at  timestamptz NOT NULL
);

-- +goose Down
DROP TABLE billing;
ALTER TABLE account DROP COLUMN log_search, DROP COLUMN extra_bots, DROP COLUMN hosting;
