package revoke_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"irc.now/functions/revoke"
	"irc.now/operators/client/clienttest"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/key/keytest"
)

func TestMain(m *testing.M) { os.Exit(clienttest.Main(m)) }

const adminKey = config.Secret("the key that all tokens of bouncers come from")

// onCluster is a world where users may have bouncers of their own. The function may only look.
func onCluster(t *testing.T) (*world, *clienttest.Tenants) {
	t.Helper()
	tenants := clienttest.Start(t, "list")
	env := tenants.Env()
	env["BOUNCER_ADMIN_KEY_FILE"] = keytest.File(t, adminKey)
	return newWorld(t, env), tenants
}

// serveOwn has the bounceradmin of the bouncer called name write down who was disconnected.
func serveOwn(tenants *clienttest.Tenants, name string) *bouncers {
	own := &bouncers{token: bouncer.AdminToken(adminKey, name).Reveal(), fails: map[string]bool{}}
	tenants.Serve(name, own)
	return own
}

func TestConnectionsToTheOwnBouncerAreClosedToo(t *testing.T) {
	w, tenants := onCluster(t)
	w.revoked(t, "ada")
	w.revoked(t, "bob")
	tenants.Put(tenants.Bouncer("ada", "ada"))
	own := serveOwn(tenants, "ada")
	if status := w.tick(t); status != http.StatusAccepted {
		t.Errorf("status %d", status)
	}
	w.wantGone(t, "ada", "bob")
	if gone := own.take(); len(gone) != 1 || gone[0] != "ada" {
		t.Errorf("the own bouncer was told of %v", gone)
	}
	w.tick(t)
	w.wantGone(t)
}

func TestAnOwnBouncerThatIsAwayIsTriedAgain(t *testing.T) {
	w, tenants := onCluster(t)
	w.revoked(t, "ada")
	tenants.Put(tenants.Bouncer("ada", "ada")) // and nothing answers at its address
	if status := w.tick(t); status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	w.wantGone(t, "ada") // the shared one does not wait
	own := serveOwn(tenants, "ada")
	if status := w.tick(t); status != http.StatusAccepted {
		t.Errorf("status %d", status)
	}
	if gone := own.take(); len(gone) != 1 {
		t.Errorf("the own bouncer was told of %v", gone)
	}
}

func TestASharedBouncerThatIsAwayDoesNotKeepTheOwnOnesOpen(t *testing.T) {
	w, tenants := onCluster(t)
	w.revoked(t, "ada")
	tenants.Put(tenants.Bouncer("ada", "ada"))
	own := serveOwn(tenants, "ada")
	w.soju.fail("ada", true)
	if status := w.tick(t); status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	if gone := own.take(); len(gone) != 1 {
		t.Errorf("the own bouncer was told of %v", gone)
	}
}

func TestAClusterNeedsTheKeyOfThePlatform(t *testing.T) {
	err := revoke.New().Start(t.Context(), map[string]string{"TENANT_NAMESPACE": "irc-now-tenants"})
	if err == nil || !strings.Contains(err.Error(), "BOUNCER_ADMIN_KEY_FILE") {
		t.Errorf("got %v", err)
	}
}
