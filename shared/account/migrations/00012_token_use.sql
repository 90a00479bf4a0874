-- +goose Up
-- When the token let somebody in last, exact to a minute; NULL for one from before this column, which may have been used just now.
ALTER TABLE accepted_token ADD COLUMN used_at timestamptz;

-- +goose Down
ALTER TABLE accepted_token DROP COLUMN used_at;
