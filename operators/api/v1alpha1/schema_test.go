package v1alpha1_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/operatortest"
	shared "irc.now/shared/bouncer"
	"irc.now/shared/reserved"
)

func TestMain(m *testing.M) { os.Exit(operatortest.Main(m, operatortest.Options{})) }

func newClient(t *testing.T) client.Client {
	t.Helper()
	server := operatortest.Shared(t)
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return server.Client(t, scheme)
}

func bouncer(name string, change func(*v1alpha1.SojuBouncerSpec)) *v1alpha1.SojuBouncer {
	b := &v1alpha1.SojuBouncer{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: v1alpha1.SojuBouncerSpec{Owner: "alice", Role: v1alpha1.RoleDedicated},
	}
	if change != nil {
		change(&b.Spec)
	}
	return b
}

func network(name string, change func(*v1alpha1.ErgoNetworkSpec)) *v1alpha1.ErgoNetwork {
	n := &v1alpha1.ErgoNetwork{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       v1alpha1.ErgoNetworkSpec{Owner: "alice", MaxClients: new(int32(50)), NetworkName: "Example"},
	}
	if change != nil {
		change(&n.Spec)
	}
	return n
}

// refused checks that the server does not take the object and says why; "" wants it taken.
func refused(t *testing.T, c client.Client, object client.Object, why string) {
	t.Helper()
	err := c.Create(t.Context(), object, client.DryRunAll)
	switch {
	case why == "" && err != nil:
		t.Errorf("%q is refused: %v", object.GetName(), err)
	case why != "" && (!apierrors.IsInvalid(err) || !strings.Contains(err.Error(), why)):
		t.Errorf("%q: %v, want a sentence about %q", object.GetName(), err, why)
	}
}

func TestNamesOfBothKinds(t *testing.T) {
	c := newClient(t)
	for name, why := range map[string]string{
		"al": "", "alice": "", "a1-b2": "", strings.Repeat("a", 32): "",
		"a": "2 to 32 characters", strings.Repeat("a", 33): "2 to 32 characters", strings.Repeat("a", 300): "no more than 253",
		"1alice": "letters a to z", "alice-": "lowercase RFC 1123", "a--b": "letters a to z", "a.b": "letters a to z",
		"Alice": "lowercase RFC 1123", "älice": "lowercase RFC 1123", "al ice": "lowercase RFC 1123", "xn--lice-loa": "letters a to z",
		"www": "reserved", "chat": "reserved", "nickserv": "reserved", "soju-x": "reserved", "ergo-x": "reserved",
		"irc-now": "reserved", "alice-admin": "reserved", "alice-tls": "reserved",
	} {
		refused(t, c, bouncer(name, nil), why)
		refused(t, c, network(name, nil), why)
	}
	refused(t, c, network("soju-shared", nil), "reserved")
}

// The custom resources refuse what handles are refused, neither more nor less.
func TestThePublishedSchemasReserveTheNames(t *testing.T) {
	for _, file := range []string{"irc.now_sojubouncers.yaml", "irc.now_ergonetworks.yaml"} {
		text, err := os.ReadFile(filepath.Join(published, file))
		if err != nil {
			t.Fatal(err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &crd); err != nil {
			t.Fatal(err)
		}
		var rules strings.Builder
		for _, rule := range crd.Spec.Versions[0].Schema.OpenAPIV3Schema.XValidations {
			rules.WriteString(rule.Rule + "\n")
		}
		for pattern, want := range map[string][]string{
			`!\(self\.metadata\.name in \[([^\]]*)\]\)`:                        reserved.Names(),
			`\[([^\]]*)\]\.exists\(p, self\.metadata\.name\.startsWith\(p\)\)`: reserved.Prefixes(),
			`\[([^\]]*)\]\.exists\(s, self\.metadata\.name\.endsWith\(s\)\)`:   reserved.Suffixes(),
		} {
			if got := listIn(t, rules.String(), pattern); !slices.Equal(got, want) {
				t.Errorf("%s reserves %q, want %q", file, got, want)
			}
		}
	}
}

func listIn(t *testing.T, text, pattern string) []string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
	if len(found) != 1 {
		t.Fatalf("found %d rules like %s", len(found), pattern)
	}
	return strings.Split(strings.ReplaceAll(found[0][1], "'", ""), ", ")
}

