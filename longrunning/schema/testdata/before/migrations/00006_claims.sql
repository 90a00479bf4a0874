-- +goose Up
-- What functions/admission has let into the cluster a moment ago: the API server may not show it yet, but it counts
-- already. A claim that has expired counts for nothing and is dropped when its owner claims again.
CREATE TABLE claim (
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind <> ''),
    namespace  text NOT NULL,
    name       text NOT NULL CHECK (name <> ''),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, kind, namespace, name)
);

-- +goose Down
DROP TABLE claim;
