package manifests_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"irc.now/knative/deploy"
	"irc.now/knative/render"
	"irc.now/longrunning/local/servers"
	"irc.now/longrunning/local/servers/debian"
	"irc.now/operators/operatortest"
)

// place is a cluster with all that irc.now needs but no irc.now, and a registry. Programs find them by the environment.
type place struct {
	*testing.T
	client   client.Client
	registry string // where images are pushed
	programs string // the folder of stand-ins
	jobs     *jobs
	said     *bytes.Buffer
}

// newPlace is a place where kubectl is the real one. ko and docker are stand-ins, which push nothing that runs.
func newPlace(t *testing.T) *place {
	t.Helper()
	server := operatortest.Start(t, operatortest.Options{Without: true})
	_, err := envtest.InstallCRDs(server.Config(), envtest.CRDInstallOptions{CRDs: slices.DeleteFunc(definitions(t), ours)})
	if err != nil {
		t.Fatal(err)
	}
	images := httptest.NewServer(registry.New(registry.Logger(quiet()), registry.WithBlobHandler(registry.NewDiskBlobHandler(t.TempDir()))))
	t.Cleanup(images.Close)
	p := &place{
		T: t, client: server.Client(t, nil), registry: strings.TrimPrefix(images.URL, "http://") + "/irc-now",
		programs: t.TempDir(), said: &bytes.Buffer{}, jobs: endJobs(t, server.Config()),
	}
	p.ko("a")
	p.standIn("docker", `[ "$1" != push ] || `+pusher+`="$2" exec '`+os.Args[0]+`' -test.run '^TestMain$'`)
	t.Setenv("KUBECONFIG", server.Kubeconfig(t))
	t.Setenv("PATH", p.programs+":"+filepath.Dir(kubectl(t))+":"+os.Getenv("PATH"))
	return p
}

// ko has the stand-in for ko build images whose digest is that one figure.
func (p *place) ko(figure string) {
	p.Helper()
	p.standIn("ko", `sed "s#ko://irc.now\(.*\)#$KO_DOCKER_REPO/irc.now\1@sha256:`+strings.Repeat(figure, 64)+`#"`)
}

// standIn has a program note how it is called and do something else.
func (p *place) standIn(program, does string) {
	p.Helper()
	script := "#!/bin/sh\nset -e\necho \"" + program + " $*\" >>'" + p.calls() + "'\n" + does + "\n"
	if err := os.WriteFile(filepath.Join(p.programs, program), []byte(script), 0o755); err != nil {
		p.Fatal(err)
	}
}

// calls is the file in which stand-ins note how they were called.
func (p *place) calls() string { return filepath.Join(p.programs, "calls") }

func ours(definition *apiextensions.CustomResourceDefinition) bool {
	return definition.Spec.Group == "irc.now"
}

// pusher makes this program push an image of any content, and do nothing else.
const pusher = "MANIFESTS_TEST_PUSH"

func push(image string) error {
	reference, err := name.ParseReference(image)
	if err != nil {
		return err
	}
	content, err := random.Image(64, 1)
	if err != nil {
		return err
	}
	return remote.Write(reference, content)
}

// kubectl is the one on PATH, or Debian's.
func kubectl(t *testing.T) string {
	t.Helper()
	if found, err := exec.LookPath("kubectl"); err == nil {
		return found
	}
	cache, err := servers.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	got, err := debian.Get(context.WithoutCancel(t.Context()), debian.Request{
		Dir: cache, Name: "kubectl", Suites: []string{"trixie", "sid"}, Probe: []string{"/usr/bin/kubectl", "version", "--client"},
	})
	if errors.Is(err, debian.ErrNotDebian) && os.Getenv("CI") == "" {
		t.Skip("kubectl is missing: install it and try again")
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(got.Root, "usr/bin/kubectl")
}

// deploy deploys the overlay generic, and gives what was applied.
func (p *place) deploy(change func(*deploy.Config)) ([]render.Object, error) {
	p.Helper()
	c := deploy.Config{
		Root: root, Overlay: "generic", Registry: p.registry, Ko: "ko", Out: p.said, Applied: filepath.Join(p.TempDir(), "applied.yaml"),
	}
	if change != nil {
		change(&c)
	}
	if err := deploy.Run(p.Context(), c); err != nil {
		return nil, err
	}
	return applied(p.T, c.Applied), nil
}

// applied are the objects in a file that deploying keeps.
func applied(t *testing.T, file string) []render.Object {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var objects []render.Object
	for document := range strings.SplitSeq(string(content), "---\n") {
		var object render.Object
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		if object != nil {
			objects = append(objects, object)
		}
	}
	return objects
}

// contents are objects as the cluster has them, but for the API server's notes on who wrote what: the second time that
// something is applied those still take up what defaults have added.
func (p *place) contents(objects []render.Object) map[string]string {
	p.Helper()
	found := map[string]string{}
	for _, object := range objects {
		live := &unstructured.Unstructured{}
		live.SetAPIVersion(object.APIVersion())
		live.SetKind(object.Kind())
		if err := p.client.Get(p.Context(), client.ObjectKey{Namespace: object.Namespace(), Name: object.Name()}, live); err != nil {
			p.Fatalf("%s: %v", object, err)
		}
		live.SetManagedFields(nil)
		live.SetResourceVersion("")
		content, err := live.MarshalJSON()
		if err != nil {
			p.Fatal(err)
		}
		found[object.String()] = string(content)
	}
	return found
}

// called is how the stand-ins were called, since it was asked last.
func (p *place) called() string {
	p.Helper()
	content, err := os.ReadFile(p.calls())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.Fatal(err)
	}
	if err := os.WriteFile(p.calls(), nil, 0o600); err != nil {
		p.Fatal(err)
	}
	return string(content)
}

