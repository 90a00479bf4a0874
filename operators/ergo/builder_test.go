package ergo

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/reconciler"
	"irc.now/shared/config"
	"irc.now/shared/network"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestWhatIsMissingIsSaid(t *testing.T) {
	if err := settings().Validate(); err != nil {
		t.Error(err)
	}
	err := (&Settings{}).Validate()
	for _, want := range []string{"domain", "key", "image", "database", "issuer", "history", "size"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("nothing is said of the %s: %v", want, err)
		}
	}
}

func settings() *Settings {
	return &Settings{
		Domain: "net.irc.test", Image: "irc.now/ergo:test", History: HistoryPostgreSQL,
		StorageSize: resource.MustParse("1Gi"), Key: "platform key",
		Database: reconciler.DatabaseServer{Host: "database.irc-now.svc", Port: 5432, SSLMode: "require"},
		Issuer:   reconciler.Issuer{Kind: "ClusterIssuer", Name: "irc-now"},
		Gateway:  reconciler.Gateway{Namespace: "irc-now", Name: "irc-now"}, IRCSection: "network", WebSection: "network-https",
		Platform: []string{"irc-now"}, Resolver: reconciler.Resolver{Nameservers: []string{"10.96.0.10"}, Namespaces: []string{"kube-system"}}, Retention: time.Hour,
	}
}

func lab() *v1alpha1.ErgoNetwork {
	return &v1alpha1.ErgoNetwork{
		ObjectMeta: metav1.ObjectMeta{
			Name: "lab", Namespace: "tenants", UID: "0f3a1b2c-0000-4000-8000-000000000001",
			Labels: map[string]string{v1alpha1.LabelOwner: "ada"},
		},
		Spec: v1alpha1.ErgoNetworkSpec{
			Owner: "ada", MaxClients: new(int32(50)), NetworkName: "LabNet", MOTD: "Welcome to the lab.\n\nBe kind.",
		},
	}
}

const testHash = "$2a$04$VZyAqFwBqgTEBQ4vAgjqoOx8JDxvlgO1H3rV1uYYtQ0RCcQ4JMpWW"

func renderedLab(t *testing.T, edit func(*v1alpha1.ErgoNetwork)) rendered {
	t.Helper()
	n := lab()
	if edit != nil {
		edit(n)
	}
	r, err := settings().render(n, login{user: "ada", hash: testHash}, "postgres://ergo_lab:secret@db:5432/ergo_lab")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestObjectsAreAsPromised(t *testing.T) {
	n := lab()
	r := renderedLab(t, nil)
	suspended := lab()
	suspended.Spec.Suspended = true
	classy := settings()
	classy.StorageClass = "fast"
	for name, object := range map[string]any{
		"workload":           settings().workloadFor(n, "start"),
		"workload-suspended": settings().workloadFor(suspended, "start"),
		"service":            serviceFor(n),
		"service-api":        apiServiceFor(n),
		"volume":             settings().volumeFor(n),
		"volume-class":       classy.volumeFor(n),
		"policy":             reconciler.NetworkPolicyFor(n.Namespace, names(n), n.Spec.Owner, settings().reachOf()),
		"routes":             reconciler.RoutesFor(n.Namespace, names(n), n.Spec.Owner, settings().entranceFor(n)),
		"gateway-routes": reconciler.GatewayRoutesFor(
			n.Namespace, names(n), n.Spec.Owner, settings().entranceFor(n), settings().Gateway, "v1"),
		"certificate": reconciler.CertificateFor(n.Namespace, names(n), n.Spec.Owner, settings().Issuer, settings().hostOf(n)),
		"operator":    loginSecretFor(n, login{user: "ada", password: "correct-horse", hash: testHash}),
	} {
		golden(t, name, object)
	}
	secret := configSecretFor(n, r)
	for file, data := range secret.Data {
		compare(t, "config-"+file, data)
	}
	secret.Data = nil
	golden(t, "config", secret)
}

func golden(t *testing.T, name string, object any) {
	t.Helper()
	data, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, name+".yaml", data)
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v: differs from %s (write it anew with -update):\n%s", err, path, got)
	}
}