func TestLimitsOfBouncers(t *testing.T) {
	c := newClient(t)
	for why, change := range map[string]func(*v1alpha1.SojuBouncerSpec){
		"A dedicated bouncer needs an owner": func(s *v1alpha1.SojuBouncerSpec) { s.Owner = "" },
		"The role shared belongs":            func(s *v1alpha1.SojuBouncerSpec) { s.Role, s.Owner = v1alpha1.RoleShared, "" },
		`supported values: "shared"`:         func(s *v1alpha1.SojuBouncerSpec) { s.Role = "both" },
		"spec.owner: Too long":               func(s *v1alpha1.SojuBouncerSpec) { s.Owner = strings.Repeat("a", 33) },
		"spec.title: Too long":               func(s *v1alpha1.SojuBouncerSpec) { s.Title = strings.Repeat("a", 65) },
		"one line without control":           func(s *v1alpha1.SojuBouncerSpec) { s.Title = "a\nlisten irc+insecure://" },
		"maxUserNetworks":                    func(s *v1alpha1.SojuBouncerSpec) { s.MaxUserNetworks = 1001 },
		"messageExpiryDays":                  func(s *v1alpha1.SojuBouncerSpec) { s.MessageExpiryDays = -1 },
	} {
		refused(t, c, bouncer("limits", change), why)
	}
	for _, title := range []string{"Alice's \"bouncer\" {#1}", strings.Repeat("ä", 64), "日本語", ""} {
		refused(t, c, bouncer("limits", func(s *v1alpha1.SojuBouncerSpec) { s.Title = title }), "")
	}
	forAll := func(s *v1alpha1.SojuBouncerSpec) { s.Role, s.Owner = v1alpha1.RoleShared, "" }
	refused(t, c, bouncer(shared.Shared, forAll), "")
	refused(t, c, bouncer(shared.Shared, nil), "The role shared belongs")
}

func TestLimitsOfNetworks(t *testing.T) {
	c := newClient(t)
	zero := int32(0)
	for why, change := range map[string]func(*v1alpha1.ErgoNetworkSpec){
		"spec.owner":                     func(s *v1alpha1.ErgoNetworkSpec) { s.Owner = "" },
		`supported values: "starter"`:    func(s *v1alpha1.ErgoNetworkSpec) { s.Hosting = "free" },
		"spec.networkName":               func(s *v1alpha1.ErgoNetworkSpec) { s.NetworkName = "" },
		"one word":                       func(s *v1alpha1.ErgoNetworkSpec) { s.NetworkName = "two words" },
		"spec.networkName: Too long":     func(s *v1alpha1.ErgoNetworkSpec) { s.NetworkName = strings.Repeat("a", 33) },
		"spec.motd: Too long":            func(s *v1alpha1.ErgoNetworkSpec) { s.MOTD = strings.Repeat("a", 4097) },
		"must not hold control":          func(s *v1alpha1.ErgoNetworkSpec) { s.MOTD = "a\x1b[2Jb" },
		"spec.maxClients in body should": func(s *v1alpha1.ErgoNetworkSpec) { s.MaxClients = &zero },
	} {
		refused(t, c, network("limits", change), why)
	}
	refused(t, c, network("limits", func(s *v1alpha1.ErgoNetworkSpec) { s.MOTD = "Hello,\n\tworld\n" }), "")
	refused(t, c, network("limits", func(s *v1alpha1.ErgoNetworkSpec) { s.MaxClients = nil }), "") // admission's to judge
}

