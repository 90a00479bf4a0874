package auth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"irc.now/shared/auth"
	"irc.now/shared/fault"
)

func TestCookiesAreHostOnlyOverTLSAndNeverReadableByScripts(t *testing.T) {
	for base, prefix := range map[string]string{"http://site.example": "", "https://site.example": "__Host-"} {
		s := start(t, func(c *auth.Config) { c.BaseURL = base })
		b := browser(t)
		begun := get(t, direct(b), s.URL+auth.SignInPath)
		back, err := url.Parse(get(t, direct(b), begun.Header.Get("Location")).Header.Get("Location"))
		if err != nil || len(begun.Cookies()) != 1 {
			t.Fatalf("%s: %d cookies (%v)", base, len(begun.Cookies()), err)
		}
		kept := begun.Cookies()[0]
		done := do(t, direct(b), http.MethodGet, s.URL+back.RequestURI(), "Cookie", kept.Name+"="+kept.Value)
		cookies := map[string]*http.Cookie{}
		for _, c := range append(begun.Cookies(), done.Cookies()...) {
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != strings.HasPrefix(base, "https") {
				t.Errorf("%s: cookie %+v", base, c)
			}
			cookies[c.Name] = c
		}
		ended := cookies[kept.Name]
		if len(cookies) != 2 || cookies[prefix+"session"] == nil || !strings.HasPrefix(kept.Name, prefix+"sign-in-") || ended.MaxAge >= 0 {
			t.Errorf("%s: cookies %v", base, cookies)
		}
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
