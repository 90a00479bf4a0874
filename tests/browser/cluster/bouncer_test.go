package cluster_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/functions/portal"
	"irc.now/longrunning/local/authtest"
	"irc.now/longrunning/local/storetest"
	"irc.now/longrunning/local/stripe"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client/clienttest"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/config"
	"irc.now/shared/event/outbox"
	"irc.now/shared/function"
	"irc.now/shared/key/keytest"
	"irc.now/shared/store"
	"irc.now/tests/browser"
)

func TestMain(m *testing.M) { os.Exit(clienttest.Main(m)) }

// visitor is somebody at a screen, before a portal on a cluster whose operator is the test.
type visitor struct {
	*browser.Browser

	t       *testing.T
	site    string
	tenants *clienttest.Tenants
	screen  string
	execute func(sql string) // in the accounts database
}

// TestOnesOwnBouncerInABrowser looks at the bouncer's page in each of its states. What changes on the cluster must show
// without a reload.
func TestOnesOwnBouncerInABrowser(t *testing.T) {
	for _, c := range []struct {
		screen         browser.Screen
		scheme, handle string
	}{{browser.Phone, "dark", "ada"}, {browser.Desktop, "light", "eve"}, {browser.Narrow, "dark", "ivy"}} {
		t.Run(c.screen.Name, func(t *testing.T) {
			v := arrive(t, c.handle)
			v.screen = c.screen.Name + "-" + c.scheme
			v.Emulate(c.screen, c.scheme)
			v.signUp(c.handle)
			v.create(c.handle)
			v.watchItGrow(c.handle)
			v.downgrade(c.handle)
			v.suspendAndDelete(c.handle)
		})
	}
}

