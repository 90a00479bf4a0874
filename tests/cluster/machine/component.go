package machine

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// component is one program of the cluster that is no pod.
type component struct {
	name   string
	module string   // whose program it is
	args   []string // without the program
	files  []string // that it reads when it starts
	env    []string
	// clusterNames has it resolve the cluster's names, in a mount namespace of its own.
	clusterNames bool
	ready        func(context.Context) error
	// grace is how long it may take to end when it is asked to.
	grace time.Duration
}

const (
	etcdClient = "http://127.0.0.1:23790"
	etcdPeer   = "http://127.0.0.1:23800"
)

// components are in the order in which they start; they stop the other way round.
func (m *Machine) components() []component {
	pki := func(name string) string { return m.path("pki", name) }
	conf := func(name string) string { return "--kubeconfig=" + m.path(name+".kubeconfig") }
	return []component{
		{
			name: "etcd", module: "etcd", ready: answers(etcdClient+"/health", ""), grace: 5 * time.Second,
			args: []string{
				"--name=irc-now", "--data-dir=" + m.path("etcd"), "--log-level=warn",
				"--listen-client-urls=" + etcdClient, "--advertise-client-urls=" + etcdClient,
				"--listen-peer-urls=" + etcdPeer, "--initial-advertise-peer-urls=" + etcdPeer,
				"--initial-cluster=irc-now=" + etcdPeer,
				"--unsafe-no-fsync=true", // a test cluster's data may be lost with the machine
			},
		},
		{
			name: "kube-apiserver", module: "kubernetes", ready: answers("https://"+Address+":6443/readyz", pki("ca.crt")),
			clusterNames: true, files: []string{pki("apiserver.crt"), m.path("resolv.conf")},
			// Open watches would keep it for a minute, and the node would be forgotten meanwhile.
			grace: 3 * time.Second,
			args: []string{
				"--etcd-servers=" + etcdClient, "--bind-address=" + Address, "--advertise-address=" + Address,
				"--secure-port=6443", "--service-cluster-ip-range=" + serviceRange, "--allow-privileged=true",
				"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
				"--client-ca-file=" + pki("ca.crt"),
				"--tls-cert-file=" + pki("apiserver.crt"), "--tls-private-key-file=" + pki("apiserver.key"),
				"--kubelet-client-certificate=" + pki("apiserver-kubelet.crt"),
				"--kubelet-client-key=" + pki("apiserver-kubelet.key"),
				"--kubelet-preferred-address-types=InternalIP",
				"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
				"--service-account-key-file=" + pki("accounts.pub"),
				"--service-account-signing-key-file=" + pki("accounts.key"),
			},
		},
		{
			name: "kube-controller-manager", module: "kubernetes", ready: listens("127.0.0.1:10257"), grace: 3 * time.Second,
			args: []string{
				conf("kube-controller-manager"), "--bind-address=127.0.0.1", "--leader-elect=false",
				"--use-service-account-credentials=true", "--root-ca-file=" + pki("ca.crt"),
				"--service-account-private-key-file=" + pki("accounts.key"),
				"--cluster-signing-cert-file=" + pki("ca.crt"), "--cluster-signing-key-file=" + pki("ca.key"),
			},
		},
		{
			name: "kube-scheduler", module: "kubernetes", ready: listens("127.0.0.1:10259"), grace: 3 * time.Second,
			args: []string{conf("kube-scheduler"), "--bind-address=127.0.0.1", "--leader-elect=false"},
		},
		{
			name: "containerd", module: "containerd", ready: m.containerdAnswers, grace: 5 * time.Second,
			args: []string{"--config=" + m.path("containerd.toml")}, files: []string{m.path("containerd.toml")},
			env: []string{"PATH=" + m.program("containerd", "") + ":" + systemPath},
		},
		{
			name: "networkpolicies", module: "networkpolicies", ready: takesPackets, grace: 3 * time.Second,
			args: []string{conf("admin"), "--runtime=" + plugins, "--queue=" + packetQueue},
		},
		{
			name: "kubelet", module: "kubernetes", ready: answers("http://127.0.0.1:10248/healthz", ""), grace: 5 * time.Second,
			files: []string{m.path("kubelet.yaml"), m.path("cni", "10-irc-now.conflist")},
			args: []string{
				conf("kubelet"), "--config=" + m.path("kubelet.yaml"), "--hostname-override=" + Node,
				"--node-ip=" + Address, "--root-dir=" + m.path("kubelet"), "--cert-dir=" + m.path("kubelet", "pki"),
				"--tls-cert-file=" + pki("kubelet-server.crt"), "--tls-private-key-file=" + pki("kubelet-server.key"),
			},
		},
		{
			name: "kube-proxy", module: "kubernetes", ready: answers("http://127.0.0.1:10256/healthz", ""), grace: 5 * time.Second,
			files: []string{m.path("kube-proxy.yaml")}, args: []string{"--config=" + m.path("kube-proxy.yaml")},
		},
	}
}

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// startTimeout is for one component, on a machine that does other things besides.
const startTimeout = 3 * time.Minute

// Components are the names that Logs, Kill and Restart know.
func (m *Machine) Components() []string {
	var names []string
	for _, c := range m.components() {
		names = append(names, c.name)
	}
	return names
}

func (m *Machine) find(name string) (component, error) {
	all := m.components()
	at := slices.IndexFunc(all, func(c component) bool { return c.name == name })
	if at < 0 {
		return component{}, fmt.Errorf("there is no component %q; there are %v", name, m.Components())
	}
	return all[at], nil
}

// component is the step that has one running.
func (m *Machine) component(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := m.find(name)
		if err != nil {
			return err
		}
		return m.ensure(ctx, c)
	}
}

// ensure leaves a component alone that runs as it should and answers, and starts it anew otherwise.
func (m *Machine) ensure(ctx context.Context, c component) error {
	want, err := m.hash(c)
	if err != nil {
		return err
	}
	if p, ok := m.running(c); ok {
		probe, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if p.Hash == want && wait(probe, c.ready) == nil {
			return nil
		}
		if err := m.stop(ctx, c); err != nil {
			return err
		}
	}
	return m.start(ctx, c, want)
}

// Restart ends a component in order and starts it again; it returns once the component answers.
func (m *Machine) Restart(ctx context.Context, name string) error {
	c, err := m.find(name)
	if err != nil {
		return err
	}
	if err := m.stop(ctx, c); err != nil {
		return err
	}
	return m.ensure(ctx, c)
}

// Kill ends a component as a crash does. It stays down until Restart or Up.
func (m *Machine) Kill(ctx context.Context, name string) error {
	c, err := m.find(name)
	if err != nil {
		return err
	}
	c.grace = 0
	return m.stop(ctx, c)
}

// Running says which components run, healthy or not.
func (m *Machine) Running() map[string]bool {
	all := map[string]bool{}
	for _, c := range m.components() {
		_, all[c.name] = m.running(c)
	}
	return all
}
