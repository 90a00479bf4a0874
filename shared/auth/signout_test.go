package auth_test

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/authtest"
	"irc.now/shared/auth"
)

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
