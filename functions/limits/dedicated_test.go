package limits_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"irc.now/functions/limits"
	"irc.now/operators/client/clienttest"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/key/keytest"
)

func TestMain(m *testing.M) { os.Exit(clienttest.Main(m)) }

const adminKey = config.Secret("the key that all tokens of bouncers come from")

// onCluster is a world where users may have dedicated bouncers. The function may do what its role in knative says.
func onCluster(t *testing.T, change ...map[string]string) (*world, *clienttest.Tenants) {
	t.Helper()
	tenants := clienttest.Start(t, "list", "patch")
	tenants.Allow("ergonetworks", "list", "patch")
	return onTenants(t, tenants, change...), tenants
}

func onTenants(t *testing.T, tenants *clienttest.Tenants, change ...map[string]string) *world {
	t.Helper()
	env := tenants.Env()
	env["BOUNCER_ADMIN_KEY_FILE"] = keytest.File(t, adminKey)
	w := newWorld(t, append([]map[string]string{env}, change...)...)
	w.set("handle", "ada")
	w.set("plan", "pro")
	return w
}

func TestTheDedicatedBouncerIsToldToo(t *testing.T) {
	w, tenants := onCluster(t)
	tenants.Put(tenants.Bouncer("ada", "ada"))
	dedicated := &world{t: t}
	tenants.Serve("ada", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+bouncer.AdminToken(adminKey, "ada").Reveal() {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		dedicated.ServeHTTP(rw, r)
	}))
	if err := w.upgraded(); err != nil {
		t.Error(err)
	}
	w.wantTold(account.Unlimited)
	if !slices.Equal(dedicated.told, []int{account.Unlimited}) {
		t.Errorf("the dedicated bouncer was told %v", dedicated.told)
	}
}

func TestWithoutADedicatedBouncerNobodyElseIsTold(t *testing.T) {
	w, _ := onCluster(t)
	if err := w.upgraded(); err != nil {
		t.Error(err)
	}
	w.wantTold(account.Unlimited)
}

func TestADedicatedBouncerThatIsAwayIsToldLater(t *testing.T) {
	w, tenants := onCluster(t)
	tenants.Put(tenants.Bouncer("ada", "ada"))
	if err := w.upgraded(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
	w.wantTold(account.Unlimited) // the shared one does not wait
}

func TestAClusterNeedsTheKeyOfThePlatform(t *testing.T) {
	err := limits.New().Start(t.Context(), map[string]string{"TENANT_NAMESPACE": "irc-now-tenants"})
	if err == nil || !strings.Contains(err.Error(), "BOUNCER_ADMIN_KEY_FILE") {
		t.Errorf("got %v", err)
	}
}
