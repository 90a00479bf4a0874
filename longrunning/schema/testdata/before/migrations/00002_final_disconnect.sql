-- +goose Up
-- A user is disconnected once more when sign-ins that were under way are over (see disconnect.go): a row waits until
-- it was disconnected 35 seconds after its credential died.
ALTER TABLE accepted_token ADD COLUMN disconnected_at timestamptz;
DROP INDEX connection_password_to_disconnect;
CREATE INDEX connection_password_to_disconnect ON connection_password (revoked_at)
    WHERE revoked_at IS NOT NULL AND (disconnected_at IS NULL OR disconnected_at - revoked_at < interval '35 seconds');

-- +goose Down
DROP INDEX connection_password_to_disconnect;
CREATE INDEX connection_password_to_disconnect ON connection_password (revoked_at)
    WHERE revoked_at IS NOT NULL AND disconnected_at IS NULL;
ALTER TABLE accepted_token DROP COLUMN disconnected_at;
