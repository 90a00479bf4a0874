-- +goose Up
-- What somebody got by a sign-in from before is good no longer.
ALTER TABLE account ADD COLUMN signed_out_at timestamptz;

-- +goose Down
ALTER TABLE account DROP COLUMN signed_out_at;
