-- +goose Up
-- Money that went back: refunds, by the charge, and disputes. The newest state of each, as Stripe said it.
CREATE TABLE reversal (
    id         text PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('refund', 'dispute')),
    status     text NOT NULL CHECK (status IN ('part', 'whole', 'open', 'won', 'lost')),
    amount     bigint NOT NULL, -- in the currency's smallest unit
    currency   text NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX reversal_account ON reversal (account_id, updated_at DESC);

-- +goose Down
DROP TABLE reversal;
