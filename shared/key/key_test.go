package key_test

import (
	"strings"
	"testing"

	"irc.now/shared/config"
	"irc.now/shared/key"
)

func TestKeysDifferByPurposeAndPlatform(t *testing.T) {
	seen := map[config.Secret]bool{"": true}
	for _, platform := range []config.Secret{"one platform's key", "another's"} {
		for _, purpose := range key.Purposes() {
			derived := purpose.Of(platform)
			if seen[derived] || key.Check("X", derived) != nil {
				t.Errorf("the key for %s of %s is no other than another, or short", purpose, platform.Reveal())
			}
			seen[derived] = true
		}
	}
}

// Another derivation would lock programs of different releases out of each other.
func TestKeysStayWhatTheyAre(t *testing.T) {
	for purpose, want := range map[key.Purpose]config.Secret{
		key.BouncerAdmin: "lMY52zKUAwI3zf2K2Dd_bp6TeSkXISf33s5fRQC_Bgk", key.Introspect: "fGFq_3s9NUmE_3xMwgcqkTHijBG001aIYBXtHI_Nenc", key.Network: "et8Qu2RVDqgQu6sMH5mQtrn7BugCkIHfw1ElekAGaaE",
	} {
		if got := purpose.Of("key"); got != want {
			t.Errorf("%s: %q", purpose, got.Reveal())
		}
	}
}

func TestOfNoKeyThereIsNone(t *testing.T) {
	if key.Network.Of("") != "" || key.Check("X", "") != nil {
		t.Error("no key is some key")
	}
	if err := key.Check("X_FILE", "short"); err == nil || !strings.HasPrefix(err.Error(), "X_FILE ") {
		t.Errorf("a short key: %v", err)
	}
}
