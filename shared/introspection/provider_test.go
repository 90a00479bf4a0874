package introspection_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"irc.now/longrunning/local/introspectiontest"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/introspection"
	"irc.now/shared/outbound"
)

func newProvider(idp *introspectiontest.Provider) *introspection.Provider {
	return introspection.NewProvider(idp.Issuer, introspectiontest.ClientID, introspectiontest.ClientSecret, outbound.Client(5*time.Second))
}

func TestOnlyAUsersOwnBearerTokenIsActive(t *testing.T) {
	idp := introspectiontest.Start(t)
	p := newProvider(idp)
	exp := time.Now().Add(time.Hour).Truncate(time.Second)
	good := introspection.Token{Active: true, Subject: "s", Expires: exp}
	for name, c := range map[string]struct {
		answer any
		want   introspection.Token
	}{
		"complete":       {map[string]any{"active": true, "sub": "s", "exp": exp.Unix(), "iss": idp.Issuer, "typ": "Bearer"}, good},
		"least":          {map[string]any{"active": true, "sub": "s"}, introspection.Token{Active: true, Subject: "s"}},
		"null key":       {`{"active":true,"sub":"s","cnf":null}`, introspection.Token{Active: true, Subject: "s"}},
		"inactive":       {map[string]any{"active": false, "sub": "s"}, introspection.Token{}},
		"no user":        {map[string]any{"active": true}, introspection.Token{}},
		"another issuer": {map[string]any{"active": true, "sub": "s", "iss": "https://evil.example"}, introspection.Token{}},
		"refresh token":  {map[string]any{"active": true, "sub": "s", "typ": "Refresh"}, introspection.Token{}},
		"id token":       {map[string]any{"active": true, "sub": "s", "typ": "ID"}, introspection.Token{}},
		"bound to a key": {map[string]any{"active": true, "sub": "s", "cnf": map[string]string{"jkt": "x"}}, introspection.Token{}},
	} {
		idp.Answer("token", c.answer)
		got, err := p.Introspect(t.Context(), "token")
		if err != nil || got.Active != c.want.Active || got.Subject != c.want.Subject || !got.Expires.Equal(c.want.Expires) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func TestWhateverGoesWrongIsUnavailableNotInactive(t *testing.T) {
	idp := introspectiontest.Start(t)
	p := newProvider(idp)
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusFound, http.StatusNotFound} {
		idp.Fail(status)
		if _, err := p.Introspect(t.Context(), "token"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("status %d: %v", status, err)
		}
	}
	idp.Fail(0)
	idp.Accept("token", "s")
	if got, err := p.Introspect(t.Context(), "token"); err != nil || !got.Active {
		t.Errorf("the provider is back, but: %+v, %v", got, err)
	}
	for _, broken := range []string{"", "null", "<html>", `{"active":"yes"}`, `[1]`, `{"active":tr`, `{}`} {
		idp.Answer("token", broken)
		if got, err := p.Introspect(t.Context(), "token"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%q: %+v, %v", broken, got, err)
		}
	}
	wrong := introspection.NewProvider(idp.Issuer, introspectiontest.ClientID, config.Secret("guess"), outbound.Client(5*time.Second))
	if _, err := wrong.Introspect(t.Context(), "token"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("our own credentials are refused: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Introspect(ended, "token"); err == nil {
		t.Error("an ended context is no error")
	}
}
