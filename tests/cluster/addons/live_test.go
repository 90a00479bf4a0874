//go:build cluster

package addons

import (
	"context"
	"crypto/tls"
	"embed"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/tests/cluster/image"
	"irc.now/tests/cluster/machine"
	"irc.now/tests/eventually"
)

//go:embed testdata/*.yaml
var testdata embed.FS

// live is the test cluster, with a client and everything that a test has applied to it.
type live struct {
	client.Client
	*machine.Machine
	log *slog.Logger
}

// openLive finds the running cluster, which `make e2e` brings up.
func openLive(t *testing.T) *live {
	t.Helper()
	root, err := image.Root()
	if err != nil {
		t.Fatal(err)
	}
	m, err := machine.Open(machine.Config{Dir: filepath.Join(root, ".cache", "cluster")})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	o := Options{Root: root, Volumes: filepath.Join(root, ".cache", "cluster", "run", "volumes"), Address: machine.Address, Log: log}
	if err := Install(t.Context(), m, o); err != nil {
		t.Fatal(err)
	}
	config, err := m.Config()
	if err != nil {
		t.Fatal(err)
	}
	c, err := newClient(config)
	if err != nil {
		t.Fatal(err)
	}
	l := &live{Client: c, Machine: m, log: log}
	l.apply(t, "namespace")
	return l
}

