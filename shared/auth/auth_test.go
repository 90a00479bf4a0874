package auth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
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
	"irc.now/shared/throttle"
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

func TestSignInLeadsBackToThePageThatAskedForIt(t *testing.T) {
	s := start(t)
	b := browser(t)
	page := get(t, b, s.URL+"/private?tab=1")
	page.wants(t, "private of "+userID)
	if got := page.Request.URL.RequestURI(); got != "/private?tab=1" {
		t.Errorf("ended at %s", got)
	}
	if got := page.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	want := auth.Identity{Subject: "subject-1", Email: "ada@example.org", EmailVerified: true, PreferredUsername: "ada", Name: "ada"}
	if s.last != want {
		t.Errorf("admitted %+v, want %+v", s.last, want)
	}
}

func TestClaimsMayComeFromUserInfo(t *testing.T) {
	s := start(t)
	s.op.Lean()
	get(t, browser(t), s.URL+"/private").wants(t, "private of "+userID)
	if s.last.Email != "ada@example.org" || s.last.PreferredUsername != "ada" {
		t.Errorf("admitted %+v", s.last)
	}
}

func TestCookieIsHostOnlyOverTLSAndNeverReadableByScripts(t *testing.T) {
	for base, name := range map[string]string{"http://site.example": "session", "https://site.example": "__Host-session"} {
		s := start(t, func(c *auth.Config) { c.BaseURL = base })
		page := get(t, direct(browser(t)), s.URL+auth.SignInPath)
		cookies := page.Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: %d cookies", base, len(cookies))
		}
		c := cookies[0]
		if c.Name != name || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s: cookie %+v", base, c)
		}
		if c.Secure != strings.HasPrefix(base, "https") {
			t.Errorf("%s: Secure is %v", base, c.Secure)
		}
	}
}

func TestTokenChangesAtSignIn(t *testing.T) {
	s := start(t)
	b := browser(t)
	before := get(t, direct(b), s.URL+auth.SignInPath)
	planted := before.Cookies()[0].Value
	get(t, b, before.Header.Get("Location")).wants(t, "hello "+userID)
	page := do(t, &http.Client{}, http.MethodGet, s.URL+"/", "Cookie", "session="+planted)
	if strings.Contains(page.body, userID) {
		t.Error("a token from before sign-in opens the session after it")
	}
}

func TestDatabaseHoldsNoUsableToken(t *testing.T) {
	s := start(t)
	b := browser(t)
	get(t, b, s.URL+"/private")
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	token := b.Jar.Cookies(address)[0].Value
	var found int
	err = s.pool.QueryRow(t.Context(), `SELECT count(*) FROM sessions WHERE token = $1 OR position(convert_to($1, 'UTF8') IN data) > 0`, token).Scan(&found)
	if err != nil || found != 0 {
		t.Errorf("the cookie's token is in the table %d times (%v)", found, err)
	}
}

func TestRequireAnswersScriptsWithAFault(t *testing.T) {
	s := start(t)
	do(t, browser(t), http.MethodGet, s.URL+"/private", "Sec-Fetch-Mode", "cors").isFault(t, fault.Unauthenticated)
}

func TestAFormSentAfterTheSessionEndedLeadsBackToItsPage(t *testing.T) {
	s := start(t)
	for referer, want := range map[string]string{
		s.URL + "/tell?x=1":      "/tell?x=1",
		"http://evil.example/xx": "/",
		"":                       "/",
	} {
		page := do(t, direct(browser(t)), http.MethodPost, s.URL+"/private", "Referer", referer)
		if got := page.Header.Get("Location"); got != auth.SignInPath+"?return="+url.QueryEscape(want) {
			t.Errorf("Referer %q: sent to %s", referer, got)
		}
	}
}

func TestReturnPathStaysHere(t *testing.T) {
	s := start(t)
	for _, target := range []string{"//evil.example", `/\evil.example`, `\/evil.example`, "https://evil.example", "/\t/evil.example", "javascript:alert(1)", "evil", "/auth/sign-in", "/a\r\nSet-Cookie: x=y"} {
		page := get(t, browser(t), s.URL+auth.SignInPath+"?return="+url.QueryEscape(target))
		page.wants(t, "hello "+userID)
		if page.Request.URL.String() != s.URL+"/" {
			t.Errorf("%q led to %s", target, page.Request.URL)
		}
	}
}

