package admission_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/servers/serverstest"
)

// BenchmarkStart measures the time from the start of the program to its first decision, a creation that is let in:
// connecting to the database and the API server included. In a cluster the pod's start comes on top.
func BenchmarkStart(b *testing.B) {
	w := newWorld(b)
	w.user("ada", pro)
	body := w.review()
	program := filepath.Join(b.TempDir(), "admission")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "./cmd").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	address := serverstest.Address(b).String()
	w.env["LISTEN_ADDRESS"], w.url = address, "http://"+address+"/validate"
	var all latencies
	for b.Loop() {
		all = append(all, w.start(program, body))
	}
	b.ReportMetric(all.share(0.5), "cold-p50-ms")
}

// start runs the program until it has let in the creation in body, and tells how long that took.
func (w *world) start(program, body string) time.Duration {
	w.t.Helper()
	began := time.Now()
	cmd := exec.CommandContext(w.t.Context(), program)
	cmd.Env = os.Environ()
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stderr = w.logs
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	for !w.listens() {
		if time.Since(began) > 20*time.Second {
			w.t.Fatal("it does not listen")
		}
	}
	got := w.decided(body, "")
	took := time.Since(began)
	if !got.Allowed {
		w.t.Fatalf("refused: %+v", got.Result)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		w.t.Fatal(err)
	}
	return took
}

func (w *world) listens() bool {
	conn, err := new(net.Dialer).DialContext(w.t.Context(), "tcp", strings.TrimSuffix(strings.TrimPrefix(w.url, "http://"), "/validate"))
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
