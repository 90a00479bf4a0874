package bouncer_test

import (
	"testing"

	"irc.now/shared/bouncer"
	"irc.now/shared/config"
)

func TestKeysDifferByPurposeNameAndKey(t *testing.T) {
	seen := map[config.Secret]string{}
	for _, key := range []config.Secret{"one key of the platform", "another"} {
		for _, name := range []string{"alice", "bob", ""} {
			for purpose, derived := range map[string]config.Secret{
				"admin": bouncer.AdminToken(key, name), "introspect": bouncer.IntrospectSecret(key, name),
			} {
				what := purpose + " of " + name + " under " + key.Reveal()
				if len(derived) != 43 {
					t.Errorf("%s has %d characters", what, len(derived))
				}
				if before, double := seen[derived]; double {
					t.Errorf("%s is %s", what, before)
				}
				seen[derived] = what
			}
		}
	}
}

// Programs of different versions run side by side: a changed derivation would lock them out of each other.
func TestKeysStayWhatTheyAre(t *testing.T) {
	if got := bouncer.AdminToken("key", "alice"); got != "s8JuDNVKv7H1UOXsrMXRhvvrF2o2nC_t6WGkjpMqvyo" {
		t.Errorf("AdminToken gave %q", got.Reveal())
	}
	if got := bouncer.IntrospectSecret("key", "alice"); got != "no8gEjuB372Zk6u0Ll8ce11ZHPm-QLWIRghk6Zcylmk" {
		t.Errorf("IntrospectSecret gave %q", got.Reveal())
	}
}

func TestWithoutAKeyThereIsNoToken(t *testing.T) {
	if bouncer.AdminToken("", "alice") != "" || bouncer.IntrospectSecret("", "alice") != "" {
		t.Error("a token was derived from no key")
	}
}