func TestEachStateWorksOnce(t *testing.T) {
	s := start(t)
	b := browser(t)
	begun := get(t, direct(b), s.URL+auth.SignInPath)
	callback := get(t, direct(b), begun.Header.Get("Location")).Header.Get("Location")
	get(t, b, callback).wants(t, "hello "+userID)
	get(t, b, callback).isFault(t, fault.Invalid)
}

func TestAnswerBelongsToTheBrowserThatAsked(t *testing.T) {
	s := start(t)
	attacker, victim := browser(t), browser(t)
	begun := get(t, direct(attacker), s.URL+auth.SignInPath)
	callback := get(t, direct(attacker), begun.Header.Get("Location")).Header.Get("Location")
	get(t, victim, callback).isFault(t, fault.Invalid)
	get(t, victim, s.URL+"/").wants(t, "hello ")

	get(t, direct(victim), s.URL+auth.SignInPath)
	get(t, victim, callback).isFault(t, fault.Invalid)
	if page := get(t, victim, s.URL+"/"); strings.Contains(page.body, userID) {
		t.Error("the victim is signed in as the attacker")
	}
}

func TestSignInRunsOut(t *testing.T) {
	s := start(t)
	b := browser(t)
	begun := get(t, direct(b), s.URL+auth.SignInPath)
	callback := get(t, direct(b), begun.Header.Get("Location")).Header.Get("Location")
	s.pass(16 * time.Minute)
	get(t, b, callback).isFault(t, fault.Invalid)
}

func TestTabsSignInIndependently(t *testing.T) {
	s := start(t)
	b := browser(t)
	first := get(t, direct(b), s.URL+auth.SignInPath+"?return=/private")
	for range 3 {
		get(t, direct(b), s.URL+auth.SignInPath)
	}
	get(t, b, first.Header.Get("Location")).wants(t, "private of "+userID)
}

func TestForgedAnswersAreRefused(t *testing.T) {
	spoilers := map[string]func(map[string]any){
		"nonce of another sign-in": func(c map[string]any) { c["nonce"] = "another" },
		"no nonce":                 func(c map[string]any) { delete(c, "nonce") },
		"for another client":       func(c map[string]any) { c["aud"] = "another" },
		"of another issuer":        func(c map[string]any) { c["iss"] = "https://evil.example" },
		"run out":                  func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
	}
	s := start(t)
	for name, spoil := range spoilers {
		s.op.Spoil(spoil)
		b := browser(t)
		page := get(t, b, s.URL+"/private")
		if page.Header.Get("Fault") != fault.Invalid.String() {
			t.Errorf("%s: fault %q, body %q", name, page.Header.Get("Fault"), page.body)
		}
		if after := get(t, b, s.URL+"/"); strings.Contains(after.body, userID) {
			t.Errorf("%s: signed in all the same", name)
		}
	}
}

func TestAnswerOfAnotherIssuerIsRefused(t *testing.T) {
	s := start(t)
	b := browser(t)
	begun := get(t, direct(b), s.URL+auth.SignInPath)
	callback := get(t, direct(b), begun.Header.Get("Location")).Header.Get("Location")
	get(t, b, callback+"&iss=https%3A%2F%2Fevil.example").isFault(t, fault.Invalid)
}

