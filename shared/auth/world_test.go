package auth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/longrunning/local/authtest"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/auth"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

const userID = "0d2a8a62-5c1e-4c8e-9f3c-0a3a5d6f7b11"

// site is a small site behind auth: "/" for anybody, "/private" for the signed in, "/whisper" and "/tell".
type site struct {
	*httptest.Server
	op   *authtest.Provider
	auth *auth.Auth
	pool *pgxpool.Pool

	mu    sync.Mutex
	now   time.Time
	admit error
	cut   time.Time // identities that were shown before are too old
	last  auth.Identity
}

func start(t *testing.T, change ...func(*auth.Config)) *site {
	t.Helper()
	ctx := t.Context()
	pool, err := store.Open(ctx, storetest.Migrated(t, auth.Migrations))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := &site{op: authtest.Start(t), pool: pool, now: time.Now()}
	mux := http.NewServeMux()
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	config := auth.Config{
		Issuer: s.op.Issuer, ClientID: authtest.ClientID, ClientSecret: authtest.ClientSecret, BaseURL: s.URL,
		Pool: pool, HTTP: &http.Client{Timeout: 5 * time.Second}, Admit: s.admitted, Now: s.clock,
	}
	for _, edit := range change {
		edit(&config)
	}
	if s.auth, err = auth.New(config); err != nil {
		t.Fatal(err)
	}
	handle := func(pattern string, h auth.Handler) {
		mux.HandleFunc(pattern, shown(func(w http.ResponseWriter, r *http.Request) error { return s.auth.Session(h)(w, r) }))
	}
	handle("GET /{$}", func(w http.ResponseWriter, r *http.Request) error {
		return say(w, "hello %s", s.auth.UserID(r.Context()))
	})
	handle("/private", s.auth.Require(func(w http.ResponseWriter, r *http.Request) error {
		return say(w, "private of %s", s.auth.UserID(r.Context()))
	}))
	handle("POST /whisper", s.auth.Require(func(w http.ResponseWriter, r *http.Request) error {
		if err := s.auth.Whisper(r.Context(), "secret", "the-whispered-secret"); err != nil {
			return err
		}
		return say(w, "kept")
	}))
	handle("GET /tell", s.auth.Require(func(w http.ResponseWriter, r *http.Request) error {
		return say(w, "told %q", s.auth.TakeWhisper(r.Context(), "secret"))
	}))
	handle("POST /everywhere", s.auth.Require(func(_ http.ResponseWriter, r *http.Request) error {
		return s.auth.EndSessions(r.Context(), s.auth.UserID(r.Context()))
	}))
	handle("POST /slow", s.auth.Require(func(w http.ResponseWriter, r *http.Request) error {
		_, _ = io.Copy(io.Discard, r.Body) // a form that takes its time to arrive
		s.auth.Note(r.Context(), "flash", "done")
		return say(w, "done")
	}))
	handle("GET "+auth.SignInPath, s.auth.SignIn)
	handle("GET "+auth.CallbackPath, s.auth.Callback)
	handle("POST "+auth.SignOutPath, func(w http.ResponseWriter, r *http.Request) error { return s.auth.SignOut(w, r) })
	return s
}

func (s *site) admitted(_ context.Context, identity auth.Identity) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = identity
	if !s.cut.IsZero() && !identity.Authenticated.After(s.cut) {
		return "", auth.ErrSignInAgain
	}
	return userID, s.admit
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// shown stands for the adapter around handlers: it shows the fault's kind and sentence.
func shown(h auth.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			w.Header().Set("Fault", fault.KindOf(err).String())
			http.Error(w, fault.Sentence(err), http.StatusTeapot)
		}
	}
}

func say(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}

// browser keeps cookies and follows redirects, as browsers do.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 10 * time.Second}
}

// direct is the same browser when it does not follow redirects.
func direct(b *http.Client) *http.Client {
	return &http.Client{Jar: b.Jar, Timeout: b.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type answer struct {
	*http.Response
	body string
}

func get(t *testing.T, b *http.Client, address string) answer {
	t.Helper()
	return do(t, b, http.MethodGet, address)
}

func do(t *testing.T, b *http.Client, method, address string, header ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := b.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response, string(body)}
}

func (a answer) wants(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(a.body, text) {
		t.Errorf("%s: the answer lacks %q: %q", a.Request.URL, text, a.body)
	}
}

func (a answer) isFault(t *testing.T, kind fault.Kind) {
	t.Helper()
	if got := a.Header.Get("Fault"); got != kind.String() {
		t.Errorf("%s: fault %q, want %q; body %q", a.Request.URL, got, kind, a.body)
	}
}
