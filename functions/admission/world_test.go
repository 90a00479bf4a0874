package admission_test

import (
	"context"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"irc.now/functions/admission"
	"irc.now/longrunning/local/storetest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/operatortest"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/event/outbox"
	"irc.now/shared/function"
	"irc.now/shared/store"
	"irc.now/tests/eventually"
)

const portal = "system:serviceaccount:irc-now:portal"

func TestMain(m *testing.M) { os.Exit(operatortest.Main(m, operatortest.Options{})) }

// front is where the API server's webhook leads to, for all tests: each puts its own function behind it. It counts.
type front struct {
	url   string
	ca    []byte
	calls atomic.Int32
	to    atomic.Pointer[http.Handler]
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.calls.Add(1)
	(*f.to.Load()).ServeHTTP(w, r)
}

var standing = sync.OnceValue(func() *front {
	f := &front{}
	server := httptest.NewTLSServer(f) // ends with the process
	f.url = server.URL + "/validate"
	f.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return f
})

var registered sync.Once

// world is a running function with its accounts, behind the webhook of a real API server, in a namespace of its own.
type world struct {
	*account.Store

	t         testing.TB
	pool      *pgxpool.Pool
	client    client.Client // an administrator's
	front     *front
	namespace string
	env       map[string]string
	logs      *logs
	url       string // of the function, without the API server
}

func newWorld(t testing.TB) *world {
	t.Helper()
	server := operatortest.Shared(t)
	w := &world{t: t, client: server.Client(t, scheme(t)), front: standing(), logs: &logs{}}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "tenants-"}}
	w.put(namespace)
	w.namespace = namespace.Name
	sets := []store.Set{account.Migrations, outbox.Migrations}
	database := storetest.Migrated(t, sets...)
	w.env = map[string]string{
		"ACCOUNTS_DATABASE_URL": storetest.Role(t, database, admission.Grants, sets...), "OWNER_CHANGERS": portal + ",system:serviceaccount:irc-now:operator", "TENANT_NAMESPACE": w.namespace,
		"KUBERNETES_API_URL": server.Config().Host, "KUBERNETES_CA_FILE": w.file("ca", server.Config().CAData), "KUBERNETES_TOKEN_FILE": w.file("token", w.token()),
	}
	handler := w.serve(w.env)
	w.front.to.Store(&handler)
	w.connect(database)
	registered.Do(w.register)
	w.front.calls.Store(0)
	return w
}

func scheme(t testing.TB) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	if err := v1alpha1.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// serve runs the function as every host does.
func (w *world) serve(env map[string]string) http.Handler {
	w.t.Helper()
	instance := function.New("admission", admission.New(), slog.New(slog.NewTextHandler(w.logs, nil)))
	if err := instance.Start(w.t.Context(), env); err != nil {
		w.t.Fatal(err)
	}
	server := httptest.NewServer(instance)
	w.t.Cleanup(func() {
		server.Close()
		if err := instance.Stop(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
	w.url = server.URL + "/validate"
	return instance
}

func (w *world) connect(database string) {
	w.t.Helper()
	pool, err := store.Open(w.t.Context(), database)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(pool.Close)
	w.pool, w.Store = pool, account.NewStore(pool)
}

// token is that of a service account that may list our kinds in the tenants' namespace, and nothing else.
func (w *world) token() []byte {
	w.t.Helper()
	meta := metav1.ObjectMeta{Name: "admission", Namespace: w.namespace}
	user := &corev1.ServiceAccount{ObjectMeta: meta}
	w.put(user,
		&rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"sojubouncers", "ergonetworks"}, Verbs: []string{"list"},
		}}},
		&rbacv1.RoleBinding{
			ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: meta.Name, Namespace: w.namespace}},
		})
	request := &authenticationv1.TokenRequest{}
	if err := w.client.SubResource("token").Create(w.t.Context(), user, request); err != nil {
		w.t.Fatal(err)
	}
	return []byte(request.Status.Token)
}

// register applies the webhook as it is shipped, but for where it leads, and waits until the API server asks it.
func (w *world) register() {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "knative", "base", "admission", "webhook.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	var config admissionregistrationv1.ValidatingWebhookConfiguration
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		w.t.Fatal(err)
	}
	config.Webhooks[0].ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: &w.front.url, CABundle: w.front.ca}
	w.put(&config)
	eventually.Within(w.t, 30*time.Second, func(context.Context) error {
		err := w.try(w.bouncer("probe", "nobody"), client.DryRunAll)
		return eventually.True(err != nil && strings.Contains(err.Error(), "denied the request"), "the API server does not ask the webhook (%v)", err)
	})
}