func TestAsManyClientsAsTheNetworkSaysMayConnect(t *testing.T) {
	number := func(n int32) *int32 { return &n }
	for name, c := range map[string]struct {
		spec v1alpha1.ErgoNetworkSpec
		want string
	}{
		"a number":           {v1alpha1.ErgoNetworkSpec{MaxClients: number(120)}, "max-concurrent-connections: 120"},
		"an older network":   {v1alpha1.ErgoNetworkSpec{Hosting: v1alpha1.HostingGrowth}, "max-concurrent-connections: 200"},
		"an older, kept low": {v1alpha1.ErgoNetworkSpec{Hosting: v1alpha1.HostingStarter, MaxClients: number(20)}, "max-concurrent-connections: 20"},
	} {
		r := renderedLab(t, func(n *v1alpha1.ErgoNetwork) { n.Spec.Hosting, n.Spec.MaxClients = c.spec.Hosting, c.spec.MaxClients })
		if text := string(r.files[keyConfig]); !strings.Contains(text, c.want) {
			t.Errorf("%s: want %q in\n%s", name, c.want, text)
		}
	}
	unlimited := renderedLab(t, func(n *v1alpha1.ErgoNetwork) { n.Spec.MaxClients = nil })
	if text := string(unlimited.files[keyConfig]); strings.Contains(text, "everyone") {
		t.Errorf("without a number there is a limit:\n%s", text)
	}
}

func TestOnlyWhatErgoReadsAtItsStartRestartsIt(t *testing.T) {
	before := renderedLab(t, nil)
	for name, edit := range map[string]func(*v1alpha1.ErgoNetwork){
		"message": func(n *v1alpha1.ErgoNetwork) { n.Spec.MOTD = "other" },
		"name":    func(n *v1alpha1.ErgoNetwork) { n.Spec.NetworkName = "Other" },
		"clients": func(n *v1alpha1.ErgoNetwork) { n.Spec.MaxClients = new(int32(200)) },
	} {
		after := renderedLab(t, edit)
		if after.start != before.start || after.digest == before.digest || after.proof == before.proof {
			t.Errorf("%s: restarts: %t; changes digest: %t", name, after.start != before.start, after.digest != before.digest)
		}
	}
	after, err := settings().render(lab(), login{user: "ada", hash: testHash}, "")
	if err != nil || after.start == before.start {
		t.Errorf("%v: another history does not restart ergo", err)
	}
}

func TestWhatErgoWouldMisreadIsRefused(t *testing.T) {
	n := lab()
	n.Spec.NetworkName = "-x"
	if _, err := settings().render(n, login{user: "ada", hash: testHash}, ""); err == nil {
		t.Error("a name that begins with a dash is rendered")
	}
}

func TestMessagesOfTheDayFitIntoMessages(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"nothing":    {"", ""},
		"blank":      {" \n\n", ""},
		"one line":   {"hello", "hello\n"},
		"empty line": {"a\n\nb\n", "a\n\nb\n"},
		"long words": {strings.Repeat("x", 400), strings.Repeat("x", 380) + "\n" + strings.Repeat("x", 20) + "\n"},
		"long text":  {strings.Repeat("word ", 100), strings.TrimRight(strings.Repeat("word ", 76), " ") + "\n" + strings.Repeat("word ", 24) + "\n"},
		"characters": {strings.Repeat("€", 130), strings.Repeat("€", 126) + "\n" + strings.Repeat("€", 4) + "\n"},
	} {
		if got := motdOf(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestALoginKeepsWhatIsUsable(t *testing.T) {
	fresh, replaced, err := loginFrom(nil, "ada")
	if err != nil || replaced || fresh.user != "ada" || len(fresh.password) < 20 || !network.PasswordMatches(fresh.hash, fresh.password) {
		t.Fatalf("%v, %t: %+v", err, replaced, fresh)
	}
	data := func(user, password, hash string) map[string][]byte {
		return map[string][]byte{keyUser: []byte(user), keyPassword: []byte(password), keyHash: []byte(hash)}
	}
	kept, replaced, err := loginFrom(data(fresh.user, fresh.password.Reveal(), fresh.hash), "ada")
	if err != nil || replaced || kept != fresh {
		t.Errorf("%v, %t: it changed", err, replaced)
	}
	edited, replaced, err := loginFrom(data("root", "my-own-password", fresh.hash), "ada")
	if err != nil || replaced || edited.user != "root" || edited.password != "my-own-password" ||
		!network.PasswordMatches(edited.hash, "my-own-password") {
		t.Errorf("%v, %t: what was edited by hand is not taken over", err, replaced)
	}
	for _, bad := range []string{"two words", strings.Repeat("x", 73), "päss"} {
		l, replaced, err := loginFrom(data("a b", bad, "x"), "ada")
		if err != nil || !replaced || l.user != "ada" || !network.PasswordMatches(l.hash, l.password) {
			t.Errorf("%q: %v, %t, user %q", bad, err, replaced, l.user)
		}
	}
	if l, _, _ := loginFrom(nil, "1ada"); l.user != fallbackUser {
		t.Errorf("a handle that ergo takes for no name becomes %q", l.user)
	}
}

func TestALoginIsNotPrinted(t *testing.T) {
	l := login{user: "ada", password: config.Secret("hunter2"), hash: "hash"}
	if text := l.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "hash") {
		t.Error(text)
	}
}
