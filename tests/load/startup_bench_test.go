package load_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/event/outbox"
	"irc.now/tests/load"
)

// BenchmarkStartUp measures each function from the start of its process to its first 200: the answer of its front
// page or its first request, and of a readiness check. Aim: a ratio of at most 2, to the yardstick that applies.
//
//   - landing answers by itself, so its yardstick is bare, a program that does nothing but answer.
//   - portal, introspect and revoke are ready, and say 200, only once the accounts database has told them that its
//     schema is theirs. No program can know that without a connection, which costs PostgreSQL a new process, so
//     their yardstick is baredatabase, which asks one query over a fresh connection before it answers: the lines
//     that end in "/database". The ratio to bare is printed for them as well.
func BenchmarkStartUp(b *testing.B) {
	bare := program{path: build(b, "./tests/load/bare")}
	asking := build(b, "./tests/load/baredatabase")
	for _, function := range []struct {
		name string
		env  func(testing.TB) []string
	}{
		{"landing", landingEnv}, {"portal", portalEnv}, {"introspect", introspectEnv}, {"revoke", revokeEnv},
	} {
		ours := program{
			path: build(b, "./functions/"+function.name+"/cmd"),
			env:  append(function.env(b), "LISTEN_ADDRESS=127.0.0.1:0"),
		}
		b.Run(function.name, func(b *testing.B) { compare(b, ours, bare) })
		if url := ours.database(); url != "" {
			asking := program{path: asking, env: []string{"DATABASE_URL=" + url}}
			b.Run(function.name+"/database", func(b *testing.B) { compare(b, ours, asking) })
		}
	}
}

func compare(b *testing.B, ours, bare program) {
	load.Slowdown(b, func() time.Duration { return ours.start(b) }, func() time.Duration { return bare.start(b) })
}

// No dependency but the database is asked before a function's first request, so these need not exist.
const absent = "http://127.0.0.1:9"

func landingEnv(testing.TB) []string {
	return []string{"BASE_URL=https://irc.now", "PORTAL_URL=https://my.irc.now", "IRC_HOST=irc.now", "IRC_PORT=6697"}
}

func portalEnv(t testing.TB) []string {
	return append(accounts(t), "BASE_URL=https://my.irc.now", "LANDING_URL=https://irc.now",
		"BOUNCER_ADMIN_URL="+absent, "BOUNCER_ADMIN_TOKEN=token", "IRC_HOST=irc.now")
}

func introspectEnv(t testing.TB) []string {
	return append(accounts(t), "BASE_URL="+absent, "INTROSPECT_CLIENTS=soju:0123456789abcdef0123456789abcdef", sealKey())
}

func revokeEnv(t testing.TB) []string {
	return append(accounts(t), "BOUNCER_ADMIN_URL="+absent, "BOUNCER_ADMIN_TOKEN=token", sealKey())
}

func accounts(t testing.TB) []string {
	return []string{
		"ACCOUNTS_DATABASE_URL=" + storetest.Migrated(t, account.Migrations, auth.Migrations, outbox.Migrations), "OIDC_ISSUER=" + absent, "OIDC_CLIENT_ID=client", "OIDC_CLIENT_SECRET=secret",
	}
}

func sealKey() string { return "TOKEN_SEAL_KEY=" + base64.StdEncoding.EncodeToString(make([]byte, 32)) }

// build compiles the program in the folder pkg, below the module's root. The tag leaves out what AWS Lambda's retired
// Go 1.x runtime needed (net/rpc and encoding/gob), as the Makefile does.
func build(t testing.TB, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	command := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", path, pkg)
	command.Dir = filepath.Join("..", "..")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return path
}

type program struct {
	path string
	env  []string
}

// database is the address of the database it is given, or "".
func (p program) database() string {
	for _, variable := range p.env {
		if url, ok := strings.CutPrefix(variable, "ACCOUNTS_DATABASE_URL="); ok {
			return url
		}
	}
	return ""
}

// start runs the program until it has answered, and returns how long that took.
func (p program) start(t testing.TB) time.Duration {
	t.Helper()
	command := exec.CommandContext(t.Context(), p.path)
	command.Env = append([]string{"LOG_FORMAT=json"}, p.env...)
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	output := bufio.NewReader(stderr)
	base := "http://" + address(t, output)
	get(t, base+"/") // waits until the function has started, whatever it then says to strangers
	status := get(t, base+"/health/readiness")
	took := time.Since(began)
	_ = command.Process.Kill()
	rest, _ := io.ReadAll(output)
	_ = command.Wait()
	if status != http.StatusOK {
		t.Fatalf("%s is not ready (%d):\n%s", p.path, status, rest)
	}
	return took
}

// address reads where the program says that it listens.
func address(t testing.TB, output *bufio.Reader) string {
	t.Helper()
	var written string
	for {
		line, err := output.ReadString('\n')
		if err != nil {
			t.Fatalf("the program ended: %s", written+line)
		}
		written += line
		var record struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &record) == nil && record.Msg == "listening" {
			return record.Address
		}
	}
}

var client = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func get(t testing.TB, target string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(fmt.Errorf("first request: %w", err))
	}
	_ = response.Body.Close()
	return response.StatusCode
}
