-- +goose Up
-- When the person showed who they are, whose yes began the grant. A session learns a later time when they show it again;
-- what was given out before then stays as old as it is. Empty: the session's.
ALTER TABLE grants ADD COLUMN auth_time timestamptz;

-- +goose Down
ALTER TABLE grants DROP COLUMN auth_time;
