// Package authtest is an OpenID provider for tests: the protocol is real (discovery, code flow with PKCE, signed ID
// tokens, user info, end-session), only its people need no password. It can be told to misbehave.
package authtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

// The one client the provider knows.
const (
	ClientID     = "portal"
	ClientSecret = "client-secret-of-tests"
)

const keyID = "test-key"

// Provider is a running OpenID provider. Its methods may be called while it serves.
type Provider struct {
	Issuer string

	server *httptest.Server
	key    *ecdsa.PrivateKey
	keys   *oidctest.Server

	mu       sync.Mutex
	claims   map[string]any // of the person who signs in next
	shown    time.Time      // when that person last showed who they are
	asked    int
	deny     string // an error code to answer instead of a code
	spoil    func(map[string]any)
	away     bool
	lean     bool
	grants   map[string]grant
	bearers  map[string]map[string]any
	loggedIn map[string]bool // by ID token; false after end-session
}

type grant struct {
	challenge, nonce, redirect string
	claims                     map[string]any
	shown                      time.Time
}

// Start runs a provider until the test ends.
func Start(t testing.TB) *Provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{key: key, grants: map[string]grant{}, bearers: map[string]map[string]any{}, loggedIn: map[string]bool{}}
	p.keys = &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: keyID, Algorithm: oidc.ES256}}}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	p.Issuer = p.server.URL
	p.keys.SetIssuer(p.Issuer)
	p.Person("subject-1", "ada@example.org", "ada")
	return p
}

// Person says who signs in from now on, and has just shown who they are.
func (p *Provider) Person(subject, email, username string) {
	p.set(func() {
		p.claims = map[string]any{
			"sub": subject, "email": email, "email_verified": true, "preferred_username": username, "name": username,
		}
		p.shown = time.Now()
	})
}

// Since says when the person last showed who they are.
func (p *Provider) Since(shown time.Time) { p.set(func() { p.shown = shown }) }

// Asked counts how often people had to show anew who they are (prompt=login).
func (p *Provider) Asked() (count int) {
	p.set(func() { count = p.asked })
	return count
}

// Deny answers authorization requests with an error code (RFC 6749 §4.1.2.1) from now on; "" stops that.
func (p *Provider) Deny(code string) { p.set(func() { p.deny = code }) }

// Spoil changes the claims of every ID token before it is signed; nil stops that.
func (p *Provider) Spoil(change func(claims map[string]any)) { p.set(func() { p.spoil = change }) }

// Away makes the provider answer nothing but 503 until it is called with false.
func (p *Provider) Away(away bool) { p.set(func() { p.away = away }) }

// Lean keeps everything but the subject out of ID tokens; the rest is for the UserInfo endpoint.
func (p *Provider) Lean() { p.set(func() { p.lean = true }) }

// SignedIn counts the sessions that were begun and not ended by end-session.
func (p *Provider) SignedIn() int {
	count := 0
	p.set(func() {
		for _, on := range p.loggedIn {
			if on {
				count++
			}
		}
	})
	return count
}

func (p *Provider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// ServeHTTP serves the provider's endpoints.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away {
		http.Error(w, "away", http.StatusServiceUnavailable)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		p.discovery(w)
	case "/authorize":
		p.authorize(w, r)
	case "/token":
		p.token(w, r)
	case "/userinfo":
		p.userInfo(w, r)
	case "/end-session":
		p.endSession(w, r)
	default:
		p.keys.ServeHTTP(w, r)
	}
}

func (p *Provider) discovery(w http.ResponseWriter) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token",
		"jwks_uri": p.Issuer + "/keys", "userinfo_endpoint": p.Issuer + "/userinfo",
		"end_session_endpoint": p.Issuer + "/end-session", "prompt_values_supported": []string{"none", "login", "create"},
		"id_token_signing_alg_values_supported": []string{oidc.ES256},
	})
}

// authorize signs the person in without asking and sends the browser back with a code.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	back, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || query.Get("client_id") != ClientID || query.Get("response_type") != "code" ||
		query.Get("code_challenge_method") != "S256" || query.Get("state") == "" {
		http.Error(w, "not an authorization request with PKCE", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {query.Get("state")}}
	if p.deny != "" {
		answer.Set("error", p.deny)
		answer.Set("error_description", "<script>alert('from the provider')</script>")
	} else {
		if query.Get("prompt") == "login" {
			p.asked++
			p.shown = time.Now()
		}
		code := rand.Text()
		p.grants[code] = grant{
			challenge: query.Get("code_challenge"), nonce: query.Get("nonce"),
			redirect: query.Get("redirect_uri"), claims: p.claims, shown: p.shown,
		}
		answer.Set("code", code)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// token redeems a code once, for the client, redirect address and verifier it was issued for.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	code := r.PostFormValue("code")
	granted, known := p.grants[code]
	delete(p.grants, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case id != ClientID || secret != ClientSecret:
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
	case !known || granted.redirect != r.PostFormValue("redirect_uri") ||
		granted.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
	default:
		p.issue(w, granted)
	}
}

func (p *Provider) issue(w http.ResponseWriter, granted grant) {
	access := rand.Text()
	p.bearers[access] = granted.claims
	claims := map[string]any{}
	if p.lean {
		claims["sub"] = granted.claims["sub"]
	} else {
		maps.Copy(claims, granted.claims)
	}
	now := time.Now()
	maps.Copy(claims, map[string]any{
		"iss": p.Issuer, "aud": ClientID, "nonce": granted.nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"auth_time": granted.shown.Unix(),
	})
	if p.spoil != nil {
		p.spoil(claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	idToken := oidctest.SignIDToken(p.key, keyID, oidc.ES256, string(payload))
	p.loggedIn[idToken] = true
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": idToken,
	})
}

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	const prefix = "Bearer "
	bearer := r.Header.Get("Authorization")
	if len(bearer) < len(prefix) || p.bearers[bearer[len(prefix):]] == nil {
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	writeJSON(w, http.StatusOK, p.bearers[bearer[len(prefix):]])
}

// endSession ends the session of the hint and sends the browser on.
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	hint := r.URL.Query().Get("id_token_hint")
	if _, known := p.loggedIn[hint]; !known || r.URL.Query().Get("client_id") != ClientID {
		http.Error(w, "unknown id_token_hint", http.StatusBadRequest)
		return
	}
	p.loggedIn[hint] = false
	http.Redirect(w, r, r.URL.Query().Get("post_logout_redirect_uri"), http.StatusFound)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a test's client that has gone away
}