// shell runs a command line, and gives what it prints.
func (p *place) shell(line string) string {
	p.Helper()
	command := exec.CommandContext(p.Context(), "bash", "-euo", "pipefail", "-c", line)
	command.Dir = root
	output, err := command.CombinedOutput()
	if err != nil {
		p.Fatalf("%s: %v\n%s", line, err, output)
	}
	return string(output)
}

// block is an indented block of the page for whoever deploys.
var block = regexp.MustCompile(`(?m)(?:^    .*\n)+`)

// prepare does what the page says has to be there before the first deployment, word for word. What stands for Knative,
// Kafka and the like is made first.
func (p *place) prepare() {
	p.Helper()
	p.shell(`
for space in cert-manager knative-serving knative-eventing kourier-system envoy-gateway-system cnpg-system monitoring; do
	kubectl create namespace $space
done
kubectl --namespace knative-serving create configmap config-network
kubectl --namespace knative-serving create configmap config-certmanager
kubectl --namespace knative-eventing create configmap kafka-broker-config --from-literal=bootstrap.servers=kafka:9092
kubectl --namespace cert-manager create secret generic cluster-local --from-literal=ca.crt=certificate
kubectl create -f tests/manifests/testdata/administrators.yaml`)
	page, err := os.ReadFile(filepath.Join(root, "docs/deploying.md"))
	if err != nil {
		p.Fatal(err)
	}
	before, _, ok := strings.Cut(string(page), "\n## Deploying, and upgrading\n")
	if !ok {
		p.Fatal("docs/deploying.md has no section on deploying")
	}
	for _, text := range block.FindAllString(before, -1) {
		if !strings.Contains(text, "oc ") { // for OpenShift
			p.shell(text)
		}
	}
}

// A first deployment, what goes wrong on the way, and further ones: one cluster, since it takes long to make.
func TestDeploying(t *testing.T) {
	p := newPlace(t)
	for _, step := range []struct {
		name string
		do   func(*place)
	}{
		{"it says what the cluster lacks", (*place).lacks},
		{"a key and a kind are missed", (*place).lacksParts},
		{"without a cluster it says so", (*place).nowhere},
		{"a job that fails keeps programs from starting", (*place).jobFails},
		{"what the cluster refused is said", (*place).refused},
		{"everything is applied the next time", (*place).deploys},
		{"deploying the same again changes nothing", (*place).again},
		{"each release has a job of its own", (*place).another},
		{"images are built again on request", (*place).rebuilds},
		{"clusters are left alone on request", (*place).leaves},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			inner := *p
			inner.T = t
			step.do(&inner)
		}) {
			return // what follows builds on it
		}
	}
}

// refusal fails the test unless deploying ends with all that is wanted, and nothing is built.
func (p *place) refusal(wanted ...string) {
	p.Helper()
	_, err := p.deploy(nil)
	if err == nil {
		p.Fatal("it deployed")
	}
	for _, want := range wanted {
		if !strings.Contains(err.Error(), want) {
			p.Errorf("it does not say %q: %v", want, err)
		}
	}
	if calls := p.called(); calls != "" {
		p.Errorf("something was built:\n%s", calls)
	}
}

func (p *place) lacks() {
	p.refusal(
		"Secret irc-now/stripe with the keys key, webhook-secrets", "ConfigMap irc-now/stripe-prices with the keys pro",
		"ClusterIssuer letsencrypt", "GatewayClass irc-now", "ConfigMap knative-eventing/kafka-broker-config",
	)
	p.prepare()
}