// What an older version has written, and may still write while both run.
func TestANetworkOfTheFormerShapeIsStillTaken(t *testing.T) {
	c := newClient(t)
	n := network("former", func(s *v1alpha1.ErgoNetworkSpec) { s.Hosting, s.MaxClients = v1alpha1.HostingGrowth, nil })
	if err := c.Create(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if n.Spec.MaxClients != nil || n.Spec.Clients() != 200 {
		t.Errorf("it is stored as %+v", n.Spec)
	}
	n.Spec.MaxClients = new(int32(150))
	if err := c.Update(t.Context(), n); err != nil || n.Spec.Clients() != 150 {
		t.Errorf("%v: %+v", err, n.Spec)
	}
}

// What docs/deploying.md has people write.
func TestTheDocumentedNetworkIsTaken(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/deploying.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin = "    apiVersion: irc.now/v1alpha1\n"
	_, example, found := strings.Cut(string(guide), begin)
	example, _, _ = strings.Cut(example, "\n\n")
	var n v1alpha1.ErgoNetwork
	if err := yaml.UnmarshalStrict([]byte(begin+example), &n); !found || err != nil {
		t.Fatalf("%v: %s", err, example)
	}
	n.Namespace = "default"
	refused(t, newClient(t), &n, "")
	if n.Annotations[v1alpha1.AnnotationPlanClients] != strconv.Itoa(int(n.Spec.Clients())) || n.Labels[v1alpha1.LabelOwner] != n.Spec.Owner {
		t.Errorf("it is %+v", n)
	}
}

func TestTheNumberOfClientsCounts(t *testing.T) {
	for name, c := range map[string]struct {
		spec v1alpha1.ErgoNetworkSpec
		want int32
	}{
		"a number":                      {v1alpha1.ErgoNetworkSpec{MaxClients: new(int32(300))}, 300},
		"no number":                     {v1alpha1.ErgoNetworkSpec{}, 0},
		"under starter":                 {v1alpha1.ErgoNetworkSpec{Hosting: v1alpha1.HostingStarter}, 50},
		"under growth":                  {v1alpha1.ErgoNetworkSpec{Hosting: v1alpha1.HostingGrowth}, 200},
		"under growth, and lower":       {v1alpha1.ErgoNetworkSpec{Hosting: v1alpha1.HostingGrowth, MaxClients: new(int32(20))}, 20},
		"asked for under a larger plan": {v1alpha1.ErgoNetworkSpec{Hosting: v1alpha1.HostingStarter, MaxClients: new(int32(150))}, 50},
	} {
		if got := c.spec.Clients(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// The owner becomes a label and a part of an address.
func TestAnOwnerIsAHandle(t *testing.T) {
	c := newClient(t)
	for owner, why := range map[string]string{
		"a1-b2": "", "..": "must be a handle", "a/b": "must be a handle", "Alice": "must be a handle", "al ice": "must be a handle",
		"alice-": "must be a handle", "\u0430lice": "must be a handle", "alice\n": "must be a handle", "alice?": "must be a handle",
	} {
		refused(t, c, bouncer("handle", func(s *v1alpha1.SojuBouncerSpec) { s.Owner = owner }), why)
		refused(t, c, network("handle", func(s *v1alpha1.ErgoNetworkSpec) { s.Owner = owner }), why)
	}
}

// Tools that wait for an object would take one for finished that says nothing at all of how it is doing.
func TestWhatTheOperatorHasNotSeenIsInProgress(t *testing.T) {
	c := newClient(t)
	for _, object := range []client.Object{bouncer("unseen", nil), network("unseen", nil)} {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		gvk, err := c.GroupVersionKindFor(object)
		if err != nil {
			t.Fatal(err)
		}
		stored := &unstructured.Unstructured{}
		stored.SetGroupVersionKind(gvk)
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(object), stored); err != nil {
			t.Fatal(err)
		}
		if result, err := status.Compute(stored); err != nil || result.Status != status.InProgressStatus {
			t.Errorf("a new %s is %+v, %v", gvk.Kind, result, err)
		}
	}
}

func TestOwnerAndRoleNeverChange(t *testing.T) {
	c := newClient(t)
	b, n := bouncer("fixed", nil), network("fixed", nil)
	for _, object := range []client.Object{b, n} {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	for object, change := range map[client.Object]func(){
		b: func() { b.Spec.Owner = "mallory" }, n: func() { n.Spec.Owner = "mallory" },
	} {
		change()
		if err := c.Update(t.Context(), object); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "The owner never changes.") {
			t.Errorf("%T: %v", object, err)
		}
	}
	b.Spec.Owner, b.Spec.Role = "", v1alpha1.RoleShared
	if err := c.Update(t.Context(), b); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "The role never changes.") {
		t.Error(err)
	}
}

func TestTheRoleIsDedicatedByDefault(t *testing.T) {
	c := newClient(t)
	b := bouncer("defaults", func(s *v1alpha1.SojuBouncerSpec) { s.Role = "" })
	text := client.RawPatch("application/apply-patch+yaml", []byte(
		`{"apiVersion":"irc.now/v1alpha1","kind":"SojuBouncer","metadata":{"name":"defaults"},"spec":{"owner":"alice"}}`))
	if err := c.Patch(t.Context(), b, text, client.FieldOwner("test")); err != nil {
		t.Fatal(err)
	}
	if b.Spec.Role != v1alpha1.RoleDedicated {
		t.Errorf("the role is %q", b.Spec.Role)
	}
}
