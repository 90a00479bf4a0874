-- +goose Up
-- Names and types are those of alexedwards/scs/pgxstore.
-- The accounts' migrations made the table before sets had versions of their own: where it is, it stays.
CREATE TABLE IF NOT EXISTS sessions (
    token  text PRIMARY KEY,
    data   bytea NOT NULL,
    expiry timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_expiry ON sessions (expiry);

-- +goose Down
DROP TABLE sessions;
