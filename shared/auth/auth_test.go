package auth_test

import (
	"strings"
	"testing"

	"irc.now/shared/auth"
)

func TestConfigReportsEveryProblem(t *testing.T) {
	_, err := auth.New(auth.Config{Issuer: "nowhere", BaseURL: "ftp://x"})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, text := range []string{"issuer", "base URL", "client id", "database pool"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not name the %s", err, text)
		}
	}
}
