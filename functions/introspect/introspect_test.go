package introspect_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/functions/introspect"
	"irc.now/longrunning/local/introspectiontest"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/function"
	"irc.now/shared/store"
)

const (
	clientName   = "soju shared"
	clientSecret = "a/long+secret&with:odd=signs%"
)

// sets are of the accounts database, as far as the function's tests write there.
var sets = []store.Set{account.Migrations, outbox.Migrations}

// world is a running function with its database and identity provider.
type world struct {
	*account.Store
	url  string
	idp  *introspectiontest.Provider
	env  map[string]string
	logs *logs
}

func environment(database, issuer string) map[string]string {
	return map[string]string{
		"BASE_URL": "http://introspect.example", "ACCOUNTS_DATABASE_URL": database, "OIDC_ISSUER": issuer,
		"OIDC_CLIENT_ID": introspectiontest.ClientID, "OIDC_CLIENT_SECRET": introspectiontest.ClientSecret.Reveal(),
		"INTROSPECT_CLIENTS": "other:0123456789abcdef," + clientName + ":" + clientSecret,
		"TOKEN_SEAL_KEY":     base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, account.SealKeyBytes)),
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{idp: introspectiontest.Start(t), logs: &logs{}}
	database := storetest.Migrated(t, sets...)
	w.env = environment(storetest.Role(t, database, introspect.Grants, sets...), w.idp.Issuer)
	w.url = serve(t, w.env, w.logs)
	pool, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w.Store = account.NewStore(pool)
	return w
}