func TestWrongCodeIsRefused(t *testing.T) {
	s := start(t)
	b := browser(t)
	begun := get(t, direct(b), s.URL+auth.SignInPath)
	address, err := url.Parse(begun.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	get(t, b, s.URL+auth.CallbackPath+"?code=made-up&state="+address.Query().Get("state")).isFault(t, fault.Invalid)
}

func TestProvidersRefusalsAreSentences(t *testing.T) {
	s := start(t)
	for code, kind := range map[string]fault.Kind{
		"access_denied": fault.Forbidden, "server_error": fault.Unavailable,
		"temporarily_unavailable": fault.Unavailable, "made_up\"<b>": fault.Invalid,
	} {
		s.op.Deny(code)
		page := get(t, browser(t), s.URL+"/private")
		page.isFault(t, kind)
		if strings.Contains(page.body, "script") || strings.Contains(page.body, "<b>") {
			t.Errorf("%s: the provider's own words are shown: %q", code, page.body)
		}
	}
}

func TestProviderMayBeAwayAndComeBack(t *testing.T) {
	s := start(t)
	b := browser(t)
	s.op.Away(true)
	get(t, b, s.URL+"/").wants(t, "hello ")
	get(t, b, s.URL+"/private").isFault(t, fault.Unavailable)
	s.op.Away(false)
	get(t, b, s.URL+"/private").wants(t, "private of "+userID)
	s.op.Away(true)
	get(t, b, s.URL+"/private").wants(t, "private of "+userID)
	get(t, browser(t), s.URL+"/private")
}

func TestRefusedAdmissionIsNoSignIn(t *testing.T) {
	s := start(t)
	s.admit = fault.New(fault.Forbidden, "Your account is closed.")
	b := browser(t)
	get(t, b, s.URL+"/private").wants(t, "Your account is closed.")
	if page := get(t, b, s.URL+"/"); strings.Contains(page.body, userID) {
		t.Error("signed in all the same")
	}
}

func TestSignOutEndsBothSessions(t *testing.T) {
	s := start(t)
	b := browser(t)
	get(t, b, s.URL+"/private")
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	kept := b.Jar.Cookies(address)[0].Value
	page := do(t, b, http.MethodPost, s.URL+auth.SignOutPath)
	if page.Request.URL.String() != s.URL+"/" || page.body != "hello " {
		t.Errorf("ended at %s with %q", page.Request.URL, page.body)
	}
	if s.op.SignedIn() != 0 {
		t.Error("still signed in at the provider")
	}
	if page := do(t, &http.Client{}, http.MethodGet, s.URL+"/", "Cookie", "session="+kept); page.body != "hello " {
		t.Errorf("a copy of the cookie still opens the session: %q", page.body)
	}
}

func TestSignOutWorksWhileTheProviderIsAway(t *testing.T) {
	s := start(t)
	b := browser(t)
	get(t, b, s.URL+"/private")
	// A new process has not discovered the provider yet.
	fresh, err := auth.New(auth.Config{
		Issuer: s.op.Issuer, ClientID: authtest.ClientID, ClientSecret: authtest.ClientSecret, BaseURL: s.URL,
		Pool: s.pool, HTTP: &http.Client{Timeout: time.Second}, Admit: s.admitted,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.op.Away(true)
	s.auth = fresh // between requests
	page := do(t, direct(b), http.MethodPost, s.URL+auth.SignOutPath)
	if got := page.Header.Get("Location"); got != "/?signed-out=here" {
		t.Errorf("sent to %q", got)
	}
	get(t, b, s.URL+"/").wants(t, "hello ")
}

func TestEndSessionsEndsThemEverywhere(t *testing.T) {
	s := start(t)
	laptop, phone := browser(t), browser(t)
	get(t, laptop, s.URL+"/private")
	get(t, phone, s.URL+"/private")
	do(t, laptop, http.MethodPost, s.URL+"/everywhere")
	for _, b := range []*http.Client{laptop, phone} {
		if page := get(t, b, s.URL+"/"); page.body != "hello " {
			t.Errorf("still signed in: %q", page.body)
		}
	}
}

// Who has somebody's cookie can keep a request under way for as long as a form may take to arrive.
func TestARequestUnderWayDoesNotBringAnEndedSessionBack(t *testing.T) {
	s := start(t)
	owner := browser(t)
	get(t, owner, s.URL+"/private").wants(t, "private of "+userID)
	body, form := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/slow", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Expect", "100-continue") // answered when the handler reads the body: its session is loaded by then
	reading := make(chan struct{})
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }}))
	patient := &http.Client{Jar: owner.Jar, Transport: &http.Transport{ExpectContinueTimeout: 10 * time.Second}}
	status := make(chan int, 1)
	go func() {
		response, err := patient.Do(request)
		if err != nil {
			status <- 0
			return
		}
		_ = response.Body.Close()
		status <- response.StatusCode
	}()
	<-reading
	stolen := browser(t)
	address, _ := url.Parse(s.URL)
	stolen.Jar.SetCookies(address, owner.Jar.Cookies(address))
	do(t, owner, http.MethodPost, s.URL+"/everywhere")
	_ = form.Close()
	if got := <-status; got == http.StatusOK {
		t.Errorf("the request of an ended session succeeded")
	}
	if got := get(t, direct(stolen), s.URL+"/private"); strings.Contains(got.body, userID) {
		t.Errorf("the session is back: %s", got.body)
	}
}

