package knative_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"irc.now/knative/render"
	"irc.now/longrunning/local/servers"
	"irc.now/longrunning/local/servers/debian"
	"irc.now/longrunning/local/servers/process"
	"irc.now/longrunning/local/servers/serverstest"
	handles "irc.now/shared/account"
)

const chatConfiguration = "base/chat/nginx.conf"

var upstream = regexp.MustCompile(`proxy_pass http://([a-z0-9-]+)\.([a-z0-9-]+)\.svc\.cluster\.local:([0-9]+);`)

// nginx ends at once where it cannot resolve a name, so what web chat leads to must not wait for the operator.
// Where the Service leads is tested in operators/soju.
func TestWebChatLeadsToAServiceThatIsAlwaysThere(t *testing.T) {
	found := upstream.FindStringSubmatch(text(t, chatConfiguration))
	if found == nil || strings.Count(text(t, chatConfiguration), "proxy_pass") != 1 {
		t.Fatal("web chat leads elsewhere")
	}
	if _, err := handles.ParseHandle(found[1]); err == nil {
		t.Errorf("somebody may pick the handle %s, and with it the Service's name", found[1])
	}
	for _, overlay := range overlays(t) {
		var service render.Object
		for _, object := range rendered(t, overlay) {
			if object.String() == "Service "+found[2]+"/"+found[1] {
				service = object
			}
		}
		if service == nil {
			t.Fatalf("%s has no Service %s/%s", overlay, found[2], found[1])
		}
		ports := list(dig(service["spec"], "ports"))
		if len(ports) != 1 || fmt.Sprint(dig(ports[0], "port")) != found[3] {
			t.Errorf("%s: its ports are %v", overlay, ports)
		}
	}
}

// Web chat is there without the bouncer, and finds it when it comes.
func TestWebChatRunsBeforeTheBouncer(t *testing.T) {
	chat, bouncer := int(serverstest.Address(t).Port()), int(serverstest.Address(t).Port())
	runNginx(t, chat, bouncer)
	if status := get(t, chat, "/healthz"); status != http.StatusNoContent {
		t.Errorf("without a bouncer it is not healthy: %d", status)
	}
	if status := get(t, chat, "/socket"); status != http.StatusBadGateway {
		t.Errorf("without a bouncer the socket answers %d", status)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", bouncer))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Connection") != "Upgrade" || r.Host != fmt.Sprintf("127.0.0.1:%d", chat) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	if status := get(t, chat, "/socket"); status != http.StatusTeapot {
		t.Errorf("the bouncer has come, and the socket answers %d", status)
	}
}

func text(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// runNginx runs the real nginx with web chat's configuration, in which only ports, the bouncer's address and folders are
// other ones.
func runNginx(t *testing.T, port, bouncer int) {
	t.Helper()
	folder := t.TempDir()
	if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	configuration := upstream.ReplaceAllString(text(t, chatConfiguration), fmt.Sprintf("proxy_pass http://127.0.0.1:%d;", bouncer))
	configuration = strings.NewReplacer(
		"listen 8081", fmt.Sprintf("listen 127.0.0.1:%d", port), " /tmp/", " "+folder+"/",
		"/etc/nginx/mime.types", folder+"/mime.types", "/usr/share/nginx/html", folder,
	).Replace(configuration)
	for name, content := range map[string]string{"nginx.conf": configuration, "mime.types": "types { text/html html; }"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program, env := nginx(t)
	running, err := process.Start(process.Spec{
		Name: "nginx", Path: program, Args: []string{"-e", "/dev/stderr", "-p", folder, "-c", filepath.Join(folder, "nginx.conf")}, Env: env,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := running.WaitReady(ctx, process.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))); err != nil {
		t.Fatal(err)
	}
}

// nginx is the machine's, or Debian's.
func nginx(t *testing.T) (program string, env []string) {
	t.Helper()
	if path, err := exec.LookPath("nginx"); err == nil {
		return path, nil
	}
	dir, err := servers.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	p, err := debian.Get(t.Context(), debian.Request{
		Dir: dir, Name: "nginx", Suites: []string{"bookworm", "trixie"}, Probe: []string{"usr/sbin/nginx", "-v"}, Log: log,
	})
	if errors.Is(err, debian.ErrNotDebian) {
		t.Fatalf("There is no nginx to run. Install it so that it is on PATH, then try again: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(p.Root, "usr/sbin/nginx"), p.Env()
}

func get(t *testing.T, port int, path string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Upgrade", "websocket")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}
