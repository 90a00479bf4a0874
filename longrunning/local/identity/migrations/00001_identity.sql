-- +goose Up
CREATE TABLE users (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email         text NOT NULL UNIQUE CHECK (email = lower(email)),
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- One browser's sign-in. Everything a person was given hangs on it and goes with it.
CREATE TABLE sessions (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    secret_hash bytea NOT NULL UNIQUE,
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    auth_time   timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE auth_requests (
    id             text PRIMARY KEY,
    client_id      text NOT NULL,
    redirect_uri   text NOT NULL,
    scopes         text[] NOT NULL,
    state          text NOT NULL,
    nonce          text NOT NULL,
    response_mode  text NOT NULL,
    code_challenge text NOT NULL,
    login_hint     text NOT NULL,
    fresh_after    timestamptz, -- a session older than this has to sign in again
    browser_hash   bytea NOT NULL,
    session_id     uuid REFERENCES sessions ON DELETE CASCADE,
    code_hash      bytea UNIQUE,
    used_at        timestamptz,
    expires_at     timestamptz NOT NULL
);
CREATE INDEX auth_requests_expiry ON auth_requests (expires_at);
CREATE INDEX auth_requests_session ON auth_requests (session_id);

-- A grant is what one exchanged code gave a client: its access tokens and the chain of its refresh tokens.
CREATE TABLE grants (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id      uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    auth_request_id text NOT NULL UNIQUE,
    client_id       text NOT NULL,
    scopes          text[] NOT NULL
);
CREATE INDEX grants_session ON grants (session_id);

CREATE TABLE access_tokens (
    id         text PRIMARY KEY,
    grant_id   uuid NOT NULL REFERENCES grants ON DELETE CASCADE,
    scopes     text[] NOT NULL,
    issued_at  timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX access_tokens_grant ON access_tokens (grant_id);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

CREATE TABLE refresh_tokens (
    hash       bytea PRIMARY KEY,
    grant_id   uuid NOT NULL REFERENCES grants ON DELETE CASCADE,
    used_at    timestamptz,
    expires_at timestamptz NOT NULL
);
CREATE INDEX refresh_tokens_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- Private keys are sealed with the provider's key. A key signs for a while and is published for as long as anything it
-- signed may be shown.
CREATE TABLE signing_keys (
    id         text PRIMARY KEY,
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE signing_keys, refresh_tokens, access_tokens, grants, auth_requests, sessions, users;