// apply applies a file of testdata, and removes what is in it, but for namespaces, when the test ends.
func (l *live) apply(t *testing.T, name string, values ...string) []*object {
	t.Helper()
	text, err := testdata.ReadFile("testdata/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	substitute(objects, strings.NewReplacer(values...).Replace)
	t.Cleanup(func() {
		for _, o := range slices.Backward(objects) {
			if o.GetKind() == "Namespace" {
				continue
			}
			if err := l.Delete(context.WithoutCancel(t.Context()), o); client.IgnoreNotFound(err) != nil {
				t.Errorf("removing %s: %v", describe(o), err)
			}
		}
	})
	if err := (installer{Client: l.Client}).applyEach(t.Context(), objects); err != nil {
		t.Fatal(err)
	}
	return objects
}

// load makes one of our images and brings it to the node.
func (l *live) load(t *testing.T, name string) string {
	t.Helper()
	made, err := image.One(t.Context(), name, l.log)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Load(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	return made.Ref
}

// until waits for a condition, and says how long it took.
func until(t *testing.T, what string, limit time.Duration, met func(context.Context) (bool, error)) {
	t.Helper()
	began := time.Now()
	eventually.Within(t, limit, func(ctx context.Context) error {
		ok, err := met(ctx)
		return eventually.True(ok, "%s (%v)", what, err)
	})
	t.Logf("%s after %.1f s", what, time.Since(began).Seconds())
}

func (l *live) ready(t *testing.T, o *object) {
	t.Helper()
	until(t, describe(o)+" is ready", 3*time.Minute, func(ctx context.Context) (bool, error) {
		err := l.Get(ctx, client.ObjectKeyFromObject(o), o)
		return err == nil && isReady(o), err
	})
}

// atZero waits until a function has no pod.
func (l *live) atZero(t *testing.T, function string) {
	t.Helper()
	until(t, function+" is at zero", 3*time.Minute, func(ctx context.Context) (bool, error) {
		pods, err := l.pods(ctx, function)
		return err == nil && len(pods) == 0, err
	})
}

func (l *live) pods(ctx context.Context, function string) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := l.List(ctx, &list, client.InNamespace("irc-now"), client.MatchingLabels{"serving.knative.dev/service": function})
	return list.Items, err
}

// outside is an HTTP client to which every host is the ingress.
func (l *live) outside(t *testing.T) *http.Client {
	t.Helper()
	config, err := l.Config()
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := Authority(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(machine.Address, port))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func TestFunctionsAnswerFromZeroOnAClusterToRequestsEventsAndTheAPIServer(t *testing.T) {
	l := openLive(t)
	objects := l.apply(t, "function", "${HELLO}", l.load(t, "ko://irc.now/tests/cluster/hello"))
	for _, o := range objects {
		if slices.Contains([]string{"Service", "Broker", "Trigger"}, o.GetKind()) {
			l.ready(t, o)
		}
	}
	t.Run("a request", l.request)
	t.Run("an event", l.event)
	t.Run("an admission", l.admission)
}

func (l *live) request(t *testing.T) {
	outside := l.outside(t)
	ask := func(scheme string) time.Duration {
		began := time.Now()
		status, body := l.send(t, outside, http.MethodGet, scheme+"://addons-hello."+Domain+"/", nil)
		if status != http.StatusOK || body != "hello\n" {
			t.Fatalf("answered %d %q", status, body)
		}
		return time.Since(began)
	}
	l.atZero(t, "addons-hello")
	t.Logf("from zero to the first byte: %d ms", ask("http").Milliseconds())
	var warm []time.Duration
	for range 50 {
		warm = append(warm, ask("https"))
	}
	slices.Sort(warm)
	t.Logf("warm, over TLS: median %.1f ms, slowest %.1f ms", milliseconds(warm[len(warm)/2]), milliseconds(warm[len(warm)-1]))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (l *live) send(t *testing.T, by *http.Client, method, url string, header map[string]string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := by.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// event posts to the broker, from the node, and looks for the event in the function's log.
func (l *live) event(t *testing.T) {
	var ingress corev1.Service
	if err := l.Get(t.Context(), client.ObjectKey{Namespace: "knative-eventing", Name: "broker-ingress"}, &ingress); err != nil {
		t.Fatal(err)
	}
	url := "http://" + ingress.Spec.ClusterIP + "/irc-now/addons"
	post := func(id string) time.Duration {
		began := time.Now()
		status, body := l.send(t, http.DefaultClient, http.MethodPost, url, map[string]string{
			"Ce-Id": id, "Ce-Specversion": "1.0", "Ce-Type": "now.irc.addons", "Ce-Source": "/addons", "Content-Type": "application/json",
		})
		if status != http.StatusAccepted {
			t.Fatalf("the broker answered %d %s", status, body)
		}
		t.Logf("the broker took event %s in %.1f ms", id, milliseconds(time.Since(began)))
		return l.arrival(t, id).Sub(began)
	}
	l.atZero(t, "addons-hello")
	t.Logf("event to a function at zero: %d ms", post("cold").Milliseconds())
	t.Logf("event to a warm function: %.1f ms", milliseconds(post("warm")))
}

// arrival is when a function logged an event.
func (l *live) arrival(t *testing.T, id string) time.Time {
	t.Helper()
	config, err := l.Config()
	if err != nil {
		t.Fatal(err)
	}
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	var arrived time.Time
	until(t, "event "+id+" is in the log", time.Minute, func(ctx context.Context) (bool, error) {
		pods, err := l.pods(ctx, "addons-hello")
		for n := range pods {
			log, logErr := set.CoreV1().Pods("irc-now").GetLogs(pods[n].Name, &corev1.PodLogOptions{Container: "user-container"}).DoRaw(ctx)
			if logErr != nil {
				err = logErr
				continue
			}
			for line := range strings.Lines(string(log)) {
				var at time.Time
				if strings.Contains(line, `"event":"`+id+`"`) {
					at, err = time.Parse(time.RFC3339Nano, between(line, `"time":"`, `"`))
					arrived = at
					return err == nil, err
				}
			}
		}
		return false, err
	})
	return arrived
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

// admission has the API server call a function at zero. The function is no webhook and answers 400, which proves that the
// call arrived, over TLS that the API server trusts: the ingress answers 404 for names it does not know.
func (l *live) admission(t *testing.T) {
	refused := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "addons", Namespace: "irc-now", Labels: map[string]string{"addons.irc.now/refuse": "yes"},
	}}
	const words = "the server rejected our request"
	ask := func() time.Duration {
		began := time.Now()
		err := l.Create(t.Context(), refused.DeepCopy(), client.DryRunAll)
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Fatalf("the API server answered: %v, want %q", err, words)
		}
		return time.Since(began)
	}
	l.atZero(t, "addons-hello")
	t.Logf("admission by a function at zero: %d ms", ask().Milliseconds())
	t.Logf("admission by a warm function: %.1f ms", milliseconds(ask()))
	if pods, err := l.pods(t.Context(), "addons-hello"); err != nil || len(pods) == 0 {
		t.Errorf("the function was not woken: %v %v", pods, err)
	}
}

func TestTheAuthoritySignsOnACluster(t *testing.T) {
	l := openLive(t)
	for _, o := range l.apply(t, "certificate") {
		l.ready(t, o)
	}
}

func TestPostgreSQLRunsOnAClusterWithAVolume(t *testing.T) {
	l := openLive(t)
	for _, o := range l.apply(t, "postgresql", "${POSTGRESQL}", l.load(t, image.PostgreSQL)) {
		l.ready(t, o)
	}
}

func TestTLSIsPassedThroughOnAClusterByServerName(t *testing.T) {
	l := openLive(t)
	l.apply(t, "passthrough")
	shown := func(name string) string {
		dialer := &tls.Dialer{Config: &tls.Config{ServerName: name, InsecureSkipVerify: true}} // whose certificate it is, is the question
		connection, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(machine.Address, "6697"))
		if err != nil {
			return err.Error()
		}
		defer connection.Close()
		secure, ok := connection.(*tls.Conn)
		if !ok {
			return "no TLS"
		}
		return fmt.Sprint(secure.ConnectionState().PeerCertificates[0].DNSNames)
	}
	until(t, "the server behind the route answers", time.Minute, func(context.Context) (bool, error) {
		names := shown("addons-passthrough." + Domain)
		return strings.Contains(names, "webhook.knative-serving.svc"), fmt.Errorf("shown: %s", names)
	})
	if names := shown("somebody-else." + Domain); strings.Contains(names, "webhook") {
		t.Errorf("another name leads there too: %s", names)
	}
}
