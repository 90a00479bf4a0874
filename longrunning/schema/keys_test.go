package schema_test

import (
	"testing"

	"irc.now/longrunning/schema"
	"irc.now/shared/key"
	"irc.now/shared/key/keytest"
	"irc.now/shared/telemetry"
)

func TestKeysStayUntilThePlatformsChanges(t *testing.T) {
	w, c := newWorld(t), newCluster(t)
	env := w.environment(c)
	run := func() map[key.Purpose]string {
		t.Helper()
		if err := schema.BringAll(t.Context(), env, telemetry.NewLogger(t.Output(), "schema", nil), c.find, nil); err != nil {
			t.Fatal(err)
		}
		versions := map[key.Purpose]string{}
		for _, purpose := range key.Purposes() {
			versions[purpose] = c.secret(t, purpose.Secret()).ResourceVersion
		}
		return versions
	}
	first, again := run(), run()
	env["PLATFORM_KEY_FILE"] = keytest.File(t, platformKey+", rotated")
	rotated := run()
	for _, purpose := range key.Purposes() {
		if first[purpose] != again[purpose] {
			t.Errorf("a run that finds everything writes %s", purpose.Secret())
		}
		if rotated[purpose] == again[purpose] {
			t.Errorf("%s keeps the key of the former platform's", purpose.Secret())
		}
	}
}
