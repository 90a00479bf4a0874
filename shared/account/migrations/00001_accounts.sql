-- +goose Up
CREATE TABLE account (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    subject    text NOT NULL UNIQUE CHECK (subject <> ''),
    email      text NOT NULL,
    handle     text UNIQUE CHECK (handle ~ '^[a-z][a-z0-9-]*$'),
    plan       text NOT NULL DEFAULT 'free',
    created_at timestamptz NOT NULL
);

-- A secret itself is stored nowhere: hash is the SHA-256 of its random part.
CREATE TABLE connection_password (
    id              text PRIMARY KEY,
    account_id      uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    name            text NOT NULL,
    hash            bytea NOT NULL CHECK (octet_length(hash) = 32),
    created_at      timestamptz NOT NULL,
    last_used_at    timestamptz,
    revoked_at      timestamptz,
    -- When the live connections were closed that the password may have opened.
    disconnected_at timestamptz
);
CREATE INDEX connection_password_account ON connection_password (account_id, created_at);
CREATE INDEX connection_password_to_disconnect ON connection_password (revoked_at)
    WHERE revoked_at IS NOT NULL AND disconnected_at IS NULL;

-- Access tokens of the identity provider that opened a connection. sealed is the token itself, encrypted, since only
-- the token can be asked after; hash recognises it.
CREATE TABLE accepted_token (
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    sealed     bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    checked_at timestamptz NOT NULL,
    -- The identity provider said that the token is dead; the connections are still to be closed.
    dead_at    timestamptz
);
CREATE INDEX accepted_token_checked ON accepted_token (checked_at) WHERE dead_at IS NULL;
CREATE INDEX accepted_token_dead ON accepted_token (dead_at) WHERE dead_at IS NOT NULL;
CREATE INDEX accepted_token_expires ON accepted_token (expires_at);

-- +goose Down
DROP TABLE accepted_token, connection_password, account;
