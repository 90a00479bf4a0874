-- +goose Up
-- The keep_until whose passing was told to everybody. A later keep_until is not told yet, whoever wrote it.
ALTER TABLE billing ADD COLUMN grace_told timestamptz;
CREATE INDEX billing_grace ON billing (keep_until) WHERE keep_until IS DISTINCT FROM grace_told;

-- +goose Down
ALTER TABLE billing DROP COLUMN grace_told;
