//go:build cluster

package story_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/tests/cluster/machine"
)

const (
	// letThrough is how long a connection may take that is allowed.
	letThrough = 20 * time.Second
	// heldBack is how long one is tried that must not be made: what a policy holds back is dropped, and nobody says so.
	heldBack = 5 * time.Second
)

// Machines that are not of the cluster, on the node's bridge for as long as a test runs: one in a network behind the
// cluster's, and one on the internet (an address kept for documentation).
const (
	neighbour = "192.168.66.97"
	internet  = "203.0.113.97"
)

// TestPoliciesHoldBackWhoHasNoBusiness connects from the networks of pods that there are in a cluster to whatever there
// is to reach, and wants each connection to be made, or not to be.
func TestPoliciesHoldBackWhoHasNoBusiness(t *testing.T) {
	here.onFailure(t)
	bob := here.payer(t, "bob")
	here.hosting(t, bob)
	network, own := here.createNetwork(t, bob), here.createBouncer(t, bob)
	here.awaitReady(t, becoming, network)
	here.awaitReady(t, becoming, own)
	here.foreignMachines(t)
	here.stranger(t, tenants)
	here.stranger(t, "default")

	const (
		outsider = "a pod of somebody else's"
		lodger   = "a pod among the tenants' that the operator has not made"
		bouncer  = "a bouncer"
		ergo     = "a network"
		operator = "the operator"
		ingress  = "the ingress"
	)
	from := map[string]*corev1.Pod{
		outsider: here.onePod(t, "default", client.MatchingLabels{"app": "stranger"}),
		lodger:   here.onePod(t, tenants, client.MatchingLabels{"app": "stranger"}),
		bouncer:  here.onePod(t, tenants, client.MatchingLabels{"app.kubernetes.io/name": "soju", "app.kubernetes.io/instance": own.Name}),
		ergo:     here.onePod(t, tenants, client.MatchingLabels{"app.kubernetes.io/name": "ergo", "app.kubernetes.io/instance": network.Name}),
		operator: here.onePod(t, platform, client.MatchingLabels{"app.kubernetes.io/name": "operator"}),
		ingress:  here.onePod(t, "traefik", client.MatchingLabels{"app": "traefik"}),
	}
	here.allConnect(t, from, []target{
		{"the database", here.podAddress(t, platform, client.MatchingLabels{"cnpg.io/instanceRole": "primary"}, "5432"), []string{operator, bouncer, ergo}},
		{"the database's status", here.podAddress(t, platform, client.MatchingLabels{"cnpg.io/instanceRole": "primary"}, "8000"), []string{ingress}},
		{"a pod of the platform", here.podAddress(t, platform, client.MatchingLabels{"app.kubernetes.io/name": "chat"}, "8081"), []string{ingress}},
		{"the operator's metrics and profiles", net.JoinHostPort(from[operator].Status.PodIP, "9095"), []string{ingress}},
		{"another bouncer's administration", here.serviceAddress(t, tenants, "soju-shared-admin", "8090"), []string{operator, ingress}},
		{"the shared bouncer's WebSocket", here.serviceAddress(t, tenants, "soju-shared-web", "8080"), []string{operator, ingress}},
		{"another bouncer's IRC", here.serviceAddress(t, tenants, "soju-shared", "6697"), []string{outsider, bouncer, operator, ingress}},
		{"a network's administration", net.JoinHostPort(from[ergo].Status.PodIP, "8089"), []string{operator, ingress}},
		{"a network's IRC", net.JoinHostPort(from[ergo].Status.PodIP, "6697"), []string{outsider, bouncer, operator, ingress}},
		{"what the world reaches", net.JoinHostPort(machine.Address, "6697"), []string{outsider, bouncer, operator, ingress}},
		{"functions, by the ingress's inner door", here.serviceAddress(t, "traefik", "traefik-internal", "80"), []string{bouncer, operator}},
		{"admission, by the ingress's inner door", here.serviceAddress(t, "traefik", "traefik-internal", "443"), []string{bouncer, operator}},
		{"functions, by the activator", here.serviceAddress(t, "knative-serving", "activator-service", "80"), []string{ingress}},
		{"the broker", here.serviceAddress(t, "knative-eventing", "broker-ingress", "80"), []string{operator}},
		{"names", here.serviceAddress(t, "kube-system", "kube-dns", "53"), []string{outsider, bouncer, ergo, operator, ingress}},
		{"the API server", here.serviceAddress(t, "default", "kubernetes", "443"), []string{outsider, operator, ingress}},
		{"the node's API server", net.JoinHostPort(machine.Address, "6443"), []string{outsider, operator, ingress}},
		{"the kubelet", net.JoinHostPort(machine.Address, "10250"), []string{outsider, ingress}},
		{"a machine behind the cluster", net.JoinHostPort(neighbour, "6697"), []string{outsider, ingress}},
		{"the internet", net.JoinHostPort(internet, "6697"), []string{outsider, bouncer, ingress}},
	})
}

