// Package webclient gives tests a browser without JavaScript: it keeps cookies, follows redirects, and fills in and
// submits the forms that are on the page, as a person would.
//
// Names below localhost lead to loopback, as in browsers (RFC 6761 section 6.3).
package webclient

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"irc.now/shared/outbound"
)

// Browser is one person's browser. It belongs to one test goroutine.
type Browser struct {
	t      testing.TB
	client *http.Client
}

// New opens a browser without cookies that reaches this machine only.
func New(t testing.TB) *Browser {
	t.Helper()
	return With(t, &http.Transport{DialContext: dialFrom(home())})
}

// With opens a browser without cookies that reaches the world through transport.
func With(t testing.TB, transport *http.Transport) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &Browser{t: t, client: &http.Client{Transport: transport, Jar: jar, Timeout: patience}}
}

// patience is how long a page may take. On a cluster with nothing else to do, several functions may have to start on the way
// to it; on a busy one, each takes its time.
const patience = 90 * time.Second

var browsers atomic.Uint32

// home is the address of one more computer. The platform limits what one address may do, and everybody here would be
// the same one; Linux answers to all of 127.0.0.0/8.
func home() net.IP {
	if runtime.GOOS != "linux" {
		return nil
	}
	n := browsers.Add(1)
	return net.IPv4(127, 1, byte(n>>8), byte(n))
}

// dialFrom connects to this machine, whatever it is called, from an address.
func dialFrom(source net.IP) func(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	if source != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: source}
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if ip := net.ParseIP(host); !outbound.IsLocalhost(host) && (ip == nil || !ip.IsLoopback()) {
			return nil, fmt.Errorf("a page leads away from this machine, to %s", host)
		}
		return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
}

// Page is what the browser shows: the last answer after all redirects.
type Page struct {
	*goquery.Document

	Address *url.URL
	Status  int
	Header  http.Header

	browser *Browser
}

// Visit opens an address.
func (b *Browser) Visit(address string) *Page {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.Do(request)
}

// Do sends a request of the test's own making with the browser's cookies.
func (b *Browser) Do(request *http.Request) *Page {
	b.t.Helper()
	page, err := b.Try(request)
	if err != nil {
		b.t.Fatalf("%s %s: %v", request.Method, request.URL, err)
	}
	return page
}

// Try is Do for when there may be nobody to answer.
func (b *Browser) Try(request *http.Request) (*Page, error) {
	answer, err := b.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	document, err := goquery.NewDocumentFromReader(answer.Body)
	if err != nil {
		return nil, err
	}
	return &Page{Document: document, Address: answer.Request.URL, Status: answer.StatusCode, Header: answer.Header, browser: b}, nil
}

// Post sends a form to address as a page of the same site does.
func (b *Browser) Post(address string, fields url.Values) *Page {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, strings.NewReader(fields.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", request.URL.Scheme+"://"+request.URL.Host)
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.Do(request)
}

// Fields are what a person types, by the name of the field.
type Fields map[string]string

// Submit fills in the form that holds selector and sends it, with everything the page had put into it. The test fails
// where the page has no such form, or the form no such field.
func (p *Page) Submit(selector string, typed Fields) *Page {
	t := p.browser.t
	t.Helper()
	form := p.Find(selector).First().Closest("form")
	if form.Length() == 0 {
		t.Fatalf("%s (%d) has no form with %q:\n%s", p.Address, p.Status, selector, p.Words("main"))
	}
	values := filledIn(form)
	for name, value := range typed {
		if form.Find(`[name="`+name+`"]`).Length() == 0 {
			t.Fatalf("the form at %s has no field %q", p.Address, name)
		}
		values.Set(name, value)
	}
	if name, is := p.Find(selector).First().Attr("name"); is && goquery.NodeName(p.Find(selector).First()) == "button" {
		values.Set(name, p.Find(selector).First().AttrOr("value", ""))
	}
	target := p.resolve(form.AttrOr("action", ""))
	if strings.EqualFold(form.AttrOr("method", "get"), "get") {
		target.RawQuery = values.Encode()
		return p.browser.Visit(target.String())
	}
	return p.browser.Post(target.String(), values)
}

// filledIn gives what the form would send untouched (HTML, section 4.10.22.4).
func filledIn(form *goquery.Selection) url.Values {
	values := url.Values{}
	form.Find("input[name], textarea[name], select[name]").Each(func(_ int, field *goquery.Selection) {
		name := field.AttrOr("name", "")
		switch goquery.NodeName(field) {
		case "select":
			chosen := field.Find("option[selected]")
			if chosen.Length() == 0 {
				chosen = field.Find("option").First()
			}
			values.Add(name, chosen.AttrOr("value", chosen.Text()))
		case "textarea":
			values.Add(name, field.Text())
		default:
			kind := field.AttrOr("type", "text")
			_, checked := field.Attr("checked")
			if kind == "submit" || (kind == "checkbox" || kind == "radio") && !checked {
				return
			}
			values.Add(name, field.AttrOr("value", ""))
		}
	})
	return values
}

// Follow takes the first link whose words contain text.
func (p *Page) Follow(text string) *Page {
	p.browser.t.Helper()
	link := p.Find("a[href]").FilterFunction(func(_ int, a *goquery.Selection) bool {
		return strings.Contains(strings.Join(strings.Fields(a.Text()), " "), text)
	}).First()
	if link.Length() == 0 {
		p.browser.t.Fatalf("%s (%d) has no link %q:\n%s", p.Address, p.Status, text, p.Words("main"))
	}
	return p.browser.Visit(p.resolve(link.AttrOr("href", "")).String())
}

func (p *Page) resolve(reference string) *url.URL {
	p.browser.t.Helper()
	target, err := p.Address.Parse(reference)
	if err != nil {
		p.browser.t.Fatalf("%s: %v", p.Address, err)
	}
	return target
}

// Words gives the text of what selector finds, with its white space collapsed.
func (p *Page) Words(selector string) string {
	return strings.Join(strings.Fields(p.Find(selector).Text()), " ")
}

// Says fails the test unless the page's main part contains text and has the status.
func (p *Page) Says(status int, text string) *Page {
	p.browser.t.Helper()
	if words := p.Words("main"); p.Status != status || !strings.Contains(words, text) {
		p.browser.t.Fatalf("%s answered %d, want %d and %q in:\n%s", p.Address, p.Status, status, text, words)
	}
	return p
}

// Cookies are those the browser would send to address.
func (b *Browser) Cookies(address string) []*http.Cookie {
	b.t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.client.Jar.Cookies(target)
}
