package web_test

import (
	"testing"

	"irc.now/shared/web"
)

func TestTwoSpellingsOfAHostAreOne(t *testing.T) {
	for host, want := range map[string]string{
		"my.irc.now": "my.irc.now", "MY.irc.NOW": "my.irc.now", "my.irc.now.": "my.irc.now", "my.irc.now:443": "my.irc.now",
		"my.irc.now.:80": "my.irc.now", "my.irc.now:8080": "my.irc.now:8080", "[::1]:8080": "[::1]:8080", "": "", ":": "",
	} {
		if got := web.CanonicalHost(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}