// TestABouncerIsNoDoorIntoOtherNetworks tells soju itself, as any user with an IRC client may, to connect to a machine that
// it must not reach; and before and after to one that it may.
func TestABouncerIsNoDoorIntoOtherNetworks(t *testing.T) {
	here.onFailure(t)
	atNeighbour, onInternet := here.foreignMachines(t)
	joe := here.newcomer(t, "joe")
	joe.Visit("/networks").Says(http.StatusOK, "No networks yet") // the portal makes the user in soju
	c := here.signIn(t, "irc."+domain, joe.Handle, joe.Handle, joe.NewPassword("laptop"))
	tell := func(what, answer string) {
		t.Helper()
		c.Send("PRIVMSG BouncerServ :network " + what)
		c.Expect("PRIVMSG", answer)
	}
	called := func(when string) {
		t.Helper()
		select {
		case conn := <-onInternet:
			_ = conn.Close()
		case <-time.After(letThrough):
			t.Fatalf("the bouncer does not connect to the internet %s", when)
		}
	}
	tell("create -name wall -addr irc+insecure://"+internet+":6697", "created network")
	called("before")
	tell("update wall -addr irc+insecure://"+neighbour+":6697", "updated network")
	select {
	case <-atNeighbour:
		t.Error("the bouncer connects to a machine behind the cluster")
	case <-time.After(heldBack):
	}
	tell("update wall -addr irc+insecure://"+internet+":6697", "updated network")
	called("after")
	tell("delete wall", "deleted network")
}

// target is what may be reached, and by whom. Each is reached by somebody, so that it is known to be there.
type target struct {
	name, address string
	by            []string
}

// allConnect tries everybody's way to everything, all at once. Nobody's own address is tried: that way leads over no wire.
func (w *world) allConnect(t *testing.T, from map[string]*corev1.Pod, targets []target) {
	t.Helper()
	var all sync.WaitGroup
	for name, pod := range from {
		process, err := processOf(pod)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range targets {
			if strings.HasPrefix(to.address, pod.Status.PodIP+":") {
				continue
			}
			all.Go(func() {
				if slices.Contains(to.by, name) {
					if err := connect(t.Context(), process, to.address, letThrough); err != nil {
						t.Errorf("%s does not reach %s: %v", name, to.name, err)
					}
					return
				}
				err := connect(t.Context(), process, to.address, heldBack)
				if waiting, is := errors.AsType[net.Error](err); !is || !waiting.Timeout() {
					t.Errorf("%s reaches %s (%s): %v", name, to.name, to.address, err)
				}
			})
		}
	}
	all.Wait()
}

