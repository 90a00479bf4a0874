package scaffold_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"irc.now/functions"
	"irc.now/longrunning/local/authtest"
	"irc.now/longrunning/local/servers"
	"irc.now/longrunning/local/storetest"
	"irc.now/tests/eventually"
	"irc.now/tests/webclient"
)

// scaffolding is the program that func makes of a function with a New: a module of its own beside the function's, whose
// name it takes from go.mod.
const scaffolding = `package main

import (
	"fmt"
	"os"

	"knative.dev/func-go/http"

	f "irc.now"
)

func main() {
	if err := http.Start(f.New()); err != nil {
		fmt.Fprintln(os.Stderr, err.Error())
		os.Exit(1)
	}
}
`

// build makes the program, with the dependencies in the versions that our go.mod names.
func build(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	_, requirements, found := strings.Cut(string(ours), "module irc.now\n")
	if !found {
		t.Fatal("go.mod does not begin with the module's name")
	}
	folder := t.TempDir()
	for name, content := range map[string]string{
		"main.go": scaffolding, "go.sum": string(sums),
		"go.mod": "module s\n\nreplace irc.now => " + root + "\n\nrequire irc.now v0.0.0-00010101000000-000000000000\n" + requirements,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-o", "program", ".")
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("func could not build this repository: %v\n%s", err, output)
	}
	return filepath.Join(folder, "program")
}

// start runs the program with the environment, and ends it with the test. What it prints is shown if the test fails.
func start(t *testing.T, program string, env map[string]string) {
	t.Helper()
	command := exec.CommandContext(context.WithoutCancel(t.Context()), program) // it is asked to stop below
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := errors.Join(command.Process.Signal(syscall.SIGTERM), command.Wait())
		if t.Failed() || err != nil {
			t.Errorf("the program ended with %v and wrote:\n%s", err, output.String())
		}
	})
}

func TestWhatFuncBuildsServesLandingAndSignsIn(t *testing.T) {
	port, release, err := servers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	op := authtest.Start(t)
	accounts := functions.Databases()[0]
	database := storetest.Role(t, storetest.Migrated(t, accounts.Sets...), accounts.Roles["portal"], accounts.Sets...)
	landing := fmt.Sprintf("http://irc.localhost:%d", port)
	portal := fmt.Sprintf("http://my.irc.localhost:%d", port)
	start(t, build(t), map[string]string{
		"LISTEN_ADDRESS": fmt.Sprintf("127.0.0.1:%d", port), "BASE_URL": landing, "LANDING_URL": landing, "PORTAL_URL": portal,
		"IRC_HOST": "irc.localhost", "IRC_PORT": "6667", "OIDC_ISSUER": op.Issuer, "OIDC_CLIENT_ID": authtest.ClientID,
		"PORTAL__OIDC_CLIENT_SECRET": authtest.ClientSecret, "PORTAL__ACCOUNTS_DATABASE_URL": database,
		"BOUNCER_ADMIN_URL": "http://127.0.0.1:9", "BOUNCER_ADMIN_TOKEN": "nobody is asked",
		"STRIPE_WEBHOOK_SECRETS": "whsec_of_a_test", "K_SINK": "http://127.0.0.1:9",
	})
	browser := webclient.New(t)
	awaitReady(t, browser, landing+"/health/readiness")

	if page := browser.Visit(landing + "/"); page.Status != http.StatusOK || page.Find("h1").Length() != 1 {
		t.Errorf("the landing page: status %d", page.Status)
	}
	if page := browser.Visit(portal + "/auth/sign-in"); page.Status != http.StatusOK || page.Address.Path != "/handle" {
		t.Errorf("after signing in: status %d at %s", page.Status, page.Address)
	}
	if page := browser.Visit(fmt.Sprintf("http://other.localhost:%d/", port)); page.Status != http.StatusMisdirectedRequest {
		t.Errorf("a name that is not ours: status %d", page.Status)
	}
}

// awaitReady asks until the program listens and is ready.
func awaitReady(t *testing.T, browser *webclient.Browser, address string) {
	t.Helper()
	eventually.Within(t, 5*time.Minute, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		page, err := browser.Try(request)
		if err != nil {
			return err
		}
		return eventually.True(page.Status == http.StatusOK, "it answers %d", page.Status)
	})
}
