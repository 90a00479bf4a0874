package schema_test

import (
	"bytes"
	"context"
	"maps"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/longrunning/schema"
	"irc.now/operators/operatortest"
	"irc.now/shared/config"
	"irc.now/shared/key"
	"irc.now/shared/key/keytest"
	"irc.now/shared/telemetry"
)

// cluster is a namespace on a real API server.
type cluster struct {
	client.Client

	config    *rest.Config
	namespace string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	server := operatortest.Shared(t)
	c := &cluster{Client: server.Client(t, nil), config: server.Config()}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "schema-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	c.namespace = namespace.Name
	return c
}

func (c *cluster) sink(t *testing.T) *schema.Secrets {
	t.Helper()
	sink, err := schema.NewSecrets(c.config, c.namespace)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

func (c *cluster) secret(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	var found corev1.Secret
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: c.namespace, Name: name}, &found); err != nil {
		t.Fatal(err)
	}
	return &found
}

func TestSecretsHoldWhatWorks(t *testing.T) {
	w, c := newWorld(t), newCluster(t)
	w.config.Sink = c.sink(t)
	w.run()
	portal := c.secret(t, "database-portal")
	uri := string(portal.Data["uri"])
	w.exec(w.connect(uri), `SELECT * FROM account`)
	if uri != string(portal.Data["uri-"+w.name]) {
		t.Error("the addresses of the one database differ")
	}
	w.run()
	if again := c.secret(t, "database-portal"); again.ResourceVersion != portal.ResourceVersion {
		t.Error("a run that finds everything writes the Secret")
	}
}

func TestAPasswordChangedInTheSecretIsRotated(t *testing.T) {
	w, c := newWorld(t), newCluster(t)
	w.config.Sink = c.sink(t)
	w.run()
	secret := c.secret(t, "database-revoke")
	before := string(secret.Data["uri"])
	secret.Data["password"] = []byte("chosen-by-somebody\n")
	secret.Data["note"] = []byte("somebody's")
	if err := c.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w.run()
	secret = c.secret(t, "database-revoke")
	address, err := url.Parse(string(secret.Data["uri"]))
	if err != nil {
		t.Fatal(err)
	}
	if password, _ := address.User.Password(); password != "chosen-by-somebody" || string(secret.Data["note"]) != "somebody's" {
		t.Errorf("the address is of another password, or the note is gone: %q", secret.Data["note"])
	}
	w.exec(w.connect(address.String()), `SELECT id FROM account`)
	if _, err := w.tryConnect(before); err == nil {
		t.Error("the former password still works")
	}
}

func TestASecretWithoutAUsablePasswordGetsOne(t *testing.T) {
	c := newCluster(t)
	for name, data := range map[string]map[string][]byte{"short": {"password": []byte("guess")}, "none": nil} {
		err := c.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: "database-" + name}, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		password, err := c.sink(t).Password(t.Context(), name)
		if err != nil || len(password.Reveal()) < 20 || string(c.secret(t, "database-"+name).Data["password"]) != password.Reveal() {
			t.Errorf("%s: a password of %d characters, %v", name, len(password.Reveal()), err)
		}
	}
}

func TestManyWhoMakeASecretGetOnePassword(t *testing.T) {
	c := newCluster(t)
	var all sync.WaitGroup
	passwords := make([]string, 8)
	for i := range passwords {
		sink := c.sink(t)
		all.Go(func() {
			password, err := sink.Password(t.Context(), "portal")
			if err != nil {
				t.Error(err)
			}
			passwords[i] = password.Reveal()
		})
	}
	all.Wait()
	for _, password := range passwords {
		if password != passwords[0] || password == "" {
			t.Fatal("two have different passwords")
		}
	}
}

func (w *world) environment(c *cluster) map[string]string {
	address, err := url.Parse(w.admin("postgres"))
	if err != nil {
		w.t.Fatal(err)
	}
	return map[string]string{
		"DATABASE_ADMIN_URL": address.String(), "DATABASE_HOST": address.Hostname(), "DATABASE_PORT": address.Port(),
		"DATABASE_SSLMODE": "disable", "NAMESPACE": c.namespace, "PLATFORM_KEY_FILE": keytest.File(w.t, platformKey),
	}
}

const platformKey config.Secret = "what all keys of the platform come from"

func (c *cluster) find() (*rest.Config, error) { return c.config, nil }

func TestTheProgramSaysWhetherItWorked(t *testing.T) {
	w, c := newWorld(t), newCluster(t)
	var said bytes.Buffer
	env := w.environment(c)
	log := telemetry.NewLogger(&said, "schema", nil)
	if err := schema.BringAll(t.Context(), env, log, c.find, w.config.Databases); err != nil {
		t.Fatalf("%v:\n%s", err, &said)
	}
	uri := string(c.secret(t, "database-deadletter").Data["uri"])
	if !strings.HasSuffix(uri, "/"+w.name+"?sslmode=disable") {
		t.Error("the address does not lead to DATABASE_HOST as the settings say")
	}
	w.exec(w.connect(uri), `INSERT INTO dead_letter VALUES ('s', '1', '', 't', '', '', now())`)
	for _, want := range []string{"database is up to date", "outbox 1", "program can sign in", "deadletter"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &said)
		}
	}
	for _, purpose := range key.Purposes() {
		if kept := string(c.secret(t, purpose.Secret()).Data[key.Field]); kept != purpose.Of(platformKey).Reveal() || strings.Contains(said.String(), kept) {
			t.Errorf("the key for %s is not where programs look for it, or said", purpose)
		}
	}
	password, _ := mustParse(t, uri).User.Password()
	if strings.Contains(said.String(), password) {
		t.Error("it says a password")
	}
	for name, change := range map[string]map[string]string{
		"nothing is set":       {"DATABASE_ADMIN_URL": "", "DATABASE_HOST": "", "NAMESPACE": "", "PLATFORM_KEY_FILE": ""},
		"the key is short":     {"PLATFORM_KEY_FILE": keytest.File(t, "hunter2")},
		"the key is not there": {"PLATFORM_KEY_FILE": "/nowhere/key"},
		"an address is wrong":  {"DATABASE_ADMIN_URL": "postgres://u:hunter2@h:port/d"},
	} {
		env := w.environment(c)
		maps.Copy(env, change)
		err := schema.BringAll(t.Context(), env, log, c.find, w.config.Databases)
		if err == nil || strings.Contains(err.Error()+said.String(), "hunter2") {
			t.Errorf("%s: %v:\n%s", name, err, &said)
		}
	}
}

func TestTheProgramWaitsForTheServer(t *testing.T) {
	w, c := newWorld(t), newCluster(t)
	env := w.environment(c)
	env["DATABASE_ADMIN_URL"] = "postgres://u:hunter2@127.0.0.1:1/postgres"
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var said bytes.Buffer
	err := schema.BringAll(ctx, env, telemetry.NewLogger(&said, "schema", nil), c.find, w.config.Databases)
	if err == nil || !strings.Contains(said.String(), "waiting for the database server") || strings.Contains(err.Error()+said.String(), "hunter2") {
		t.Errorf("%v:\n%s", err, &said)
	}
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