// serve runs the function as every host does.
func serve(t testing.TB, env map[string]string, out io.Writer) string {
	t.Helper()
	f := introspect.New()
	f.StopClock()
	instance := function.New("introspect", f, slog.New(slog.NewTextHandler(out, nil)))
	server := httptest.NewServer(instance)
	env["BASE_URL"] = server.URL
	if err := instance.Start(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Close()
		if err := instance.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

// password makes a user called handle with a connection password.
func (w *world) password(t testing.TB, handle account.Handle) (account.User, account.ConnectionPassword, string) {
	t.Helper()
	user := w.user(t, handle)
	secret, password, err := w.CreatePassword(t.Context(), user.ID, "irssi")
	if err != nil {
		t.Fatal(err)
	}
	return user, password, secret.Reveal()
}

func (w *world) user(t testing.TB, handle account.Handle) account.User {
	t.Helper()
	user, _, err := w.SignIn(t.Context(), "subject of "+string(handle), "")
	if err != nil {
		t.Fatal(err)
	}
	if user, err = w.ChooseHandle(t.Context(), user.ID, handle); err != nil {
		t.Fatal(err)
	}
	return user
}

// request is what soju sends, down to its escaping of the credentials.
func (w *world) request(t testing.TB, token string) *http.Request {
	t.Helper()
	body := url.Values{"token": {token}}.Encode()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/introspect", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	r.SetBasicAuth(url.QueryEscape(clientName), url.QueryEscape(clientSecret))
	return r
}

// answered is a response whose body has been read.
type answered struct {
	StatusCode int
	Status     string
	Header     http.Header
}

func send(t testing.TB, r *http.Request) (answered, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{response.StatusCode, response.Status, response.Header}, strings.TrimSpace(string(body))
}

func get(t testing.TB, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const inactive = `{"active":false}`

func (w *world) wantActive(t *testing.T, token string, want account.User) {
	t.Helper()
	response, body := send(t, w.request(t, token))
	var got struct {
		Active        bool
		Username, Sub string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s (%v)", response.Status, body, err)
	}
	if !got.Active || got.Username != string(want.Handle) || got.Sub != want.ID {
		t.Errorf("answer = %s, want that of %+v", body, want)
	}
	if response.Header.Get("Cache-Control") != "no-store" {
		t.Error("the answer may be cached")
	}
}

func (w *world) wantInactive(t *testing.T, token string) {
	t.Helper()
	if response, body := send(t, w.request(t, token)); response.StatusCode != http.StatusOK || body != inactive {
		t.Errorf("%.40q: %s %s", token, response.Status, body)
	}
}

func TestMetadataIsWhatSojuLooksFor(t *testing.T) {
	w := newWorld(t)
	_, body := send(t, get(t, w.url+"/.well-known/oauth-authorization-server"))
	var got struct {
		Issuer   string   `json:"issuer"`
		Endpoint string   `json:"introspection_endpoint"`
		Methods  []string `json:"introspection_endpoint_auth_methods_supported"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Issuer != w.url || got.Endpoint != got.Issuer+"/introspect" ||
		len(got.Methods) != 1 || got.Methods[0] != "client_secret_basic" {
		t.Errorf("metadata = %+v", got)
	}
}

func TestAConnectionPasswordIsActiveUntilRevoked(t *testing.T) {
	w := newWorld(t)
	ada, password, secret := w.password(t, "ada")
	w.wantActive(t, secret, ada)
	list, err := w.Passwords(t.Context(), ada.ID)
	if err != nil || list[0].LastUsedAt == nil {
		t.Errorf("its use is not recorded: %+v, %v", list, err)
	}
	if err := w.RevokePassword(t.Context(), ada.ID, password.ID); err != nil {
		t.Fatal(err)
	}
	w.wantInactive(t, secret)
	if w.idp.Asked() != 0 {
		t.Error("the identity provider was shown a connection password")
	}
}

func TestUnknownAndWrongPasswordsGetTheSameAnswer(t *testing.T) {
	w := newWorld(t)
	_, _, secret := w.password(t, "ada")
	_, _, other := w.password(t, "bob")
	mixed := strings.Join(append(strings.Split(secret, "_")[:2], strings.Split(other, "_")[2]), "_")
	for _, token := range []string{
		mixed, "irc_aaaaaaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "irc_", "irc_x_y", secret + "x", secret[:len(secret)-1],
		strings.ToUpper(secret), "hunter2 with spaces", "\x00\r\n", strings.Repeat("é", 100),
	} {
		w.wantInactive(t, token)
	}
}

func TestAUserWithoutHandleIsInactive(t *testing.T) {
	w := newWorld(t)
	user, _, err := w.SignIn(t.Context(), "new", "")
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := w.CreatePassword(t.Context(), user.ID, "early")
	if err != nil {
		t.Fatal(err)
	}
	w.idp.Accept("new-token-0123456789abcdefghij", "new")
	w.wantInactive(t, secret.Reveal())
	w.wantInactive(t, "new-token-0123456789abcdefghij")
}

func TestAnAccessTokenIsActiveAsLongAsItsProviderSaysSo(t *testing.T) {
	w := newWorld(t)
	ada := w.user(t, "ada")
	w.idp.Accept("opaque-token-0123456789abcdefghij", ada.Subject)
	w.idp.Accept("stranger-0123456789abcdefghij", "subject without account")
	w.wantActive(t, "opaque-token-0123456789abcdefghij", ada)
	w.wantActive(t, "opaque-token-0123456789abcdefghij", ada)
	w.wantInactive(t, "stranger-0123456789abcdefghij")
	w.wantInactive(t, "unknown-0123456789abcdefghij")
	w.idp.Forget("opaque-token-0123456789abcdefghij")
	w.wantInactive(t, "opaque-token-0123456789abcdefghij")
}

func TestWhatIsAwayIsNeverAnInactiveToken(t *testing.T) {
	w := newWorld(t)
	ada, _, secret := w.password(t, "ada")
	w.idp.Accept("token-0123456789abcdefghij", ada.Subject)
	w.idp.Fail(http.StatusBadGateway)
	want503(t, w.request(t, "token-0123456789abcdefghij"))
	w.wantActive(t, secret, ada) // needs the database only
	w.idp.Fail(0)
	w.wantActive(t, "token-0123456789abcdefghij", ada)

	// The database goes away under a running function.
	pool, err := store.Open(t.Context(), storetest.Server(t).URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	name := storetest.Database(w.env["ACCOUNTS_DATABASE_URL"])
	for _, sql := range []string{`ALTER DATABASE ` + name + ` ALLOW_CONNECTIONS false`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + name + `'`} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	want503(t, w.request(t, secret))
	want503(t, w.request(t, "token-0123456789abcdefghij"))
}

func want503(t *testing.T, r *http.Request) {
	t.Helper()
	response, body := send(t, r)
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("%s %s, Retry-After %q", response.Status, body, response.Header.Get("Retry-After"))
	}
}

func TestOnlyKnownClientsMayAsk(t *testing.T) {
	w := newWorld(t)
	_, _, secret := w.password(t, "ada")
	for name, spoil := range map[string]func(*http.Request){
		"no credentials": func(r *http.Request) { r.Header.Del("Authorization") },
		"wrong secret":   func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(clientName), "guess") },
		"empty secret":   func(r *http.Request) { r.SetBasicAuth("nobody", "") },
		"another's":      func(r *http.Request) { r.SetBasicAuth("other", url.QueryEscape(clientSecret)) },
		"bad escapes":    func(r *http.Request) { r.SetBasicAuth("%zz", "%zz") },
		"bearer":         func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) },
	} {
		r := w.request(t, secret)
		spoil(r)
		response, body := send(t, r)
		if response.StatusCode != http.StatusUnauthorized || response.Header.Get("WWW-Authenticate") == "" || strings.Contains(body, "active") {
			t.Errorf("%s: %s %s", name, response.Status, body)
		}
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	w := newWorld(t)
	post := func(kind, body string) int {
		r := w.request(t, "")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", kind)
		response, _ := send(t, r)
		return response.StatusCode
	}
	const form = "application/x-www-form-urlencoded"
	for body, kind := range map[string]string{
		"": form, "token=": form, "token=a&token=b": form, "token=%zz": form, "hint=x": form,
		"token=" + strings.Repeat("a", 9000): form, "token=" + strings.Repeat("a", 20000): form,
		`{"token":"x"}`: "application/json", "token=x": "text/plain", "token=y": "",
	} {
		if status := post(kind, body); status != http.StatusBadRequest {
			t.Errorf("%.30q as %q: %d", body, kind, status)
		}
	}
	// A token in the address would end in logs.
	r := w.request(t, "")
	r.URL.RawQuery = "token=x"
	if response, _ := send(t, r); response.StatusCode != http.StatusBadRequest {
		t.Errorf("a token in the query: %s", response.Status)
	}
	response, _ := send(t, get(t, w.url+"/introspect"))
	if response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %s", response.Status)
	}
}

