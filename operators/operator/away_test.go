package operator

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/longrunning/local/storetest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
)

// road leads to a server, and can be closed.
type road struct {
	t        *testing.T
	listener net.Listener
	to       string

	mu     sync.Mutex
	closed bool
	open   []net.Conn
	all    sync.WaitGroup
}

// lay opens a road at an address.
func lay(t *testing.T, at netip.AddrPort, to string) *road {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	r := &road{t: t, listener: listener, to: to}
	r.all.Go(r.serve)
	t.Cleanup(r.close)
	return r
}

func (r *road) serve() {
	for {
		from, err := r.listener.Accept()
		if err != nil {
			return // closed
		}
		to, err := new(net.Dialer).DialContext(context.WithoutCancel(r.t.Context()), "tcp", r.to)
		if err != nil {
			_ = from.Close()
			continue
		}
		r.lead(from, to)
	}
}

func (r *road) lead(from, to net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = append(r.open, from, to)
	if r.closed {
		_, _ = from.Close(), to.Close()
		return
	}
	for _, ends := range [][2]net.Conn{{from, to}, {to, from}} {
		r.all.Go(func() {
			_, _ = io.Copy(ends[0], ends[1])
			_, _ = ends[0].Close(), ends[1].Close()
		})
	}
}

// close breaks every connection, and lets nobody in again.
func (r *road) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for _, conn := range r.open {
		_ = conn.Close()
	}
	r.mu.Unlock()
	r.all.Wait()
}

// kubeconfigBy is an administrator's who reaches the API server at another address, and where it really is.
func (w *world) kubeconfigBy(address netip.AddrPort) (path, server string) {
	w.t.Helper()
	config, err := clientcmd.LoadFromFile(w.server.Kubeconfig(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, cluster := range config.Clusters {
		at, err := url.Parse(cluster.Server)
		if err != nil {
			w.t.Fatal(err)
		}
		server, at.Host = at.Host, address.String()
		cluster.Server = at.String()
	}
	path = filepath.Join(w.t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		w.t.Fatal(err)
	}
	return path, server
}

// logged gives a program something to log to, and waits for words in it.
func logged(t *testing.T) (log io.Writer, wait func(words string)) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = write.Close(), read.Close() })
	lines := bufio.NewScanner(io.TeeReader(read, serverstest.LogWriter(t)))
	return write, func(words string) {
		t.Helper()
		if err := read.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			if strings.Contains(lines.Text(), words) {
				go func() { _, _ = io.Copy(io.Discard, read) }() // so that it can log on
				return
			}
		}
		t.Fatalf("%q is not logged: %v", words, lines.Err())
	}
}

func TestAnAPIServerThatIsAwayIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	b := w.bouncer()
	address := serverstest.Address(t)
	kubeconfig, server := w.kubeconfigBy(address)
	log, wait := logged(t)
	w.startAs(kubeconfig, log, "1.0.0")
	wait("waiting for the API server")
	lay(t, address, server)
	w.awaitCondition(b, v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.0.0")
}

func TestWhoWaitsForTheAPIServerCanBeStopped(t *testing.T) {
	w := newWorld(t)
	kubeconfig, _ := w.kubeconfigBy(serverstest.Address(t))
	log, wait := logged(t)
	o := w.startAs(kubeconfig, log, "1.0.0")
	wait("waiting for the API server")
	o.stop()
}

func TestBothKindsTellThatTheirDatabaseHasGone(t *testing.T) {
	w := newWorld(t)
	b, n := w.bouncer(), w.network()
	database, err := url.Parse(storetest.Server(t).URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	address := serverstest.Address(t)
	way := lay(t, address, database.Host)
	database.Host = address.String()
	w.start("1.0.0", "DATABASE_ADMIN_URL="+database.String())
	w.awaitCondition(b, v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.0.0")
	w.awaitCondition(n, v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.0.0")
	way.close()
	w.awaitReason(b, v1alpha1.DatabaseReady, naming.DatabaseUnavailable)
	w.awaitReason(n, v1alpha1.DatabaseReady, naming.DatabaseUnavailable)
}
