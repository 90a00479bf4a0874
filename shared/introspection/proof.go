package introspection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// Proof is what an access token says of itself before the provider is asked. It is no answer: the provider may have
// ended a token that it has signed.
type Proof int

// The proofs there are.
const (
	Unproven Proof = iota // no JWT (RFC 9068), or of a key that is not known
	Signed                // the provider made it
	Void                  // names a key of the provider that did not sign it, or has run out
)

const (
	maxKeys   = 1 << 20          // bytes of the provider's key set
	keysEvery = 10 * time.Second // between two calls for keys: a token may name any, and cost a call each
	clockSlop = time.Minute      // by which the provider's clock may differ from ours
)

// algorithms are those with a key that is public; with the others whoever can check a token can make one.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// keyring holds the provider's public keys.
type keyring struct {
	turn  chan struct{} // holds one token; whoever has it may fetch, and read and set asked
	asked time.Time
	found atomic.Pointer[jose.JSONWebKeySet]
}

// Prove looks at a token's signature without asking the provider about the token. Subject is whom a Signed one is about.
// A key set that cannot be had leaves tokens unproven.
func (p *Provider) Prove(ctx context.Context, token string) (proof Proof, subject string) {
	parsed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil || len(parsed.Signatures) != 1 {
		return Unproven, ""
	}
	keys := p.keysNamed(ctx, parsed.Signatures[0].Protected.KeyID)
	if len(keys) == 0 {
		return Unproven, ""
	}
	for i := range keys {
		if payload, err := parsed.Verify(&keys[i]); err == nil {
			return judge(payload, time.Now())
		}
	}
	return Void, ""
}

// judge reads what the provider has signed.
func judge(payload []byte, now time.Time) (Proof, string) {
	var claims struct {
		Subject string  `json:"sub"`
		Expires float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Subject == "" {
		return Void, ""
	}
	if claims.Expires > 0 && time.Unix(int64(claims.Expires), 0).Before(now.Add(-clockSlop)) {
		return Void, ""
	}
	return Signed, claims.Subject
}

// keysNamed finds the provider's keys called id, and asks for them where there are none yet.
func (p *Provider) keysNamed(ctx context.Context, id string) []jose.JSONWebKey {
	if id == "" {
		return nil
	}
	if found := p.keys.found.Load(); found != nil {
		if named := found.Key(id); len(named) > 0 {
			return named
		}
	}
	select {
	case <-p.keys.turn:
		defer func() { p.keys.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil
	}
	if time.Since(p.keys.asked) > keysEvery {
		p.keys.asked = time.Now()
		if fetched, err := p.fetchKeys(ctx); err == nil {
			p.keys.found.Store(fetched)
		}
	}
	if found := p.keys.found.Load(); found != nil {
		return found.Key(id)
	}
	return nil
}

func (p *Provider) fetchKeys(ctx context.Context) (*jose.JSONWebKeySet, error) {
	at, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	if at.Keys == "" {
		return nil, errors.New("the identity provider names no key set")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.Keys, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch keys: the identity provider answers %s", response.Status)
	}
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(io.LimitReader(response.Body, maxKeys)).Decode(&set); err != nil {
		return nil, fmt.Errorf("fetch keys: read answer: %w", err)
	}
	return &set, nil
}
