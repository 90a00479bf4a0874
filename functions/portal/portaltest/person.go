package portaltest

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// Person is somebody with a browser.
type Person struct {
	t      testing.TB
	rig    *Rig
	Client *http.Client // with a jar
}

// Visitor is somebody who is not signed in.
func (g *Rig) Visitor(t testing.TB) *Person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Person{t: t, rig: g, Client: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// SignIn signs somebody in who has not picked a handle.
func (g *Rig) SignIn(t testing.TB, subject, email, username string) *Person {
	t.Helper()
	g.Identity.Person(subject, email, username)
	p := g.Visitor(t)
	p.Get("/auth/sign-in")
	return p
}

// User signs somebody in and gives them a handle.
func (g *Rig) User(t testing.TB, handle string) *Person {
	t.Helper()
	p := g.SignIn(t, "subject of "+handle, handle+"@example.org", handle)
	if page := p.Post("/handle", "handle", handle); page.Path() != "/" {
		t.Fatalf("%s was not taken: %s", handle, page.Text())
	}
	return p
}

// Page is an answer that was read.
type Page struct {
	*http.Response
	*goquery.Document

	t testing.TB
}

// Get asks for a page.
func (p *Person) Get(path string) *Page {
	p.t.Helper()
	return p.Do(http.MethodGet, path, "")
}

// Post sends a form of name-value pairs.
func (p *Person) Post(path string, pairs ...string) *Page {
	p.t.Helper()
	form := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		form.Add(pair[0], pair[1])
	}
	return p.Do(http.MethodPost, path, form.Encode())
}

// Do sends a request with header's name-value pairs, and follows where it leads.
func (p *Person) Do(method, path, body string, header ...string) *Page {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.rig.URL+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for pair := range slices.Chunk(header, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := p.Client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	document, err := goquery.NewDocumentFromReader(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return &Page{response, document, p.t}
}

// Path is where the page was found.
func (p *Page) Path() string { return p.Request.URL.Path }

// Text is the page's text with its white space collapsed.
func (p *Page) Text() string { return strings.Join(strings.Fields(p.Find("main").Text()), " ") }

// Status wants a status.
func (p *Page) Status(want int) *Page {
	p.t.Helper()
	if p.StatusCode != want {
		p.t.Errorf("%s %s: status %d, want %d: %s", p.Request.Method, p.Request.URL, p.StatusCode, want, p.Text())
	}
	return p
}

// Says wants texts in the main part.
func (p *Page) Says(texts ...string) *Page {
	p.t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.Text(), text) {
			p.t.Errorf("%s %s does not say %q: %s", p.Request.Method, p.Request.URL, text, p.Text())
		}
	}
	return p
}

// Wants wants parts in a text.
func Wants(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("it does not say %q but %q", part, text)
		}
	}
}

// SaysNot wants none of texts anywhere in the page's source.
func (p *Page) SaysNot(texts ...string) *Page {
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

// FieldError is what the form says about a field.
func (p *Page) FieldError(name string) string { return p.Find("#" + name + "-error").Text() }

// Value is what a field holds.
func (p *Page) Value(name string) string {
	v, _ := p.Find(`input[name="` + name + `"]`).Attr("value")
	return v
}

// Has wants a link to path.
func (p *Page) Has(path string) *Page {
	p.t.Helper()
	if p.Find(`main a[href="`+path+`"]`).Length() == 0 {
		p.t.Errorf("%s has no link to %s", p.Request.URL, path)
	}
	return p
}

// Texts are the texts of what selector finds, one after the other.
func (p *Page) Texts(selector string) string {
	var all []string
	p.Find(selector).Each(func(_ int, s *goquery.Selection) { all = append(all, strings.TrimSpace(s.Text())) })
	return strings.Join(all, " ")
}

// Cookie is the value of one of the person's cookies.
func (p *Person) Cookie(name string) string {
	p.t.Helper()
	address, err := url.Parse(p.rig.URL)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, cookie := range p.Client.Jar.Cookies(address) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	p.t.Fatalf("there is no cookie %s", name)
	return ""
}
