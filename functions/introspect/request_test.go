package introspect

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBearerTokens(t *testing.T) {
	const long = "abcdefghijklmnopqrstuv"
	for token, want := range map[string]bool{
		"abc.DEF-1_2~+/abc.DEF-1_2~+/==": true, long: true, "": false, "=": false, "====================================": false,
		long + "=b": false, long + " b": false, long + "\n": false, long + "é": false, long + ":b": false,
		long[1:]: false, long[1:] + "=": false, "correct-horse": false, // what people type, or nobody's provider gives out
	} {
		if got := isBearer(token); got != want {
			t.Errorf("isBearer(%q) = %v", token, got)
		}
	}
}

func TestClients(t *testing.T) {
	var c clients
	if err := c.UnmarshalText([]byte("soju:0123456789abcdef, chat:fedcba9876543210:with,x:0123456789abcdef")); err != nil {
		t.Fatal(err)
	}
	if !c.allow("soju", "0123456789abcdef") || !c.allow("chat", "fedcba9876543210:with") {
		t.Error("a client is refused")
	}
	if c.allow("soju", "fedcba9876543210:with") || c.allow("", "") || c.allow("nobody", "") {
		t.Error("a stranger is let in")
	}
	for _, text := range []string{"", "soju", "soju:short", ":0123456789abcdef", "a:0123456789abcdef,a:0123456789abcdef", ","} {
		if err := c.UnmarshalText([]byte(text)); err == nil || (text != "" && len(text) > 5 && strings.Contains(err.Error(), text)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Behind the ingress of a cluster all users have the ingress's address: one who tries would use up everybody's share.
func TestAnAddressInsideIsNobodys(t *testing.T) {
	for header, want := range map[string]string{
		"": "", "192.0.2.7": "192.0.2.7", "192.0.2.7, 10.244.0.9": "192.0.2.7", "2001:db8:1:2::3": "2001:db8:1:2::/64", "odd": "odd",
		"10.244.0.9": "", "172.20.1.1": "", "192.168.0.1": "", "127.0.0.1": "", "::1": "", "fd00::7": "", "fe80::1%eth0": "",
		"169.254.1.1": "", "100.64.3.4": "", "::ffff:10.0.0.1": "",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/introspect", nil)
		r.Header.Set("X-Forwarded-For", header)
		if got := clientAddress(r); got != want {
			t.Errorf("%q is %q, want %q", header, got, want)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	const form = "application/x-www-form-urlencoded"
	f.Add(form, "token=irc_aaaa_bbbb")
	f.Add(form+"; charset=utf-8", "token=a&token_type_hint=access_token")
	f.Add("text/plain", "token=%zz;&=")
	f.Add("", strings.Repeat("token=a&", 100))
	f.Fuzz(func(t *testing.T, kind, body string) {
		token, err := parseToken(kind, body)
		if err == nil && (token == "" || len(token) > maxToken) {
			t.Fatalf("parseToken(%q, %q) = %q", kind, body, token)
		}
		if err != nil && token != "" {
			t.Fatalf("parseToken(%q, %q) = %q with %v", kind, body, token, err)
		}
		if isBearer(token) && strings.ContainsAny(token, " \x00\r\n\"") {
			t.Fatalf("%q counts as a bearer token", token)
		}
	})
}