func (p *place) lacksParts() {
	serve := func(kind string, served bool) {
		p.shell(fmt.Sprintf(`kubectl patch crd %s.monitoring.coreos.com --type json --patch '[{"op": "replace", "path": "/spec/versions/0/served", "value": %v}]'
until [ "$(kubectl get --raw /apis/monitoring.coreos.com/v1 | grep -c '"%s"')" = %d ]; do sleep 0.1; done`, kind, served, kind, map[bool]int{true: 1}[served]))
	}
	serve("podmonitors", false)
	p.refusal("needs:\n  the kind PodMonitor of monitoring.coreos.com/v1")
	serve("podmonitors", true)
	p.shell(`kubectl --namespace irc-now patch secret stripe --type json --patch '[{"op": "remove", "path": "/data/webhook-secrets"}]'`)
	p.refusal("needs:\n  in Secret irc-now/stripe the keys webhook-secrets")
	p.shell(`kubectl --namespace irc-now patch secret stripe --patch '{"stringData": {"webhook-secrets": "whsec"}}'`)
}

func (p *place) nowhere() {
	p.Setenv("KUBECONFIG", filepath.Join(p.TempDir(), "none"))
	p.refusal("current context")
}

// refused has somebody else own a field that is to be applied with another value.
func (p *place) refused() {
	p.shell("kubectl --namespace irc-now create deployment chat --image example.org/a:1 --replicas 7")
	if _, err := p.deploy(nil); err == nil || !strings.Contains(err.Error(), "deploy again") {
		p.Errorf("it says %v", err)
	}
	p.shell("kubectl --namespace irc-now delete deployment chat")
	if began := p.jobs.began.Load(); began != 2 {
		p.Errorf("%d jobs began, with one that failed and was to begin again", began)
	}
	if calls := p.called(); strings.Count(calls, "docker push "+p.registry+"/") != 3 {
		p.Errorf("the images of soju, ergo and web chat are not pushed:\n%s", calls)
	}
}

func (p *place) deploys() {
	objects, err := p.deploy(nil)
	if err != nil {
		p.Fatalf("%v\n%s", err, p.said)
	}
	if server := p.shell("kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}'"); !strings.Contains(p.said.String(), " to "+server+", context ") {
		p.Errorf("it does not say that it deploys to %s:\n%s", server, p.said)
	}
	wanted, err := render.Overlay(root, "generic")
	if err != nil || len(objects) != len(wanted) {
		p.Errorf("%d of %d objects were applied (%v)", len(objects), len(wanted), err)
	}
	p.contents(objects)
	for _, image := range render.Images(objects) {
		p.Errorf("the image %s is nobody's to pull", image)
	}
	if calls := p.called(); strings.Contains(calls, "docker") {
		p.Errorf("what the registry has was built again:\n%s", calls)
	}
}

func (p *place) again() {
	objects, err := p.deploy(func(c *deploy.Config) { c.Leave = true })
	if err != nil {
		p.Fatal(err)
	}
	before := p.contents(objects)
	if _, err := p.deploy(nil); err != nil {
		p.Fatal(err)
	}
	for name, content := range p.contents(objects) {
		if content != before[name] {
			p.Errorf("%s was changed", name)
		}
	}
	if began := p.jobs.began.Load(); began != 2 {
		p.Errorf("the job that was done, %s, ran again", p.jobOf(objects))
	}
}

// another deploys a release of which the Job is another.
func (p *place) another() {
	before, err := p.deploy(nil)
	if err != nil {
		p.Fatal(err)
	}
	p.ko("b")
	after, err := p.deploy(nil)
	if err != nil {
		p.Fatal(err)
	}
	if p.jobOf(before) == p.jobOf(after) || p.jobs.began.Load() != 3 {
		p.Errorf("%s ran for both releases, of %d", p.jobOf(after), p.jobs.began.Load())
	}
}

func (p *place) rebuilds() {
	p.called()
	before, err := p.deploy(func(c *deploy.Config) { c.Leave = true })
	if err != nil {
		p.Fatal(err)
	}
	rebuilt, err := p.deploy(func(c *deploy.Config) { c.Leave, c.Rebuild = true, true })
	if err != nil {
		p.Fatal(err)
	}
	if calls := p.called(); strings.Count(calls, "docker build --pull") != 3 || reflect.DeepEqual(before, rebuilt) {
		p.Errorf("they were not:\n%s", calls)
	}
}

func (p *place) leaves() {
	p.Setenv("KUBECONFIG", filepath.Join(p.TempDir(), "none"))
	if objects, err := p.deploy(func(c *deploy.Config) { c.Leave = true }); err != nil || len(objects) == 0 {
		p.Errorf("%d objects are written down, %v", len(objects), err)
	}
}