func (w *world) put(objects ...client.Object) {
	w.t.Helper()
	for _, object := range objects {
		if err := w.client.Create(w.t.Context(), object); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) file(name string, content []byte) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) try(object client.Object, options ...client.CreateOption) error {
	return w.client.Create(w.t.Context(), object, options...)
}

// twice lets reviews go in turn to the world's function and to a second one, as where there are several instances.
func (w *world) twice() {
	w.t.Helper()
	first, second := *w.front.to.Load(), w.serve(w.env)
	var n atomic.Int32
	var both http.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		[]http.Handler{first, second}[n.Add(1)%2].ServeHTTP(rw, r)
	})
	w.front.to.Store(&both)
}

// as is a client of whom the API server takes for user.
func (w *world) as(user string) client.Client {
	w.t.Helper()
	config := operatortest.Shared(w.t).Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:masters"}}
	c, err := client.New(config, client.Options{Scheme: scheme(w.t)})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) meta(name, owner string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: w.namespace, Labels: map[string]string{v1alpha1.LabelOwner: owner}}
}

func (w *world) bouncer(name, owner string) *v1alpha1.SojuBouncer {
	return &v1alpha1.SojuBouncer{ObjectMeta: w.meta(name, owner), Spec: v1alpha1.SojuBouncerSpec{Owner: owner, Role: v1alpha1.RoleDedicated}}
}

// shared is the bouncer of all who have no dedicated one.
func (w *world) shared() *v1alpha1.SojuBouncer {
	b := w.bouncer(bouncer.Shared, "")
	b.Labels, b.Spec.Role = nil, v1alpha1.RoleShared
	return b
}

func (w *world) network(name, owner string, clients int32) *v1alpha1.ErgoNetwork {
	return &v1alpha1.ErgoNetwork{ObjectMeta: w.meta(name, owner), Spec: v1alpha1.ErgoNetworkSpec{Owner: owner, MaxClients: &clients, NetworkName: "Net"}}
}

// user has a handle and what was bought; the zero plan is the free one.
func (w *world) user(handle account.Handle, holds account.Holdings) account.User {
	w.t.Helper()
	user, _, err := w.SignIn(w.t.Context(), "subject of "+string(handle), "")
	if err == nil {
		user, err = w.ChooseHandle(w.t.Context(), user.ID, handle)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.holds(user, holds)
	return user
}

// holds gives a user what billing would.
func (w *world) holds(user account.User, h account.Holdings) {
	w.t.Helper()
	h = h.Normal()
	_, err := w.pool.Exec(w.t.Context(), `UPDATE account SET plan = $2, hosting = $3 WHERE id = $1`, user.ID, h.Plan, h.Hosting)
	if err != nil {
		w.t.Fatal(err)
	}
}

// age makes every claim too old to count.
func (w *world) age() {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), `UPDATE claim SET expires_at = expires_at - interval '1 hour'`); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) claims() (rows int) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), `SELECT count(*) FROM claim`).Scan(&rows); err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// away makes the accounts database refuse everybody, and back undoes it.
func (w *world) away() (back func()) {
	w.t.Helper()
	pool, err := store.Open(w.t.Context(), storetest.Server(w.t).URL("postgres"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(pool.Close)
	name := storetest.Database(w.env["ACCOUNTS_DATABASE_URL"])
	exec := func(sql string) {
		if _, err := pool.Exec(w.t.Context(), sql); err != nil {
			w.t.Fatal(err)
		}
	}
	exec(`ALTER DATABASE ` + name + ` ALLOW_CONNECTIONS false`)
	exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + name + `'`)
	return func() { exec(`ALTER DATABASE ` + name + ` ALLOW_CONNECTIONS true`) }
}

func (w *world) allowed(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Errorf("refused: %v", err)
	}
}

// refused checks that the webhook said no, with words that tell why.
func (w *world) refused(err error, words string) {
	w.t.Helper()
	if err == nil || !strings.Contains(err.Error(), "denied the request: ") || !strings.Contains(err.Error(), words) {
		w.t.Errorf("got %v, want a refusal with %q", err, words)
	}
}

// logs gathers what the function logs while the test reads it.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
