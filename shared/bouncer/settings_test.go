package bouncer_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"irc.now/shared/bouncer"
	"irc.now/shared/config"
)

const adminKey config.Secret = "0123456789abcdef0123456789abcdef"

func TestSettingsNeedATokenOrTheKeyItIsMadeOf(t *testing.T) {
	for name, c := range map[string]struct {
		token, key config.Secret
		complaint  string
	}{
		"neither":     {complaint: "BOUNCER_ADMIN_TOKEN is not set, and neither is BOUNCER_ADMIN_KEY_FILE"},
		"a token":     {token: "token"},
		"a key":       {key: adminKey},
		"a short key": {token: "token", key: adminKey[1:], complaint: "BOUNCER_ADMIN_KEY_FILE must name a file with 32 characters or more"},
	} {
		t.Run(name, func(t *testing.T) {
			err := bouncer.Settings{AdminToken: c.token, AdminKey: c.key}.Validate()
			if c.complaint == "" && err != nil || c.complaint != "" && (err == nil || !strings.Contains(err.Error(), c.complaint)) {
				t.Errorf("got %v, want %q", err, c.complaint)
			}
		})
	}
}

func TestTheTokenIsDerivedWhereNoneIsSet(t *testing.T) {
	for name, c := range map[string]struct {
		token, want config.Secret
	}{
		"set":     {token: "token", want: "token"},
		"derived": {want: bouncer.AdminToken(adminKey, bouncer.Shared)},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.Header.Get("Authorization")
				w.WriteHeader(http.StatusNoContent)
			}))
			defer server.Close()
			settings := bouncer.Settings{
				AdminURL: config.URL(server.URL), AdminToken: c.token, AdminKey: adminKey,
			}
			if err := settings.Admin(server.Client()).Disconnect(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
			if got != "Bearer "+c.want.Reveal() {
				t.Error("another token was presented")
			}
		})
	}
}
