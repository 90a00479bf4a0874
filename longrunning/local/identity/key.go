package identity

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/op"

	"irc.now/shared/store"
)

// A key signs ID tokens for a month. It stays published for as long as a session can last after that, since an ID
// token is shown again at sign-out.
const (
	keyAge       = 30 * 24 * time.Hour
	keyPublished = keyAge + sessionLifetime + 24*time.Hour
	keyPurpose   = "signing key"
)

// The one algorithm every relying party knows (OpenID Connect Core section 15.1).
const (
	keyAlgorithm = jose.RS256
	keyBits      = 2048
)

// signingKey implements op.SigningKey.
type signingKey struct {
	id      string
	created time.Time
	private *rsa.PrivateKey
}

func (k signingKey) ID() string                                  { return k.id }
func (k signingKey) Key() any                                    { return k.private }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return keyAlgorithm }

// publicKey implements op.Key.
type publicKey struct{ signingKey }

func (k publicKey) Key() any                           { return &k.private.PublicKey }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return keyAlgorithm }
func (k publicKey) Use() string                        { return "sig" }

// rotateKeys makes a key where none is young enough, forgets those that nothing valid is signed with, and reads the
// rest. Two providers that start at once agree on one key, because the table is locked meanwhile.
func (p *Provider) rotateKeys(ctx context.Context) error {
	var keys []signingKey
	err := store.InTx(ctx, p.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return fmt.Errorf("lock signing keys: %w", err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM signing_keys WHERE created_at < $1`, p.now().Add(-keyPublished)); err != nil {
			return fmt.Errorf("forget signing keys: %w", err)
		}
		var err error
		if keys, err = p.readKeys(ctx, tx); err != nil {
			return err
		}
		if len(keys) > 0 && keys[0].created.After(p.now().Add(-keyAge)) {
			return nil
		}
		made, err := p.makeKey(ctx, tx)
		keys = append([]signingKey{made}, keys...)
		return err
	})
	if err != nil {
		return err
	}
	p.keys.Store(&keys)
	return nil
}

// readKeys returns the keys, newest first. One that was sealed with another key is of no use and is left out.
func (p *Provider) readKeys(ctx context.Context, tx pgx.Tx) ([]signingKey, error) {
	rows, err := tx.Query(ctx, `SELECT id, sealed, created_at FROM signing_keys ORDER BY created_at DESC, id`)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	defer rows.Close()
	var keys []signingKey
	for rows.Next() {
		var key signingKey
		var sealed []byte
		if err := rows.Scan(&key.id, &sealed, &key.created); err != nil {
			return nil, fmt.Errorf("read signing key: %w", err)
		}
		der, err := p.seal.openBytes(sealed, keyPurpose)
		if err != nil {
			continue
		}
		if key.private, err = x509.ParsePKCS1PrivateKey(der); err != nil {
			return nil, fmt.Errorf("parse signing key %s: %w", key.id, err)
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

func (p *Provider) makeKey(ctx context.Context, tx pgx.Tx) (signingKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return signingKey{}, fmt.Errorf("make signing key: %w", err)
	}
	key := signingKey{id: rand.Text()[:16], created: p.now(), private: private}
	_, err = tx.Exec(ctx, `INSERT INTO signing_keys (id, sealed, created_at) VALUES ($1, $2, $3)`,
		key.id, p.seal.sealBytes(x509.MarshalPKCS1PrivateKey(private), keyPurpose), key.created)
	if err != nil {
		return signingKey{}, fmt.Errorf("store signing key: %w", err)
	}
	return key, nil
}

var errNoKey = errors.New("no signing key has been read yet")

// SigningKey implements op.Storage.
func (s *storage) SigningKey(context.Context) (op.SigningKey, error) {
	keys := s.keys.Load()
	if keys == nil {
		return nil, internal(errNoKey)
	}
	return (*keys)[0], nil
}

// SignatureAlgorithms implements op.Storage.
func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{keyAlgorithm}, nil
}

// KeySet implements op.Storage.
func (s *storage) KeySet(context.Context) ([]op.Key, error) {
	keys := s.keys.Load()
	if keys == nil {
		return nil, internal(errNoKey)
	}
	set := make([]op.Key, 0, len(*keys))
	for _, key := range *keys {
		set = append(set, publicKey{key})
	}
	return set, nil
}
