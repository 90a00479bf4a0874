package portal_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"irc.now/functions/portal"
	"irc.now/longrunning/local/authtest"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/event/outbox"
	"irc.now/shared/function"
	"irc.now/shared/store"
)

// sets are of the accounts database, as far as the portal uses it.
var sets = []store.Set{account.Migrations, auth.Migrations, outbox.Migrations}

// rig is a whole portal on a real database, a provider that speaks OpenID Connect and a fake bouncer.
type rig struct {
	*httptest.Server
	function *portal.Function
	op       *authtest.Provider
	bouncer  *fakeBouncer
	database string // as its owner has it
	role     string // the same, as the portal has it
}

func start(t testing.TB, change ...map[string]string) *rig {
	t.Helper()
	g := &rig{function: portal.New(), op: authtest.Start(t), bouncer: startBouncer(t), database: storetest.Migrated(t, sets...)}
	g.role = storetest.Role(t, g.database, portal.Grants, sets...)
	instance := function.New("portal", g.function, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	g.Server = httptest.NewServer(instance)
	t.Cleanup(g.Close)
	env := g.env()
	for _, more := range change {
		maps.Copy(env, more)
	}
	if err := instance.Start(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	g.function.WaitFor(time.Hour) // who does not answer on a busy machine is not away
	t.Cleanup(func() {
		if err := instance.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return g
}

func (g *rig) env() map[string]string {
	return map[string]string{
		"BASE_URL": g.URL, "LANDING_URL": "http://irc.localhost:8080", "ACCOUNTS_DATABASE_URL": g.role,
		"OIDC_ISSUER": g.op.Issuer, "OIDC_CLIENT_ID": authtest.ClientID, "OIDC_CLIENT_SECRET": authtest.ClientSecret,
		"BOUNCER_ADMIN_URL": g.bouncer.URL, "BOUNCER_ADMIN_TOKEN": adminToken,
		"IRC_HOST": "irc.localhost", "IRC_PORT": "6667", "IRC_TLS": "false",
		"EXTRA_NETWORKS": "irc.now local=irc+insecure://127.0.0.1:6668",
	}
}

// person is somebody with a browser.
type person struct {
	t      testing.TB
	g      *rig
	client *http.Client
}

func (g *rig) visitor(t testing.TB) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, g: g, client: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// signIn signs somebody in who has not picked a handle.
func (g *rig) signIn(t testing.TB, subject, email, username string) *person {
	t.Helper()
	g.op.Person(subject, email, username)
	p := g.visitor(t)
	p.get("/auth/sign-in")
	return p
}

// user signs somebody in and gives them a handle.
func (g *rig) user(t testing.TB, handle string) *person {
	t.Helper()
	p := g.signIn(t, "subject of "+handle, handle+"@example.org", handle)
	if page := p.post("/handle", "handle", handle); page.path() != "/" {
		t.Fatalf("%s was not taken: %s", handle, page.text())
	}
	return p
}

// page is an answer that was read.
type page struct {
	*http.Response
	*goquery.Document
	t testing.TB
}

func (p *person) get(path string) *page {
	p.t.Helper()
	return p.do(http.MethodGet, path, "")
}

// post sends a form of name-value pairs.
func (p *person) post(path string, pairs ...string) *page {
	p.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return p.do(http.MethodPost, path, form.Encode())
}

func (p *person) do(method, path, body string, header ...string) *page {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.g.URL+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := p.client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	document, err := goquery.NewDocumentFromReader(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return &page{response, document, p.t}
}

func (p *page) path() string { return p.Request.URL.Path }

// text is the page's text with its white space collapsed.
func (p *page) text() string { return strings.Join(strings.Fields(p.Find("main").Text()), " ") }

func (p *page) status(want int) *page {
	p.t.Helper()
	if p.StatusCode != want {
		p.t.Errorf("%s %s: status %d, want %d: %s", p.Request.Method, p.Request.URL, p.StatusCode, want, p.text())
	}
	return p
}

func (p *page) says(texts ...string) *page {
	p.t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.text(), text) {
			p.t.Errorf("%s %s does not say %q: %s", p.Request.Method, p.Request.URL, text, p.text())
		}
	}
	return p
}

func (p *page) saysNot(texts ...string) *page {
	p.t.Helper()
	html, err := p.Html()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, text := range texts {
		if strings.Contains(html, text) {
			p.t.Errorf("%s %s holds %q", p.Request.Method, p.Request.URL, text)
		}
	}
	return p
}

// fieldError is what the form says about a field.
func (p *page) fieldError(name string) string { return p.Find("#" + name + "-error").Text() }

// value is what a field holds.
func (p *page) value(name string) string {
	v, _ := p.Find(`input[name="` + name + `"]`).Attr("value")
	return v
}

// has wants a link to path.
func (p *page) has(path string) *page {
	p.t.Helper()
	if p.Find(`main a[href="`+path+`"]`).Length() == 0 {
		p.t.Errorf("%s has no link to %s", p.Request.URL, path)
	}
	return p
}