func arrive(t *testing.T, handle string) *visitor {
	t.Helper()
	v := &visitor{Browser: browser.Start(t), t: t, tenants: clienttest.Start(t, "get", "list", "watch", "create", "delete")}
	identity, database := authtest.Start(t), storetest.Migrated(t, account.Migrations, auth.Migrations, outbox.Migrations)
	identity.Person("subject of "+handle, handle+"@example.org", handle)
	instance := function.New("portal", portal.New(), slog.New(slog.DiscardHandler))
	server := httptest.NewServer(instance)
	t.Cleanup(server.Close)
	t.Cleanup(func() { v.leave(instance) })
	v.site = server.URL
	env := map[string]string{
		"BASE_URL": server.URL, "LANDING_URL": "https://irc.test", "ACCOUNTS_DATABASE_URL": database,
		"OIDC_ISSUER": identity.Issuer, "OIDC_CLIENT_ID": authtest.ClientID, "OIDC_CLIENT_SECRET": authtest.ClientSecret,
		"BOUNCER_ADMIN_URL": emptyBouncer(t), "BOUNCER_ADMIN_TOKEN": "token", "IRC_HOST": "irc.test", "BOUNCER_ADMIN_KEY_FILE": keytest.File(t, "the key that all tokens of bouncers come from"),
	}
	maps.Copy(env, v.tenants.Env())
	maps.Copy(env, shop(t))
	if err := instance.Start(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	v.tenants.Serve(handle, http.HandlerFunc(nothing))
	v.execute = func(sql string) { execute(t, database, sql) }
	return v
}

// shop is a Stripe with Pro, as the portal's settings.
func shop(t *testing.T) map[string]string {
	t.Helper()
	var api http.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { api.ServeHTTP(w, r) }))
	t.Cleanup(front.Close)
	server, err := stripe.New(stripe.Config{
		URL: config.URL(front.URL), Key: "sk_test", Secrets: []config.Secret{"whsec"},
		Prices: []stripe.Price{{ID: "price_pro", Name: "Pro", Amount: 400}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	api = server
	return map[string]string{"STRIPE_KEY": "sk_test", "STRIPE_API_URL": front.URL, "STRIPE_PAGES": front.URL, "STRIPE_PRICE_PRO": "price_pro"}
}

func (v *visitor) leave(instance *function.Instance) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := instance.Stop(ctx); err != nil {
		v.t.Error(err)
	}
}

func execute(t *testing.T, database, sql string) {
	t.Helper()
	pool, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// emptyBouncer is a bounceradmin of a bouncer that is up and on no network.
func emptyBouncer(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(nothing))
	t.Cleanup(server.Close)
	return server.URL
}

func nothing(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("[]")) // a portal that has gone away
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// look keeps a picture of the page and reports what is wrong with it.
func (v *visitor) look(name string) {
	v.t.Helper()
	v.Screenshot("bouncer-" + name + "-" + v.screen)
	for _, problem := range v.Problems() {
		v.t.Errorf("%s: %s", name, problem)
	}
}

// press activates a control of the main part, found by its words, with the keyboard.
func (v *visitor) press(words string) {
	v.t.Helper()
	v.Follow(chromedp.Focus(`//main//*[self::a or self::button][contains(normalize-space(.), "`+words+`")]`), chromedp.KeyEvent(kb.Enter))
}

// awaits waits until the page says text, which it has to do by itself.
func (v *visitor) awaits(text string) {
	v.t.Helper()
	v.Await(`document.querySelector("main").innerText.includes("` + text + `")`)
}

func (v *visitor) signUp(handle string) {
	v.t.Helper()
	v.Visit(v.site + "/auth/sign-in")
	browser.Evaluate[bool](v.Browser, `(document.querySelector('main [name="handle"]').value = "`+handle+`", true)`)
	v.press("Take this handle")
	v.Visit(v.site + "/bouncer")
	v.awaits("With Pro")
	v.look("free")
}

func (v *visitor) create(handle string) {
	v.t.Helper()
	v.execute(`UPDATE account SET plan = 'pro'`)
	v.Visit(v.site + "/bouncer")
	v.look("none")
	v.press("Create your bouncer")
	v.awaits("Being set up")
	v.look("new")
	v.say(handle, v1alpha1.DatabaseReady, metav1.ConditionTrue, "")
	const why = "The certificate has been waiting for its issuer for 40 seconds."
	v.say(handle, v1alpha1.CertificateReady, metav1.ConditionFalse, why)
	v.say(handle, v1alpha1.WorkloadReady, metav1.ConditionFalse, "This waits for CertificateReady.")
	v.say(handle, v1alpha1.Ready, metav1.ConditionFalse, why)
	v.awaits(why)
	v.awaits("This waits for the certificate.")
	v.look("set-up")
}

func (v *visitor) watchItGrow(handle string) {
	v.t.Helper()
	const why = "The certificate's issuer refuses: it knows no such domain."
	v.say(handle, v1alpha1.Ready, metav1.ConditionFalse, why)
	v.say(handle, v1alpha1.Stalled, metav1.ConditionTrue, why)
	v.awaits("Needs attention")
	v.look("stalled")
	v.say(handle, v1alpha1.Stalled, metav1.ConditionFalse, "")
	for _, condition := range []string{v1alpha1.CertificateReady, v1alpha1.WorkloadReady, v1alpha1.Exposed, v1alpha1.Ready} {
		v.say(handle, condition, metav1.ConditionTrue, "")
	}
	v.tenants.Change(handle, func(s *v1alpha1.Status) { s.Host = handle + ".irc.test" })
	v.awaits("keeps you on your networks")
	v.Await(`document.querySelector('main a[href="https://` + handle + `.irc.test/"]') !== null`)
	v.look("ready")
	v.Visit(v.site + "/connect")
	v.awaits(handle + ".irc.test")
	v.look("connect")
	v.Visit(v.site + "/")
	v.look("dashboard")
}

// downgrade is what functions/billing and functions/limits do, from the end of the plan to the new one.
func (v *visitor) downgrade(handle string) {
	v.t.Helper()
	v.execute(`UPDATE account SET plan = 'free'`)
	v.execute(`INSERT INTO billing (account_id, customer_id, standing, period_end, keep_until, updated_at)
		SELECT id, 'cus_nobody', 'ended', now(), now() + interval '14 days', now() FROM account`)
	v.Visit(v.site + "/bouncer")
	v.awaits("Yours runs on until")
	v.look("grace")
	v.Visit(v.site + "/billing")
	v.awaits("Yours runs on until")
	v.look("billing-grace")
	v.press("Look at it, or delete it")
	v.execute(`UPDATE billing SET keep_until = now()`)
	v.change(handle, func(b *v1alpha1.SojuBouncer) { b.Spec.OverPlan = true })
	v.awaits("Everything in it is kept")
	v.look("stopped")
	v.press("Compare the plans")
	v.awaits("It is stopped")
	v.look("billing-stopped")
	v.execute(`UPDATE account SET plan = 'pro'`)
	v.Visit(v.site + "/bouncer")
	v.awaits("it starts in a moment")
	v.look("starts")
	v.change(handle, func(b *v1alpha1.SojuBouncer) { b.Spec.OverPlan = false })
	v.awaits("keeps you on your networks")
}

func (v *visitor) suspendAndDelete(handle string) {
	v.t.Helper()
	v.Visit(v.site + "/bouncer")
	v.change(handle, func(b *v1alpha1.SojuBouncer) { b.Spec.Suspended = true })
	v.awaits("Suspended")
	v.look("suspended")
	v.Visit(v.site + "/networks")
	v.awaits("Your own bouncer is not ready")
	v.look("networks")
	v.Visit(v.site + "/bouncer")
	v.press("Delete your bouncer")
	v.awaits("kept for 30 days")
	v.look("delete")
	v.press("Delete your bouncer")
	v.awaits("Create your bouncer")
}

func (v *visitor) say(name, condition string, status metav1.ConditionStatus, message string) {
	v.t.Helper()
	v.tenants.Change(name, func(s *v1alpha1.Status) {
		s.ObservedGeneration = 1
		meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: condition, Status: status, Reason: "Tested", Message: message})
	})
}

func (v *visitor) change(name string, change func(*v1alpha1.SojuBouncer)) {
	v.t.Helper()
	var b v1alpha1.SojuBouncer
	if err := v.tenants.Get(v.t.Context(), client.ObjectKey{Namespace: v.tenants.Settings.Namespace, Name: name}, &b); err != nil {
		v.t.Fatal(err)
	}
	change(&b)
	if err := v.tenants.Update(v.t.Context(), &b); err != nil {
		v.t.Fatal(err)
	}
}