func TestTriesAreLimitedPerPasswordAndPerAddress(t *testing.T) {
	w := newWorld(t)
	ada, _, secret := w.password(t, "ada")
	bob, _, bobs := w.password(t, "bob")
	w.idp.Accept("token-0123456789abcdefghij", ada.Subject)
	limited := func(token, address string) bool {
		for range 100 {
			r := w.request(t, token)
			r.Header.Set("X-Forwarded-For", address)
			if response, _ := send(t, r); response.StatusCode == http.StatusTooManyRequests {
				return response.Header.Get("Retry-After") != ""
			}
		}
		return false
	}
	if !limited(secret, "192.0.2.1") || !limited("token-0123456789abcdefghij", "192.0.2.2") || !limited("guess-0123456789abcdefghij", "2001:db8::1") {
		t.Error("tries are not limited")
	}
	w.wantActive(t, bobs, bob)
	w.wantActive(t, "token-0123456789abcdefghij", ada) // from another address
}

func TestNothingSecretIsLogged(t *testing.T) {
	w := newWorld(t)
	ada, _, secret := w.password(t, "ada")
	w.idp.Accept("the-access-token-0123456789abcdefghij", ada.Subject)
	w.wantActive(t, secret, ada)
	w.wantActive(t, "the-access-token-0123456789abcdefghij", ada)
	w.idp.Fail(http.StatusBadGateway)
	want503(t, w.request(t, "the-access-token-0123456789abcdefghij"))
	text := w.logs.String()
	if text == "" {
		t.Fatal("nothing was logged at all")
	}
	for _, secret := range []string{secret, "the-access-token-0123456789abcdefghij", clientSecret, w.env["OIDC_CLIENT_SECRET"], w.env["TOKEN_SEAL_KEY"],
		w.env["ACCOUNTS_DATABASE_URL"]} {
		if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
			t.Errorf("the log holds a secret: %s", text)
		}
	}
}

func TestEveryProblemOfTheEnvironmentIsNamed(t *testing.T) {
	err := introspect.New().Start(t.Context(), nil)
	for name := range environment("", "") {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
	for name, value := range map[string]string{
		"BASE_URL": "http://x.example/path", "INTROSPECT_CLIENTS": "soju:short", "TOKEN_SEAL_KEY": "c2hvcnQ=",
	} {
		env := maps.Clone(environment("postgres://h/d", "http://idp.example"))
		env[name] = value
		err := introspect.New().Start(t.Context(), env)
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), value) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

func TestReadinessFollowsTheDatabase(t *testing.T) {
	f := introspect.New()
	if ready, _ := f.Ready(t.Context()); ready {
		t.Error("ready before it was started")
	}
	if err := f.Start(t.Context(), environment(storetest.Migrated(t, sets...), "http://idp.example")); err != nil {
		t.Fatal(err)
	}
	if ready, err := f.Ready(t.Context()); !ready {
		t.Errorf("not ready: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if ready, err := f.Ready(ctx); ready || err == nil {
		t.Error("ready without an answer from the database")
	}
	if err := f.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whatever makes a start fail, the database hears no more of it: here the metrics are somebody else's already.
func TestAStartThatFailsLeavesNoConnection(t *testing.T) {
	database := storetest.Migrated(t, sets...)
	env := environment(database, "http://idp.example")
	taken := prometheus.NewRegistry()
	taken.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "introspections_total", Help: "Another's."}))
	_ = storetest.FailedStart(t, database, func() error {
		f := introspect.New()
		f.Instrument(function.Instruments{Log: slog.New(slog.DiscardHandler), Metrics: taken})
		return f.Start(t.Context(), env)
	})
}

func TestAStartOnAnOldSchemaLeavesNoConnection(t *testing.T) {
	database := storetest.URL(t)
	env := environment(database, "http://idp.example")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := storetest.FailedStart(t, database, func() error { return introspect.New().Start(ctx, env) })
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("err = %v", err)
	}
}
