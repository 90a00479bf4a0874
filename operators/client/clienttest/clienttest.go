// Package clienttest gives tests a namespace of tenants on a real API server, as functions have it: a service account
// with few permissions, and bouncers whose bounceradmin is the test's own.
//
// A package with such tests has
//
//	func TestMain(m *testing.M) { os.Exit(clienttest.Main(m)) }
package clienttest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/operatortest"
	"irc.now/shared/config"

	ours "irc.now/operators/client"
)

// Main runs a package's tests and gives the exit status. Names of the cluster, which nothing here resolves, lead to the
// handlers of [Tenants.Serve]: by the proxy that the environment names, which net/http reads once in a program's life.
func Main(m *testing.M) int {
	proxy := httptest.NewServer(http.HandlerFunc(serve))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} {
		if err := os.Setenv(name, proxy.URL); err != nil {
			panic(err)
		}
	}
	return operatortest.Main(m, operatortest.Options{})
}

// handlers answer for names of the cluster.
var handlers sync.Map

func serve(w http.ResponseWriter, r *http.Request) {
	handler, known := handlers.Load(r.Host)
	if !known {
		w.WriteHeader(http.StatusBadGateway) // as near as a proxy comes to a name that does not resolve
		return
	}
	handler.(http.Handler).ServeHTTP(w, r) //nolint:errcheck // nothing else is stored
}

// Tenants is a namespace for bouncers and networks.
type Tenants struct {
	client.Client // an administrator's

	Settings ours.Settings // of a service account with the permissions that were asked for
	t        testing.TB
}

// functionAccount is the service account of [Start].
const functionAccount = "function"

// Start makes a namespace and a service account that may do to bouncers what the verbs say, and nothing else.
func Start(t testing.TB, verbs ...string) *Tenants {
	t.Helper()
	server := operatortest.Shared(t)
	w := &Tenants{Client: server.Client(t, everything(t)), t: t}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "tenants-"}}
	w.Put(namespace)
	w.Settings = ours.Settings{
		Namespace: namespace.Name, URL: config.URL(server.Config().Host), CAFile: w.File("ca", server.Config().CAData),
		TokenFile: w.File("token", w.token(namespace.Name, verbs)),
	}
	return w
}

func everything(t testing.TB) *runtime.Scheme {
	t.Helper()
	all := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(all); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Put stores objects as an administrator.
func (w *Tenants) Put(objects ...client.Object) {
	w.t.Helper()
	for _, object := range objects {
		if err := w.Create(w.t.Context(), object); err != nil {
			w.t.Fatal(err)
		}
	}
}

// File writes a file and gives its path.
func (w *Tenants) File(name string, content []byte) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *Tenants) token(namespace string, verbs []string) []byte {
	w.t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: functionAccount, Namespace: namespace}}
	w.Put(account)
	w.allow(namespace, "sojubouncers", verbs)
	request := &authenticationv1.TokenRequest{}
	if err := w.SubResource("token").Create(w.t.Context(), account, request); err != nil {
		w.t.Fatal(err)
	}
	return []byte(request.Status.Token)
}

// Allow lets the service account do to a resource of ours what the verbs say, besides what it may already.
func (w *Tenants) Allow(resource string, verbs ...string) {
	w.t.Helper()
	w.allow(w.Settings.Namespace, resource, verbs)
}

func (w *Tenants) allow(namespace, resource string, verbs []string) {
	w.t.Helper()
	meta := metav1.ObjectMeta{GenerateName: functionAccount + "-", Namespace: namespace}
	role := &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{resource}, Verbs: verbs,
	}}}
	w.Put(role)
	w.Put(&rbacv1.RoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: functionAccount, Namespace: namespace}},
	})
	for _, verb := range verbs {
		w.awaitAllowed(authorizationv1.ResourceAttributes{
			Namespace: namespace, Group: v1alpha1.GroupVersion.Group, Resource: resource, Verb: verb,
		})
	}
}

// awaitAllowed waits until the API server knows of a role that was stored a moment ago.
func (w *Tenants) awaitAllowed(what authorizationv1.ResourceAttributes) {
	w.t.Helper()
	who := "system:serviceaccount:" + what.Namespace + ":" + functionAccount
	for {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: who, ResourceAttributes: &what}}
		w.Put(review)
		if review.Status.Allowed {
			return
		}
	}
}

// Env is Settings as environment variables.
func (w *Tenants) Env() map[string]string {
	return map[string]string{
		"TENANT_NAMESPACE": w.Settings.Namespace, "KUBERNETES_API_URL": w.Settings.URL.String(),
		"KUBERNETES_CA_FILE": w.Settings.CAFile, "KUBERNETES_TOKEN_FILE": w.Settings.TokenFile,
	}
}

// Bouncer is a dedicated bouncer that is not stored yet.
func (w *Tenants) Bouncer(name, owner string) *v1alpha1.SojuBouncer {
	return &v1alpha1.SojuBouncer{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.Settings.Namespace, Labels: map[string]string{v1alpha1.LabelOwner: owner}},
		Spec:       v1alpha1.SojuBouncerSpec{Owner: owner, Role: v1alpha1.RoleDedicated},
	}
}

// Change reads the bouncer called name, changes its status as an operator does, and stores it.
func (w *Tenants) Change(name string, change func(*v1alpha1.Status)) {
	w.t.Helper()
	var b v1alpha1.SojuBouncer
	if err := w.Get(w.t.Context(), client.ObjectKey{Namespace: w.Settings.Namespace, Name: name}, &b); err != nil {
		w.t.Fatal(err)
	}
	change(&b.Status)
	if err := w.Status().Update(w.t.Context(), &b); err != nil {
		w.t.Fatal(err)
	}
}

// Serve has handler answer as the bounceradmin of the bouncer called name.
func (w *Tenants) Serve(name string, handler http.Handler) {
	w.t.Helper()
	host := strings.TrimPrefix(v1alpha1.AdminURL(w.Settings.Namespace, name), "http://")
	handlers.Store(host, handler)
	w.t.Cleanup(func() { handlers.Delete(host) })
}
