//go:build cluster

package story_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/go-logr/logr"

	"irc.now/operators/api/v1alpha1"
	"irc.now/tests/cluster/image"
	"irc.now/tests/cluster/machine"
	"irc.now/tests/user"
	"irc.now/tests/webclient"
)

// Namespaces and host names of the test overlay.
const (
	platform = "irc-now"
	tenants  = "irc-now-tenants"
	domain   = "irc.test"
	portal   = "https://my." + domain
	stripe   = "http://stripe." + domain
)

// world is the cluster as the tests reach it: its API as an administrator, its doors as anybody.
type world struct {
	client.WithWatch

	pods    kubernetes.Interface // for logs
	roots   *x509.CertPool       // the test cluster's own authority
	machine *machine.Machine
	one     sync.Mutex // restarts at a time
	dumps   string     // where failures are explained
	lock    *os.File   // held until the process ends

	explained sync.Map // names of tests
}

// here is the world of all tests.
var here *world

func TestMain(m *testing.M) {
	kubeconfig := os.Getenv("IRC_NOW_CLUSTER")
	if kubeconfig == "" {
		fmt.Fprintln(os.Stderr, "These tests need the test cluster: `make e2e` brings it up and runs them with IRC_NOW_CLUSTER set to its kubeconfig.")
		os.Exit(1)
	}
	logf.SetLogger(logr.Discard())
	made, err := newWorld(kubeconfig)
	if err == nil {
		err = made.prepare()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "reach the test cluster:", err)
		os.Exit(1)
	}
	here = made
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() { // which ends tests without their cleanups
		<-interrupted
		if err := here.mend(); err != nil {
			fmt.Fprintln(os.Stderr, "put right what tests have broken:", err)
		}
		os.Exit(1)
	}()
	code := m.Run()
	figures.print(os.Stdout)
	os.Exit(code)
}

func newWorld(kubeconfig string) (*world, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 200, 400
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, err
	}
	pods, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	root, err := image.Root()
	if err != nil {
		return nil, err
	}
	cache := filepath.Join(root, ".cache", "cluster")
	node, err := machine.Open(machine.Config{Dir: cache, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return &world{WithWatch: c, pods: pods, machine: node, dumps: filepath.Join(cache, "failures")}, nil
}

// prepare puts right what an earlier run has left, and forgets what was said of its failures.
func (w *world) prepare() error {
	if err := w.alone(); err != nil {
		return err
	}
	if err := w.mend(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(w.trust(ctx), w.sweep(ctx), os.RemoveAll(w.dumps))
}

// alone waits until nobody else tells a story on this cluster: each would take what the other made for left over.
func (w *world) alone() (err error) {
	if w.lock, err = os.Create(filepath.Join(filepath.Dir(w.dumps), "story.lock")); err != nil {
		return err
	}
	if syscall.Flock(int(w.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		return nil
	}
	fmt.Fprintln(os.Stderr, "These tests run on this cluster already; waiting until they end…")
	return syscall.Flock(int(w.lock.Fd()), syscall.LOCK_EX)
}

// trust reads the authority that signs every certificate of the test cluster.
func (w *world) trust(ctx context.Context) error {
	var authority corev1.Secret
	if err := w.Get(ctx, client.ObjectKey{Namespace: "cert-manager", Name: "irc-now-ca"}, &authority); err != nil {
		return fmt.Errorf("read the cluster's authority: %w", err)
	}
	w.roots = x509.NewCertPool()
	if !w.roots.AppendCertsFromPEM(authority.Data["tls.crt"]) {
		return errors.New("the Secret cert-manager/irc-now-ca holds no certificate")
	}
	return nil
}

// dial connects as a client out in the world does, whose DNS leads every host of the domain to the ingress.
func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if host != domain && !strings.HasSuffix(host, "."+domain) {
		return nil, fmt.Errorf("%s is no host of the test cluster", host)
	}
	return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(machine.Address, port))
}

func (w *world) transport() *http.Transport {
	return &http.Transport{
		DialContext: w.dial, TLSClientConfig: &tls.Config{RootCAs: w.roots, MinVersion: tls.VersionTLS12},
		// A function that starts from zero has this long for its first byte.
		ResponseHeaderTimeout: 60 * time.Second,
	}
}

// newcomer signs up and picks a handle, which is new even on a cluster that has seen this story before.
func (w *world) newcomer(t *testing.T, name string) *user.Person {
	t.Helper()
	p := w.visitor(t, name)
	p.Join()
	return p
}

// oneOfUs begins the handle of everybody here, by which a later run knows what an earlier one has left.
const oneOfUs = "story"

func (w *world) visitor(t *testing.T, name string) *user.Person {
	t.Helper()
	handle := fmt.Sprintf("%s%s%x", oneOfUs, name, time.Now().UnixMilli()&0xffffffff)
	return &user.Person{
		T: t, Browser: webclient.With(t, w.transport()), Portal: portal, Email: handle + "@example.org", Handle: handle,
		// Several functions may have to start from zero on the way.
		Patience: mending,
	}
}
