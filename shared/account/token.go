package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/batch"
	"irc.now/shared/config"
	"irc.now/shared/store"
)

// expirySlack is how far the identity provider's clock and ours may differ: a token that is about to run out must not
// be taken for one that was revoked.
const expirySlack = 5 * time.Second

// Tokens keeps the identity provider's access tokens that opened a connection, so that the connection can be closed
// when the token dies. They are encrypted with a key that is not in the database. It is safe for concurrent use.
type Tokens struct {
	store *Store
	key   SealKey
	known *batch.Batcher[tokenHash, string] // whose it is, by hash
}

type tokenHash [sha256.Size]byte

// AcceptedToken is an access token that opened a connection.
type AcceptedToken struct {
	Hash  []byte // names it in the database
	Token config.Secret
}

// NewTokens makes a store of accepted tokens, which s keeps.
func NewTokens(s *Store, key SealKey) *Tokens {
	t := &Tokens{store: s, key: key}
	t.known = batch.New(lookups, t.owners)
	return t
}

// Known is the id of the user whom token has let in before; empty where it has not, is dead, or has run out. It says
// nothing about whether the identity provider accepts it still.
func (t *Tokens) Known(ctx context.Context, token string) (userID string, err error) {
	userID, err = t.known.Get(ctx, sha256.Sum256([]byte(token)))
	if err != nil {
		return "", store.Fault(fmt.Errorf("find access token: %w", err))
	}
	return userID, nil
}

func (t *Tokens) owners(ctx context.Context, hashes []tokenHash) (map[tokenHash]string, error) {
	asked := make([][]byte, len(hashes))
	for i := range hashes {
		asked[i] = hashes[i][:]
	}
	rows, _ := t.store.pool.Query(ctx, `
		SELECT hash, account_id::text FROM accepted_token
		WHERE hash = ANY($1) AND dead_at IS NULL AND expires_at > $2`, asked, t.store.now())
	owners := make(map[tokenHash]string, len(hashes))
	var hash []byte
	var owner string
	_, err := pgx.ForEachRow(rows, []any{&hash, &owner}, func() error {
		owners[tokenHash(hash)] = owner
		return nil
	})
	return owners, store.Fault(err)
}

// Record remembers that token let the user in, and when, exact to a minute; first is false where it had done so before.
func (t *Tokens) Record(ctx context.Context, userID, token string, expires time.Time) (first bool, err error) {
	hash, now := sha256.Sum256([]byte(token)), t.store.now()
	sealed := t.key.seal([]byte(token), hash[:])
	tag, err := t.store.pool.Exec(ctx, `
		INSERT INTO accepted_token (hash, account_id, sealed, expires_at, checked_at, used_at) VALUES ($1, $2, $3, $4, $5, $5)
		ON CONFLICT (hash) DO NOTHING`, hash[:], userID, sealed, expires, now)
	if err == nil && tag.RowsAffected() == 0 {
		_, err = t.store.pool.Exec(ctx, `UPDATE accepted_token SET used_at = $2 WHERE hash = $1 AND (used_at IS NULL OR used_at <= $3)`,
			hash[:], now, now.Add(-lastUsedEvery))
	}
	if err != nil {
		return false, store.Fault(fmt.Errorf("record access token: %w", err))
	}
	return tag.RowsAffected() > 0, nil
}

// ToCheck takes up to limit live tokens that were not checked for at least age, the longest unchecked first, and
// counts them as checked now, so that several callers share the work. Those that run out within seconds are left out. Tokens that cannot be decrypted, since the key
// was changed, are left out; err then says so beside the others.
func (t *Tokens) ToCheck(ctx context.Context, age time.Duration, limit int) (tokens []AcceptedToken, err error) {
	now := t.store.now()
	rows, _ := t.store.pool.Query(ctx, `
		UPDATE accepted_token SET checked_at = $1 WHERE hash IN (
			SELECT hash FROM accepted_token WHERE dead_at IS NULL AND checked_at <= $2 AND expires_at > $4
			ORDER BY checked_at LIMIT $3 FOR UPDATE SKIP LOCKED)
		RETURNING hash, sealed`, now, now.Add(-age), limit, now.Add(expirySlack))
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[struct{ Hash, Sealed []byte }])
	if err != nil {
		return nil, store.Fault(fmt.Errorf("find access tokens to check: %w", err))
	}
	var broken []error
	for _, row := range found {
		token, openErr := t.key.open(row.Sealed, row.Hash)
		if openErr != nil {
			broken = append(broken, fmt.Errorf("open access token %x: %w", row.Hash[:4], openErr))
			continue
		}
		tokens = append(tokens, AcceptedToken{Hash: row.Hash, Token: config.Secret(token)})
	}
	return tokens, errors.Join(broken...)
}

// MarkDead remembers that the identity provider no longer accepts the token: the connections that it opened are to
// be closed (see PendingDisconnects).
func (t *Tokens) MarkDead(ctx context.Context, hash []byte) error {
	_, err := t.store.pool.Exec(ctx, `UPDATE accepted_token SET dead_at = coalesce(dead_at, $2) WHERE hash = $1`,
		hash, t.store.now())
	if err != nil {
		return store.Fault(fmt.Errorf("mark access token dead: %w", err))
	}
	return nil
}

// ForgetExpired drops the tokens whose time is over. Their connections stay: running out is the ordinary end of an
// access token and no sign that somebody wants the connections closed.
func (t *Tokens) ForgetExpired(ctx context.Context) error {
	_, err := t.store.pool.Exec(ctx, `DELETE FROM accepted_token WHERE expires_at <= $1 AND dead_at IS NULL`, t.store.now())
	if err != nil {
		return store.Fault(fmt.Errorf("forget expired access tokens: %w", err))
	}
	return nil
}