// connect connects from the network that a process is in.
func connect(ctx context.Context, process int, address string, patience time.Duration) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is of no use to others, and ends with this goroutine
		done <- func() error {
			network, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", process))
			if err != nil {
				return err
			}
			defer network.Close()
			if err := unix.Setns(int(network.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("enter a pod's network: %w", err)
			}
			conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", address)
			if err != nil {
				return err
			}
			return conn.Close()
		}()
	}()
	return <-done
}

// processOf is any of a pod's.
func processOf(pod *corev1.Pod) (int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		groups, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(groups), "/pod"+string(pod.UID)+"/") {
			continue // it has ended meanwhile, or is none of the pod's
		}
		var process int
		if _, err := fmt.Sscanf(file, "/proc/%d/cgroup", &process); err != nil {
			return 0, err
		}
		return process, nil
	}
	return 0, fmt.Errorf("pod %s/%s has no process on this machine", pod.Namespace, pod.Name)
}

// foreignMachines gives the node addresses that are not the cluster's, and gives what connects there on port 6697.
func (w *world) foreignMachines(t *testing.T) (atNeighbour, onInternet <-chan net.Conn) {
	t.Helper()
	return foreign(t, neighbour), foreign(t, internet)
}

func foreign(t *testing.T, address string) <-chan net.Conn {
	t.Helper()
	const bridge = "k8s0"
	_ = exec.CommandContext(t.Context(), "ip", "address", "delete", address+"/32", "dev", bridge).Run() // of an earlier run
	if out, err := exec.CommandContext(t.Context(), "ip", "address", "add", address+"/32", "dev", bridge).CombinedOutput(); err != nil {
		t.Fatalf("give the node the address %s: %v: %s", address, err, out)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if out, err := exec.CommandContext(ctx, "ip", "address", "delete", address+"/32", "dev", bridge).CombinedOutput(); err != nil {
			t.Errorf("take the address %s back: %v: %s", address, err, out)
		}
	})
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(address, "6697"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	callers := make(chan net.Conn, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			callers <- conn
		}
	}()
	return callers
}

// stranger has a pod in a namespace that nobody there knows.
func (w *world) stranger(t *testing.T, namespace string) {
	t.Helper()
	resolver := w.onePod(t, "kube-system", client.MatchingLabels{"k8s-app": "kube-dns"})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "stranger", Labels: map[string]string{"app": "stranger"}},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), RunAsUser: new(int64(65532)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				// A program that is there in any case. It answers for names that nobody asks it for.
				Name: "stranger", Image: resolver.Spec.Containers[0].Image, ImagePullPolicy: corev1.PullNever, Args: []string{"-dns.port=5300"},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
	if err := w.Create(t.Context(), pod); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	w.removeAtTheEnd(t, pod)
	w.await(t, becoming, "a stranger is in "+namespace, &corev1.PodList{}, func(known map[string]client.Object) verdict {
		found, _ := known[pod.Name].(*corev1.Pod)
		if found == nil || !ready(found) {
			return no("it is not ready")
		}
		return yes()
	}, client.InNamespace(namespace))
}

// onePod is one of those that have the labels and are ready.
func (w *world) onePod(t *testing.T, namespace string, labels client.MatchingLabels) *corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	if err := w.List(t.Context(), &pods, client.InNamespace(namespace), labels); err != nil {
		t.Fatal(err)
	}
	for n := range pods.Items {
		if pod := &pods.Items[n]; ready(pod) && pod.DeletionTimestamp == nil {
			return pod
		}
	}
	t.Fatalf("no pod %v in %s is ready", labels, namespace)
	return nil
}

func (w *world) podAddress(t *testing.T, namespace string, labels client.MatchingLabels, port string) string {
	t.Helper()
	return net.JoinHostPort(w.onePod(t, namespace, labels).Status.PodIP, port)
}

func (w *world) serviceAddress(t *testing.T, namespace, name, port string) string {
	t.Helper()
	var service corev1.Service
	if err := w.Get(t.Context(), key(namespace, name), &service); err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort(service.Spec.ClusterIP, port)
}
