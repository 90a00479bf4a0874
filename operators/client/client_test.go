package client_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	admin "sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client"
	"irc.now/operators/operatortest"
	"irc.now/shared/config"
	"irc.now/shared/fault"
)

func TestMain(m *testing.M) { os.Exit(operatortest.Main(m, operatortest.Options{})) }

// tenants is a namespace on a real API server, an administrator's client, and a client of ours that is a service
// account with no more permissions than the portal has.
type tenants struct {
	*client.Client

	t         *testing.T
	admin     admin.Client
	settings  client.Settings
	namespace string
}

func newTenants(t *testing.T) *tenants {
	t.Helper()
	server := operatortest.Shared(t)
	w := &tenants{t: t, admin: server.Client(t, everything(t))}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "tenants-"}}
	w.put(namespace)
	w.namespace = namespace.Name
	w.settings = client.Settings{
		Namespace: w.namespace, URL: config.URL(server.Config().Host), CAFile: w.file("ca", server.Config().CAData), TokenFile: w.file("token", w.token()),
	}
	w.Client = w.open(w.settings)
	return w
}

func everything(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return scheme
}

func (w *tenants) put(objects ...admin.Object) {
	w.t.Helper()
	for _, object := range objects {
		if err := w.admin.Create(w.t.Context(), object); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *tenants) file(name string, content []byte) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *tenants) open(settings client.Settings) *client.Client {
	w.t.Helper()
	opened, err := settings.Open()
	if err != nil {
		w.t.Fatal(err)
	}
	return opened
}

// token is that of a service account that may do to bouncers what a portal does, and nothing else.
func (w *tenants) token() []byte {
	w.t.Helper()
	meta := metav1.ObjectMeta{Name: "portal", Namespace: w.namespace}
	account := &corev1.ServiceAccount{ObjectMeta: meta}
	w.put(account,
		&rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"sojubouncers"},
			Verbs: []string{"get", "list", "watch", "create", "delete"},
		}}},
		&rbacv1.RoleBinding{
			ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: meta.Name, Namespace: w.namespace}},
		})
	request := &authenticationv1.TokenRequest{}
	if err := w.admin.SubResource("token").Create(w.t.Context(), account, request); err != nil {
		w.t.Fatal(err)
	}
	return []byte(request.Status.Token)
}

func (w *tenants) bouncer(name, owner string) *v1alpha1.SojuBouncer {
	return &v1alpha1.SojuBouncer{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace, Labels: map[string]string{v1alpha1.LabelOwner: owner}},
		Spec:       v1alpha1.SojuBouncerSpec{Owner: owner, Role: v1alpha1.RoleDedicated},
	}
}

func (w *tenants) create(name, owner string) *v1alpha1.SojuBouncer {
	w.t.Helper()
	made, err := w.Bouncers().Create(w.t.Context(), w.bouncer(name, owner))
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// answer changes the status as an operator does.
func (w *tenants) answer(b *v1alpha1.SojuBouncer, host string) {
	w.t.Helper()
	b.Status.Host = host
	if err := w.admin.Status().Update(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind fault.Kind, sentence string) {
	t.Helper()
	if !fault.Is(err, kind) || !strings.Contains(fault.Sentence(err), sentence) {
		t.Errorf("got %v, want the kind %v with %q", err, kind, sentence)
	}
}

func TestABouncerFromFirstToLast(t *testing.T) {
	w := newTenants(t)
	made := w.create("ada", "ada")
	if made.UID == "" || made.Spec.Role != v1alpha1.RoleDedicated {
		t.Errorf("made %+v", made)
	}
	w.create("eve", "eve")
	w.answer(made, "ada.irc.test")

	found, err := w.Bouncers().Get(t.Context(), "ada")
	if err != nil || found.Status.Host != "ada.irc.test" {
		t.Errorf("got %+v, %v", found, err)
	}
	owned, err := w.Bouncers().List(t.Context(), "ada")
	if err != nil || len(owned) != 1 || owned[0].Name != "ada" || owned[0].Status.Host != "ada.irc.test" {
		t.Errorf("ada's are %+v, %v", owned, err)
	}
	if err := w.Bouncers().Delete(t.Context(), "ada", made.UID); err != nil {
		t.Fatal(err)
	}
	if owned, err := w.Bouncers().List(t.Context(), "ada"); err != nil || len(owned) != 0 {
		t.Errorf("left are %+v, %v", owned, err)
	}
}

func TestWhatTheAPIServerRefusesHasAKindAndASentence(t *testing.T) {
	w := newTenants(t)
	ada := w.create("ada", "ada")
	bouncers := w.Bouncers()
	_, err := bouncers.Get(t.Context(), "nobody")
	wantKind(t, err, fault.NotFound, "There is no such bouncer.")
	wantKind(t, bouncers.Delete(t.Context(), "nobody", ""), fault.NotFound, "no such bouncer")
	_, err = bouncers.Create(t.Context(), w.bouncer("ada", "ada"))
	wantKind(t, err, fault.Conflict, "There is a bouncer of that name already.")
	wantKind(t, bouncers.Delete(t.Context(), "ada", "b3a1a8f2-0000-4000-8000-000000000000"), fault.Conflict, "has changed in the meantime")
	_, err = bouncers.Create(t.Context(), w.bouncer("admin", "ada"))
	wantKind(t, err, fault.Invalid, "The name is reserved. Please pick another one.")
	if got := fault.Sentence(err); strings.Contains(got, "Invalid value") {
		t.Errorf("Kubernetes' own words are shown: %s", got)
	}
	if err := bouncers.Delete(t.Context(), "ada", ada.UID); err != nil {
		t.Error(err)
	}
}

func TestAMissingPermissionIsOurOwnFault(t *testing.T) {
	_, err := newTenants(t).Networks().List(t.Context(), "ada")
	wantKind(t, err, fault.Internal, "Something went wrong on our side.")
	if err == nil || !strings.Contains(err.Error(), "ergonetworks") {
		t.Errorf("the log is not told what is missing: %v", err)
	}
}

func TestATokenIsReadAgainAsItIsReplaced(t *testing.T) {
	w := newTenants(t)
	good, err := os.ReadFile(w.settings.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	settings := w.settings
	settings.TokenFile = w.file("replaced", []byte("worn-out"))
	opened := w.open(settings)
	_, err = opened.Bouncers().List(t.Context(), "ada")
	wantKind(t, err, fault.Internal, "Something went wrong")
	if err := os.WriteFile(settings.TokenFile, good, 0o600); err != nil {
		t.Fatal(err)
	}
	// A token is kept for some seconds: the next client begins with the new one.
	if _, err := w.open(settings).Bouncers().List(t.Context(), "ada"); err != nil {
		t.Error(err)
	}
}

func TestSettingsNameTheirVariables(t *testing.T) {
	for _, c := range []struct {
		settings client.Settings
		want     string
	}{
		{client.Settings{}, ""},
		{client.Settings{Namespace: "x"}, ""},
		{client.Settings{Namespace: "x", CAFile: "ca"}, "KUBERNETES_API_URL"},
		{client.Settings{URL: "https://10.96.0.1"}, "TENANT_NAMESPACE"},
	} {
		err := c.settings.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.settings, err)
		}
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, err := (client.Settings{Namespace: "x"}).Open(); err == nil || !strings.Contains(err.Error(), "TENANT_NAMESPACE") {
		t.Errorf("outside of a pod: %v", err)
	}
}

// within bounds what a test waits for.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}
