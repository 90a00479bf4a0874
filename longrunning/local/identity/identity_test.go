package identity_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/oauth2"

	"irc.now/longrunning/local/identity"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/config"
)

const (
	portalURL      = "http://portal.test"
	portalCallback = portalURL + "/auth/callback"
	password       = "correct horse battery"
)

// world is one provider on a real database, with a clock that only tests move.
type world struct {
	began    time.Time
	t        *testing.T
	server   *httptest.Server
	provider *identity.Provider
	config   identity.Config
	ahead    atomic.Int64 // nanoseconds
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, began: time.Now()}
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.provider.ServeHTTP(rw, r) }))
	t.Cleanup(w.server.Close)
	w.config = identity.Config{
		Issuer: w.server.URL, DatabaseURL: config.Secret(storetest.URL(t)), Key: [32]byte{1}, HomeURL: portalURL,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Now: func() time.Time { return w.began.Add(time.Duration(w.ahead.Load())) },
		Clients: []identity.Client{
			{ID: "portal", Name: "irc.now", Secret: "portal secret", Redirects: []string{portalCallback}, PostLogout: []string{portalURL + "/"}},
			{ID: "introspect", Name: "introspect", Secret: "introspect secret", Introspects: true},
			{ID: "irc", Name: "an IRC client", Native: true, Redirects: []string{"http://127.0.0.1/callback"}},
		},
	}
	w.start()
	return w
}

func (w *world) start() {
	w.t.Helper()
	provider, err := identity.New(w.t.Context(), w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.provider = provider
	w.t.Cleanup(provider.Close)
}

func (w *world) pass(d time.Duration) { w.ahead.Add(int64(d)) }

// browser keeps cookies and stops at the first address that is not the provider's.
type browser struct {
	*world
	client *http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{world: w, client: &http.Client{Jar: jar, CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		if "http://"+next.URL.Host != w.server.URL {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// page is what a browser ended at.
type page struct {
	status   int
	url      *url.URL // its own, or the foreign one it was sent to
	document *goquery.Document
	text     string
	header   http.Header
}

func (b *browser) do(request *http.Request) page {
	b.t.Helper()
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	document, err := goquery.NewDocumentFromReader(strings.NewReader(string(text)))
	if err != nil {
		b.t.Fatal(err)
	}
	where := response.Request.URL
	if location, err := response.Location(); err == nil {
		where = location
	}
	return page{response.StatusCode, where, document, string(text), response.Header}
}

func (b *browser) get(address string) page {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(request)
}

func (b *browser) post(path string, form url.Values, header ...string) page {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return b.do(request)
}

// submit fills in the form on a page and posts it.
func (b *browser) submit(p page, pairs ...string) page {
	b.t.Helper()
	posted := p.document.Find("main form")
	form := url.Values{}
	posted.Find("input[type=hidden]").Each(func(_ int, field *goquery.Selection) {
		form.Set(field.AttrOr("name", ""), field.AttrOr("value", ""))
	})
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.post(posted.AttrOr("action", "/none"), form)
}

// flow is one authorization request as an application begins it.
type flow struct {
	*world
	client, secret, redirect, verifier string
	scope                              string
}

func (w *world) portalFlow() flow {
	return flow{w, "portal", "portal secret", portalCallback, oauth2.GenerateVerifier(), "openid email offline_access"}
}

func (w *world) ircFlow() flow {
	return flow{w, "irc", "", "http://127.0.0.1:51234/callback", oauth2.GenerateVerifier(), "openid offline_access"}
}

func (f flow) url(pairs ...string) string {
	query := url.Values{
		"client_id": {f.client}, "redirect_uri": {f.redirect}, "response_type": {"code"}, "scope": {f.scope}, "state": {"st"},
		"nonce": {"no"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(f.verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return f.server.URL + "/authorize?" + query.Encode()
}

// tokens is a token endpoint's answer.
type tokens struct {
	status  int
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Error   string `json:"error"`
}

func (w *world) call(path, user, secret string, form url.Values, into any) int {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret != "" {
		request.SetBasicAuth(url.QueryEscape(user), url.QueryEscape(secret))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(text) > 0 && strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(text, into); err != nil {
			w.t.Fatalf("%s answered %d %s", path, response.StatusCode, text)
		}
	}
	return response.StatusCode
}

func (f flow) token(form url.Values) tokens {
	f.t.Helper()
	if f.secret == "" {
		form.Set("client_id", f.client)
	}
	var answer tokens
	answer.status = f.call("/oauth/token", f.client, f.secret, form, &answer)
	return answer
}

func (f flow) exchange(code string) tokens {
	f.t.Helper()
	return f.token(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {f.redirect}, "code_verifier": {f.verifier},
	})
}

func (f flow) refresh(token string) tokens {
	f.t.Helper()
	return f.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (w *world) active(token string) bool {
	w.t.Helper()
	var answer struct {
		Active bool   `json:"active"`
		Sub    string `json:"sub"`
	}
	status := w.call("/oauth/introspect", "introspect", "introspect secret", url.Values{"token": {token}}, &answer)
	if status != http.StatusOK || answer.Active != (answer.Sub != "") {
		w.t.Fatalf("introspection answered %d %+v", status, answer)
	}
	return answer.Active
}

// signUp makes an account for email on the way from an application, and returns the code.
func (b *browser) signUp(f flow, email string) string {
	b.t.Helper()
	landed := b.submit(b.get(f.url("prompt", "create")), "email", email, "password", password)
	return b.codeAt(landed, f)
}

func (b *browser) codeAt(landed page, f flow) string {
	b.t.Helper()
	code := landed.url.Query().Get("code")
	if !strings.HasPrefix(landed.url.String(), f.redirect+"?") || code == "" || landed.url.Query().Get("state") != "st" {
		b.t.Fatalf("not sent back with a code: %d %s %s", landed.status, landed.url, landed.document.Find("main").Text())
	}
	return code
}
