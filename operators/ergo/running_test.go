package ergo

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"irc.now/longrunning/local/servers/process"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/reconciler"
	"irc.now/shared/config"
	"irc.now/shared/network"
	"irc.now/tests/eventually"
)

// pod is what the kubelet makes of a network's objects: files in a folder, and a real ergo that reads them. Paths and
// ports are the only things that differ from what a pod gets.
type pod struct {
	t             *testing.T
	network       *v1alpha1.ErgoNetwork
	dir           string
	irc, web, api string
	serial        int64
	servers       *Servers
	server        *process.Process // the last one that was run
}

func newPod(t *testing.T, n *v1alpha1.ErgoNetwork) *pod {
	t.Helper()
	p := &pod{t: t, network: n, dir: t.TempDir(), servers: NewServers()}
	for _, address := range []*string{&p.irc, &p.web, &p.api} {
		*address = serverstest.Address(t).String()
	}
	for _, folder := range []string{"config", "tls", "data"} {
		if err := os.Mkdir(filepath.Join(p.dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p.servers.patience = time.Minute // who is slow on a busy machine is not away
	p.servers.API = func(*v1alpha1.ErgoNetwork) string { return p.api }
	p.servers.IRC = func(*v1alpha1.ErgoNetwork) string { return p.irc }
	return p
}

// mount writes the files of a Secret, as the kubelet does some time after it has changed.
func (p *pod) mount(files map[string][]byte) {
	p.t.Helper()
	replace := strings.NewReplacer(
		configDir, filepath.Join(p.dir, "config"), tlsDir, filepath.Join(p.dir, "tls"), dataDir, filepath.Join(p.dir, "data"),
		":"+strconv.Itoa(portIRC), p.irc, ":"+strconv.Itoa(portWeb), p.web, ":"+strconv.Itoa(portAPI), p.api,
	)
	for name, data := range files {
		p.write(filepath.Join("config", name), []byte(replace.Replace(string(data))))
	}
}

func (p *pod) write(name string, data []byte) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), data, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// certify gives the pod a new certificate, and returns it.
func (p *pod) certify() []byte {
	p.t.Helper()
	p.serial++
	cert, key := certificate(p.t, p.serial)
	p.write("tls/tls.crt", cert)
	p.write("tls/tls.key", key)
	return cert
}

func certificate(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"lab.net.irc.test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// initialise runs the init container's script.
func (p *pod) initialise() {
	p.t.Helper()
	program := serverstest.ErgoWithPostgreSQL(p.t)
	bin := p.t.TempDir()
	if err := os.Symlink(program.Path, filepath.Join(bin, "ergo")); err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(p.t.Context(), "sh", "-c", strings.ReplaceAll(makeStore, configDir, filepath.Join(p.dir, "config")))
	cmd.Dir = filepath.Join(p.dir, "data")
	cmd.Env = append(program.Env, "PATH="+bin+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
}

// run starts the server and waits until it answers.
func (p *pod) run() *process.Process {
	p.t.Helper()
	p.launch()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	for _, address := range []string{p.irc, p.web, p.api} {
		if err := p.server.WaitReady(ctx, process.Dial("tcp", address)); err != nil {
			p.t.Fatal(err)
		}
	}
	return p.server
}

// launch starts the server as the pod does.
func (p *pod) launch() {
	p.t.Helper()
	program := serverstest.ErgoWithPostgreSQL(p.t)
	env := append([]string{}, program.Env...)
	for _, v := range environment() {
		env = append(env, v.Name+"="+v.Value)
	}
	server, err := process.Start(process.Spec{
		Name: "ergo", Path: program.Path, Args: []string{"run", "--conf", filepath.Join(p.dir, "config", keyConfig)},
		Env: env, Dir: filepath.Join(p.dir, "data"), Log: serverstest.Log(p.t),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = server.Stop(context.Background()) })
	p.server = server
}

// kill ends the server as a node does that loses its power.
func (p *pod) kill() {
	p.t.Helper()
	if err := p.server.Signal(syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	<-p.server.Done()
}

func (p *pod) want(r rendered, cert []byte) want {
	p.t.Helper()
	f, ok := fingerprintOf(cert)
	if !ok {
		p.t.Fatal("no certificate")
	}
	return want{rendered: r, host: "lab.net.irc.test", certificate: f}
}

func (p *pod) render(edit func(*v1alpha1.ErgoNetwork)) rendered {
	p.t.Helper()
	if edit != nil {
		edit(p.network)
	}
	made, err := settings().render(p.network, login{user: "ada", hash: testHash}, "")
	if err != nil {
		p.t.Fatal(err)
	}
	return made
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// waits tells whether err is a wait for what comes by itself.
func waits(err error) bool {
	return err != nil && strings.Contains(err.Error(), "ConfigurationPending")
}

func TestWhatIsRenderedIsWhatErgoRuns(t *testing.T) {
	p := newPod(t, lab())
	made := p.render(nil)
	p.mount(made.files)
	cert := p.certify()
	p.initialise()
	p.run()
	r := newRunning(p.servers, discard())
	if reloaded, err := r.load(t.Context(), p.network, p.want(made, cert)); err != nil || reloaded {
		t.Fatalf("%v; reloaded: %t", err, reloaded)
	}
	if numbers, err := p.servers.Status(t.Context(), p.network, made.token); err != nil || numbers != (Numbers{}) {
		t.Errorf("%+v, %v", numbers, err)
	}
	if _, err := p.servers.Status(t.Context(), p.network, "somebody-elses-token-of-some-length"); !errors.Is(err, errUnauthorized) {
		t.Errorf("a wrong token: %v", err)
	}
}

func TestAChangeIsLoadedWhenTheFilesAreThereAndNobodyDrops(t *testing.T) {
	p := newPod(t, lab())
	before := p.render(nil)
	p.mount(before.files)
	cert := p.certify()
	p.initialise()
	p.run()
	r := newRunning(p.servers, discard())
	if _, err := r.load(t.Context(), p.network, p.want(before, cert)); err != nil {
		t.Fatal(err)
	}
	ada := p.connect("ada")
	ada.Expect("372", "Welcome to the lab.")

	// The Secret has changed, but the kubelet has not noticed yet.
	after := p.render(func(n *v1alpha1.ErgoNetwork) { n.Spec.MOTD = "Moved to room 2." })
	if _, err := r.load(t.Context(), p.network, p.want(after, cert)); !waits(err) {
		t.Fatalf("with the former files: %v", err)
	}
	p.mount(after.files)
	if reloaded, err := r.load(t.Context(), p.network, p.want(after, cert)); err != nil || !reloaded {
		t.Fatalf("with the files: %v; reloaded: %t", err, reloaded)
	}
	ada.Send("MOTD")
	ada.Expect("372", "Moved to room 2.")

	renewed := p.certify()
	if reloaded, err := r.load(t.Context(), p.network, p.want(after, renewed)); err != nil || !reloaded {
		t.Fatalf("with a new certificate: %v; reloaded: %t", err, reloaded)
	}
	if shown, err := p.servers.Serves(t.Context(), p.network, "lab.net.irc.test"); err != nil || shown == p.want(after, cert).certificate {
		t.Errorf("%v; the former certificate is served still", err)
	}
	other, _ := certificate(t, 99)
	if _, err := r.load(t.Context(), p.network, p.want(after, other)); !waits(err) {
		t.Errorf("a certificate that is not in the pod: %v", err)
	}
	ada.Send("PING :still here")
	ada.Expect("PONG", "still here")
}

// connect registers over TLS.
func (p *pod) connect(nick string, caps ...string) *serverstest.Client {
	p.t.Helper()
	c := serverstest.DialTLS(p.t, p.irc)
	c.Register(nick, caps...)
	return c
}

func TestABrokenConfigurationLeavesTheServerAsItIs(t *testing.T) {
	p := newPod(t, lab())
	made := p.render(nil)
	p.mount(made.files)
	cert := p.certify()
	p.initialise()
	p.run()
	r := newRunning(p.servers, discard())
	changed := p.render(func(n *v1alpha1.ErgoNetwork) { n.Spec.NetworkName = "Other" })
	p.write("config/"+keyConfig, []byte("server: {"))
	_, err := r.load(t.Context(), p.network, p.want(changed, cert))
	if err == nil || !strings.Contains(err.Error(), "ConfigurationRefused") {
		t.Errorf("got %v", err)
	}
	if _, err := p.servers.Status(t.Context(), p.network, made.proof); err != nil {
		t.Errorf("the server does not run what it ran: %v", err)
	}
}

func TestTheStoreIsMadeOnceAndSurvives(t *testing.T) {
	p := newPod(t, lab())
	p.mount(p.render(nil).files)
	p.certify()
	store := filepath.Join(p.dir, "data", "ircd.db")
	if err := os.WriteFile(store, nil, 0o600); err != nil { // as after a crash at the worst moment
		t.Fatal(err)
	}
	p.initialise()
	made, err := os.ReadFile(store)
	if err != nil || len(made) == 0 {
		t.Fatalf("%v: %d bytes", err, len(made))
	}
	first := p.run()
	ada := p.connect("ada")
	ada.Send("NS REGISTER correct-horse")
	ada.Expect("NOTICE", "now logged in")
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.initialise()
	p.run()
	if got := serverstest.DialTLS(t, p.irc).Authenticate("ada", "ada", "correct-horse"); got.Command != "001" {
		t.Errorf("the account is gone: %s", got.Command)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "data", "new")); !os.IsNotExist(err) {
		t.Errorf("something is left behind: %v", err)
	}
}

func TestServersThatHangOrTalkNonsenseAreErrorsInTime(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"hangs":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"nonsense": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"fails":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"endless":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 10<<20)) },
	} {
		server := httptest.NewServer(handler)
		servers := NewServers()
		servers.API = func(*v1alpha1.ErgoNetwork) string { return server.Listener.Addr().String() }
		servers.patience = 100 * time.Millisecond
		if _, err := servers.Status(t.Context(), lab(), "token"); err == nil {
			t.Errorf("%s: that is an answer", name)
		}
		server.CloseClientConnections()
		server.Close()
	}
}

func TestNetworksAreMeasured(t *testing.T) {
	up, down, suspended := lab(), lab(), lab()
	down.Name, suspended.Name = "down", "suspended"
	suspended.Spec.Suspended = true
	p := newPod(t, up)
	p.mount(p.render(nil).files)
	p.certify()
	p.initialise()
	p.run()
	p.connect("ada").Send("JOIN #lab")
	nobody := serverstest.Address(t).String()
	p.servers.API = func(n *v1alpha1.ErgoNetwork) string {
		if n.Name == up.Name {
			return p.api
		}
		return nobody
	}
	scheme, err := reconciler.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(up, down, suspended).Build()
	s := &Scraper{Client: c, Servers: p.servers, Key: settings().Key, Metrics: NewMetrics(), Log: discard()}
	eventually.Within(t, soon, func(ctx context.Context) error {
		s.scrape(ctx)
		channels := testutil.ToFloat64(s.Metrics.channels.WithLabelValues("lab"))
		return eventually.True(channels == 1, "%v channels are counted", channels)
	})
	want := `
# HELP irc_network_channels Channels on the network.
# TYPE irc_network_channels gauge
irc_network_channels{network="lab"} 1
# HELP irc_network_clients Clients on the network.
# TYPE irc_network_clients gauge
irc_network_clients{network="lab"} 1
# HELP irc_network_clients_limit How many clients may be connected to the network; 0 for no limit.
# TYPE irc_network_clients_limit gauge
irc_network_clients_limit{network="lab"} 50
# HELP irc_network_up Whether the network's server answered when it was last asked.
# TYPE irc_network_up gauge
irc_network_up{network="down"} 0
irc_network_up{network="lab"} 1
`
	if err := testutil.CollectAndCompare(s.Metrics, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	for _, gone := range []*v1alpha1.ErgoNetwork{up, down} {
		if err := c.Delete(t.Context(), &v1alpha1.ErgoNetwork{ObjectMeta: metav1.ObjectMeta{Name: gone.Name, Namespace: gone.Namespace}}); err != nil {
			t.Fatal(err)
		}
	}
	s.scrape(t.Context())
	if n := testutil.CollectAndCount(s.Metrics); n != 0 {
		t.Errorf("%d series of networks that are gone", n)
	}
}

// soon is how long a promise of "soon" may take on a busy machine.
const soon = 20 * time.Second

func TestTokensComeFromThePlatformsKey(t *testing.T) {
	r := renderedLab(t, nil)
	if r.token != network.APIToken(config.Secret("platform key"), "lab") {
		t.Error("it is another than the one that the metrics ask with")
	}
}
