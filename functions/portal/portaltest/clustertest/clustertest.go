// Package clustertest gives tests a portal on a cluster: a real API server, on which the test is the operator.
//
// A package with such tests has
//
//	func TestMain(m *testing.M) { os.Exit(clienttest.Main(m)) }
package clustertest

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/functions/portal/portaltest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client/clienttest"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/key/keytest"
)

const adminKey = config.Secret("the key that all tokens of bouncers come from")

// Rig is a portal and the namespace of its tenants.
type Rig struct {
	*portaltest.Rig

	Tenants *clienttest.Tenants

	t testing.TB
}

// Start starts a portal with the rights that it has on a cluster.
func Start(t testing.TB, options ...portaltest.Option) *Rig {
	t.Helper()
	tenants := clienttest.Start(t, "get", "list", "watch", "create", "delete")
	env := tenants.Env()
	env["BOUNCER_ADMIN_KEY_FILE"] = keytest.File(t, adminKey)
	return &Rig{Rig: portaltest.Start(t, append([]portaltest.Option{portaltest.With(env)}, options...)...), Tenants: tenants, t: t}
}

// APIServer leads to another API server, which trusts everybody.
func APIServer(url string) portaltest.Option {
	return portaltest.With(map[string]string{"KUBERNETES_API_URL": url, "KUBERNETES_CA_FILE": "", "KUBERNETES_TOKEN_FILE": ""})
}

// Pro signs somebody in whose plan gives a bouncer.
func (c *Rig) Pro(handle string) *portaltest.Person {
	c.t.Helper()
	p := c.User(c.t, handle)
	c.Execute(c.t, `UPDATE account SET plan = $2 WHERE handle = $1`, handle, account.Pro)
	return p
}

// Stored is the bouncer called name; nil where there is none.
func (c *Rig) Stored(name string) *v1alpha1.SojuBouncer {
	c.t.Helper()
	var b v1alpha1.SojuBouncer
	err := c.Tenants.Get(c.t.Context(), client.ObjectKey{Namespace: c.Tenants.Settings.Namespace, Name: name}, &b)
	if client.IgnoreNotFound(err) != nil {
		c.t.Fatal(err)
	}
	if err != nil {
		return nil
	}
	return &b
}

// Change changes the bouncer called name, as an administrator may.
func (c *Rig) Change(name string, change func(*v1alpha1.SojuBouncer)) {
	c.t.Helper()
	b := c.Stored(name)
	change(b)
	if err := c.Tenants.Update(c.t.Context(), b); err != nil {
		c.t.Fatal(err)
	}
}

// Say sets a condition as the operator does.
func (c *Rig) Say(name, condition string, status metav1.ConditionStatus, message string) {
	c.t.Helper()
	c.Tenants.Change(name, func(s *v1alpha1.Status) {
		s.ObservedGeneration = 1
		meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: condition, Status: status, Reason: "Tested", Message: message})
	})
}

// Finish makes the bouncer ready, with a bounceradmin that answers.
func (c *Rig) Finish(name string) *portaltest.Bouncer {
	c.t.Helper()
	dedicated := portaltest.NewBouncer(bouncer.AdminToken(adminKey, name).Reveal())
	c.Tenants.Serve(name, dedicated)
	for _, condition := range []string{v1alpha1.DatabaseReady, v1alpha1.CertificateReady, v1alpha1.WorkloadReady, v1alpha1.Exposed, v1alpha1.Ready} {
		c.Say(name, condition, metav1.ConditionTrue, "")
	}
	c.Tenants.Change(name, func(s *v1alpha1.Status) { s.Host = name + ".irc.test" })
	return dedicated
}
