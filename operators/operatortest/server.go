package operatortest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"irc.now/longrunning/local/servers"
)

// startTimeout is for each of etcd and the API server, on a machine that builds and tests other things at once.
const startTimeout = 2 * time.Minute

// stopTimeout is short: the API server waits for watches to end, and tests have nothing to lose.
const stopTimeout = 30 * time.Second

const loopback = "127.0.0.1"

// Options says what a server knows besides Kubernetes' own kinds and ours (knative/base/crds).
type Options struct {
	// CRDs are further CustomResourceDefinitions.
	CRDs []Source
	// Without leaves out our own kinds.
	Without bool
	// Flags are further flags of the API server: a name without dashes, and its value.
	Flags map[string]string
}

// Server is a running API server.
type Server struct {
	// Environment is what controller-runtime calls it; AddUser makes clients that are not administrators.
	Environment *envtest.Environment
	config      *rest.Config
	dir         string
	release     []func() // of its ports
}

var (
	shared  = sync.OnceValues(func() (*Server, error) { return start(options) })
	options Options
	started *Server // by shared; Main stops it
)

// Main runs a package's tests and stops the server that they shared, if any of them asked for it. It returns the
// exit status.
func Main(m *testing.M, o Options) int {
	options = o
	status := m.Run()
	if started == nil {
		return status
	}
	if err := started.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(status, 1)
	}
	return status
}

// Shared is the server of the package's tests, with the options given to Main; the first test that asks starts it.
// Without the programs the test fails in CI and is skipped elsewhere.
func Shared(t testing.TB) *Server {
	t.Helper()
	server, err := shared()
	check(t, err)
	started = server
	return server
}

// Start starts a server for one test alone, for what would disturb others. It is stopped when the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	server, err := start(o)
	check(t, err)
	t.Cleanup(func() {
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func check(t testing.TB, err error) {
	t.Helper()
	var missing *missingError
	switch {
	case err == nil:
	case errors.As(err, &missing) && os.Getenv("CI") == "":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// Config is an administrator's configuration. The caller may change it: it is a copy.
func (s *Server) Config() *rest.Config { return rest.CopyConfig(s.config) }

// Client is an administrator's client. A nil scheme is client-go's, with Kubernetes' own kinds.
func (s *Server) Client(t testing.TB, scheme *runtime.Scheme) client.Client {
	t.Helper()
	c, err := client.New(s.Config(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Kubeconfig is the path of an administrator's configuration for kubectl and other programs.
func (s *Server) Kubeconfig(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, s.Environment.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func start(o Options) (*Server, error) {
	began := time.Now()
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	apiServer, etcd, err := programs(root)
	if err != nil {
		return nil, err
	}
	crds, err := o.files(root)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "irc.now-apiserver-")
	if err != nil {
		return nil, fmt.Errorf("make room for an API server: %w", err)
	}
	s := &Server{Environment: environment(dir, apiServer, etcd, crds, o.Flags), dir: dir}
	if err := s.run(); err != nil {
		return nil, errors.Join(fmt.Errorf("start an API server: %w", err), s.stop())
	}
	fmt.Fprintf(os.Stderr, "operatortest: etcd and kube-apiserver with %d kinds of ours and others were ready in %.1f s\n",
		len(s.Environment.CRDs), time.Since(began).Seconds())
	return s, nil
}

// choosePorts keeps the ports until the servers end. Those that envtest chooses may be another program's by the time the
// API server, which starts after etcd, listens.
func (s *Server) choosePorts() error {
	ports := make([]string, 2)
	for i := range ports {
		port, release, err := servers.FreePort()
		if err != nil {
			return err
		}
		s.release = append(s.release, release)
		ports[i] = strconv.Itoa(port)
	}
	etcd, apiServer := s.Environment.ControlPlane.Etcd, s.Environment.ControlPlane.APIServer
	etcd.URL = &url.URL{Scheme: "http", Host: net.JoinHostPort(loopback, ports[0])}
	etcd.Configure().Set("listen-peer-urls", "http://"+net.JoinHostPort(loopback, "0")) // it has no peers
	apiServer.Address, apiServer.Port = loopback, ports[1]
	return nil
}

func (s *Server) run() error {
	if err := makeFolders(s.dir); err != nil {
		return err
	}
	if err := errors.Join(s.choosePorts(), stopAfterUs(s.dir)); err != nil {
		return err
	}
	config, err := s.Environment.Start()
	if err != nil {
		return err
	}
	config.WarningHandler = rest.NewWarningWriter(os.Stderr, rest.WarningWriterOptions{Deduplicate: true})
	s.config = config
	return nil
}

// stop kills: the API server would wait up to half a minute for watches to end, and there is nothing to lose.
func (s *Server) stop() error {
	killed := kill(s.dir)
	stopped := s.Environment.Stop()
	for _, release := range s.release {
		release()
	}
	return errors.Join(killed, stopped, os.RemoveAll(s.dir))
}

func environment(dir, apiServer, etcd string, crds []string, flags map[string]string) *envtest.Environment {
	env := &envtest.Environment{
		ControlPlane: envtest.ControlPlane{
			Etcd:      &envtest.Etcd{Path: etcd, DataDir: filepath.Join(dir, "etcd")},
			APIServer: &envtest.APIServer{Path: apiServer, CertDir: filepath.Join(dir, "certificates")},
		},
		CRDDirectoryPaths:        crds,
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: startTimeout,
		ControlPlaneStopTimeout:  stopTimeout,
	}
	no := false
	env.UseExistingCluster = &no // whatever the developer's environment says
	env.ControlPlane.APIServer.Configure().Set("shutdown-delay-duration", "0s")
	for name, value := range flags {
		env.ControlPlane.APIServer.Configure().Set(name, value)
	}
	return env
}

func makeFolders(dir string) error {
	for _, name := range []string{"etcd", "certificates"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return fmt.Errorf("make room for an API server: %w", err)
		}
	}
	return nil
}
