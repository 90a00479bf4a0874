-- +goose Up
-- The customers that Stripe had deleted before the present one was made, for people who look into its dashboard.
ALTER TABLE billing ADD COLUMN former_customers text[] NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE billing DROP COLUMN former_customers;
