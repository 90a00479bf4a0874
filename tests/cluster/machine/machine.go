package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"irc.now/tests/cluster/image"
)

// Addresses and names of the cluster. There is one per machine.
const (
	Address      = "10.88.0.1" // of the node, the API server and everything that the ingress serves
	Node         = "irc-now"
	podRange     = "10.244.0.0/16"
	serviceRange = "10.96.0.0/16"
	firstService = "10.96.0.1" // kubernetes.default
	dnsService   = "10.96.0.10"
	nodeBridge   = "k8s0"
	podBridge    = "k8s-pods"
	network      = "irc-now" // CNI's name for it
	volatile     = "/run/irc.now"
	socket       = volatile + "/containerd.sock"
	plugins      = volatile + "/plugins.sock" // containerd's, for those who want to know of pods
	packetQueue  = "6697"                     // the kernel's number for packets that policies have not judged yet
)

// Config says where a cluster keeps what it has. Dir is needed.
type Config struct {
	// Dir is .cache/cluster of our checkout: programs are in Dir/bin, what runs in Dir/run.
	Dir string
	// Log gets details; nil means nobody.
	Log *slog.Logger
	// Progress gets a line for each step that took time; nil means nobody.
	Progress io.Writer
}

// Machine is a cluster that Up has started or Open has found. Its methods may be called at once, except that
// starting and stopping the same component belongs to one caller.
type Machine struct {
	config Config
	dir    string      // Config.Dir/run
	pause  image.Image // what holds a pod's network; Up makes it
}

// Check says in one sentence why this machine cannot be a cluster, or nil.
func Check() error {
	switch {
	case runtime.GOOS != "linux":
		return errors.New("the test cluster needs Linux, since it runs containers on this very machine")
	case os.Geteuid() != 0:
		return errors.New("the test cluster needs root, since it makes network bridges, mounts and control groups")
	}
	return nil
}

// Open gives the cluster without starting anything; it may be down.
func Open(c Config) (*Machine, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, err
	}
	c.Dir = dir
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	return &Machine{config: c, dir: filepath.Join(dir, "run")}, nil
}

// Up starts what does not run, replaces what is not healthy or was built or configured differently, and returns
// once a pod could run: the node is ready and answers for names. It needs the programs of the modules etcd,
// kubernetes, containerd, networkpolicies and coredns (tests/cluster/build).
func Up(ctx context.Context, c Config) (*Machine, error) {
	if err := Check(); err != nil {
		return nil, err
	}
	m, err := Open(c)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	for _, s := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"claiming this machine", m.claim},
		{"runc, CNI plugins and iptables", m.packages},
		{"certificates", m.certificates},
		{"pause image", m.pauseImage},
		{"configuration", m.configure},
		{"network", m.connect},
		{"etcd", m.component("etcd")},
		{"kube-apiserver", m.component("kube-apiserver")},
		{"kube-controller-manager", m.component("kube-controller-manager")},
		{"kube-scheduler", m.component("kube-scheduler")},
		{"containerd", m.component("containerd")},
		{"loading the pause image", m.loadPause},
		{"networkpolicies", m.component("networkpolicies")},
		{"kubelet", m.component("kubelet")},
		{"kube-proxy", m.component("kube-proxy")},
		{"node", m.node},
		{"names (CoreDNS)", m.names},
	} {
		if err := m.step(ctx, s.name, s.do); err != nil {
			return nil, fmt.Errorf("bring the cluster up: %s: %w", s.name, err)
		}
	}
	fmt.Fprintf(m.config.Progress, "the cluster is up after %.1f s: KUBECONFIG=%s\n", time.Since(began).Seconds(), m.Kubeconfig())
	return m, nil
}

// step says how long it took, unless that is nothing to speak of.
func (m *Machine) step(ctx context.Context, name string, do func(context.Context) error) error {
	began := time.Now()
	if err := do(ctx); err != nil {
		return err
	}
	if took := time.Since(began); took > 300*time.Millisecond {
		fmt.Fprintf(m.config.Progress, "  %s: %.1f s\n", name, took.Seconds())
	}
	return nil
}

// Kubeconfig is the path of an administrator's configuration.
func (m *Machine) Kubeconfig() string { return m.path("admin.kubeconfig") }

func (m *Machine) path(parts ...string) string {
	return filepath.Join(append([]string{m.dir}, parts...)...)
}

func (m *Machine) program(module, name string) string {
	return filepath.Join(m.config.Dir, "bin", module, name)
}

// claim makes this checkout the one whose cluster the machine is: addresses and names are the same for all.
func (m *Machine) claim(context.Context) error {
	file := filepath.Join(volatile, "owner")
	owner, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		pods, err := podProcesses()
		if err != nil {
			return err
		}
		if err := alone(pods); err != nil {
			return err
		}
	case err != nil:
		return err
	case string(owner) != m.dir:
		if _, err := os.Stat(string(owner)); err == nil {
			return fmt.Errorf("this machine is the cluster of %s already: run `make cluster-down` there first", owner)
		}
	}
	for _, dir := range []string{m.path("logs"), m.path("pids"), m.path("pki"), volatile} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(file, []byte(m.dir), 0o644)
}

// alone refuses a machine on which pods run that are not ours: our kubelet would end them, for it takes every pod's
// control group for its own.
func alone(pods []int) error {
	if len(pods) == 0 {
		return nil
	}
	return fmt.Errorf("this machine runs pods of another Kubernetes (process %d is one of theirs), and the test cluster cannot share it: use a machine or a virtual one without", pods[0])
}
