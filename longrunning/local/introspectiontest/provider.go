// Package introspectiontest is an identity provider for tests that offers discovery and introspection over HTTP, and
// can be away or misbehave.
package introspectiontest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"irc.now/shared/config"
)

// The one client the provider knows; the secret needs escaping, since real ones may.
const (
	ClientID     = "introspect"
	ClientSecret = config.Secret("s%cret:+/&")
)

// Provider is a running provider. Its methods may be called while it serves.
type Provider struct {
	Issuer string

	key *ecdsa.PrivateKey

	mu     sync.Mutex
	status int // what every call answers with, unless 0
	tokens map[string]any
	asked  int
	keys   int
}

const (
	keyID     = "key of tests"
	algorithm = jose.ES256
)

// Start runs a provider until the test ends.
func Start(t testing.TB) *Provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{tokens: map[string]any{}, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("POST /oauth/introspect", p.introspect)
	mux.HandleFunc("GET /keys", p.keySet)
	server := httptest.NewServer(p.unlessAway(mux))
	t.Cleanup(server.Close)
	p.Issuer = server.URL
	return p
}

// Answer makes the provider answer for token with v as JSON; a string is sent as it is.
func (p *Provider) Answer(token string, v any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens[token] = v
}

// Accept makes token a good one of subject, without an end.
func (p *Provider) Accept(token, subject string) {
	p.Answer(token, map[string]any{"active": true, "sub": subject})
}

// Forget makes token a dead one.
func (p *Provider) Forget(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tokens, token)
}

// Fail makes every call answer with status; 0 ends that.
func (p *Provider) Fail(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

// Sign makes a JWT of claims, as Keycloak's access tokens are.
func (p *Provider) Sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	key := jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: p.key, KeyID: keyID}}
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// KeysRead counts how often the public keys were asked for.
func (p *Provider) KeysRead() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys
}

func (p *Provider) keySet(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	p.keys++
	p.mu.Unlock()
	reply(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &p.key.PublicKey, KeyID: keyID, Algorithm: string(algorithm), Use: "sig"}}})
}

// Asked counts the introspections so far.
func (p *Provider) Asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *Provider) unlessAway(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		status := p.status
		p.mu.Unlock()
		if status != 0 {
			w.WriteHeader(status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token",
		"jwks_uri": p.Issuer + "/keys", "introspection_endpoint": p.Issuer + "/oauth/introspect",
	})
}

func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	if id != ClientID || !ClientSecret.Equal(secret) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	p.mu.Lock()
	p.asked++
	answer, known := p.tokens[r.PostFormValue("token")]
	p.mu.Unlock()
	if !known {
		answer = map[string]any{"active": false}
	}
	reply(w, answer)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if text, ok := v.(string); ok {
		_, _ = w.Write([]byte(text))
		return
	}
	_ = json.NewEncoder(w).Encode(v)
}
