package bouncer_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"irc.now/shared/bouncer"
)

// Programs of different versions run side by side: another spelling would lock them out of each other.
func TestAddressesAndNamesOfBouncersStayWhatTheyAre(t *testing.T) {
	for owner, want := range map[string][3]string{
		"alice": {"/for/alice", "bouncer-alice", "https://bouncer-alice:no8gEjuB372Zk6u0Ll8ce11ZHPm-QLWIRghk6Zcylmk@auth.irc.test/x/for/alice"},
		"":      {"", "soju-shared", "https://soju-shared:" + bouncer.IntrospectSecret("key", "soju-shared").Reveal() + "@auth.irc.test/x"},
	} {
		address, err := bouncer.IntrospectURL("https://auth.irc.test/x", "key", owner)
		if got := [3]string{bouncer.ScopePath(owner), bouncer.IntrospectClient(owner), address.Reveal()}; err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", owner, got, err, want)
		}
	}
	if _, err := bouncer.IntrospectURL("http://a b", "key", "alice"); err == nil {
		t.Error("an address that makes no sense is taken")
	}
}

func TestAScopeIsReadAsItWasWritten(t *testing.T) {
	var read string
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+bouncer.ScopePattern+"/x", func(_ http.ResponseWriter, r *http.Request) { read = bouncer.ScopeOf(r) })
	for _, owner := range []string{"alice", "a/b", `"x`, "ä", "a%2Fb"} {
		mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, bouncer.ScopePath(owner)+"/x", http.NoBody))
		if read != owner {
			t.Errorf("%q was read as %q", owner, read)
		}
	}
}