func TestIdleSessionEndsAndAUsedOneLives(t *testing.T) {
	s := start(t)
	b := browser(t)
	get(t, b, s.URL+"/private")
	for range 4 {
		s.pass(3 * 24 * time.Hour)
		get(t, b, s.URL+"/").wants(t, userID)
	}
	s.pass(8 * 24 * time.Hour)
	if page := get(t, b, s.URL+"/"); strings.Contains(page.body, userID) {
		t.Error("a session that was not used for eight days is still open")
	}
}

func TestExpiredSessionIsGone(t *testing.T) {
	s := start(t)
	b := browser(t)
	get(t, b, s.URL+"/private")
	if _, err := s.pool.Exec(t.Context(), `UPDATE sessions SET expiry = now() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	if page := get(t, b, s.URL+"/"); page.body != "hello " {
		t.Errorf("an expired session answers %q", page.body)
	}
	get(t, browser(t), s.URL+"/private")
	var left int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM sessions WHERE expiry <= now()`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d expired sessions are kept after a sign-in (%v)", left, err)
	}
}

func TestAWhisperIsToldOnceAndNotReadableInTheDatabase(t *testing.T) {
	s := start(t)
	b := browser(t)
	get(t, b, s.URL+"/private")
	do(t, b, http.MethodPost, s.URL+"/whisper").wants(t, "kept")
	var found int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM sessions WHERE position('the-whispered-secret'::bytea IN data) > 0`).Scan(&found); err != nil || found != 0 {
		t.Errorf("the secret is readable in %d sessions (%v)", found, err)
	}
	get(t, b, s.URL+"/tell").wants(t, `told "the-whispered-secret"`)
	get(t, b, s.URL+"/tell").wants(t, `told ""`)
}

func TestSignInsAreThrottledPerAddress(t *testing.T) {
	s := start(t, func(c *auth.Config) { c.Starts = throttle.New(time.Hour, 2) })
	for range 2 {
		get(t, browser(t), s.URL+"/private").wants(t, "private")
	}
	get(t, browser(t), s.URL+"/private").isFault(t, fault.RateLimited)
}

func TestSignUpIsAskedForWhereTheProviderKnowsHow(t *testing.T) {
	s := start(t)
	page := get(t, direct(browser(t)), s.URL+auth.SignInPath+"?new")
	if !strings.Contains(page.Header.Get("Location"), "prompt=create") {
		t.Errorf("sent to %s", page.Header.Get("Location"))
	}
}

func TestDatabaseAwayIsSaidSo(t *testing.T) {
	s := start(t)
	b := browser(t)
	get(t, b, s.URL+"/private")
	s.pool.Close()
	get(t, b, s.URL+"/").isFault(t, fault.Unavailable)
}

func TestGarbledSessionIsSignedOut(t *testing.T) {
	s := start(t)
	b := browser(t)
	get(t, b, s.URL+"/private")
	if _, err := s.pool.Exec(t.Context(), `UPDATE sessions SET data = '\x00ff'`); err != nil {
		t.Fatal(err)
	}
	get(t, b, s.URL+"/private").wants(t, "private of "+userID)
}

func TestConfigReportsEveryProblem(t *testing.T) {
	_, err := auth.New(auth.Config{Issuer: "nowhere", BaseURL: "ftp://x"})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, text := range []string{"issuer", "base URL", "client id", "database pool"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not name the %s", err, text)
		}
	}
}
