package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"irc.now/longrunning/local/servers/postgres"
	"irc.now/shared/fault"
)

// helperDir makes this test binary run a server on that directory until it is killed.
const helperDir = "POSTGRES_TEST_HELPER_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(helperDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	server, err := postgres.Start(context.Background(), postgres.Config{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	fmt.Println(server.URL("postgres"))
	<-server.Done()
}

// privateDir is a place that nobody but us can walk to, as a checkout under /root is.
func privateDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "postgres")
}

func start(t *testing.T, config postgres.Config) *postgres.Server {
	t.Helper()
	server, err := postgres.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	return server
}

func stop(t *testing.T, server *postgres.Server) {
	t.Helper()
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// query runs one statement over a connection of its own and returns its last column as text.
func query(t *testing.T, address, sql string) (result string, err error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.Background())
	err = conn.QueryRow(t.Context(), sql).Scan(&result)
	return result, err
}

func must(t *testing.T, address, sql string) string {
	t.Helper()
	result, err := query(t, address, sql)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// keep stores something to be found again.
func keep(t *testing.T, address string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `CREATE TABLE kept AS SELECT 'yes'::text AS answer`); err != nil {
		t.Fatal(err)
	}
}

func TestDataIsThereAgainAtTheNextStart(t *testing.T) {
	config := postgres.Config{Dir: privateDir(t)}
	server := start(t, config)
	keep(t, server.URL("postgres"))
	stop(t, server)
	server = start(t, config)
	if got := must(t, server.URL("postgres"), `SELECT answer FROM kept`); got != "yes" {
		t.Errorf("answer = %q", got)
	}
}

func TestTheServerWantsAPasswordAndListensOnLoopbackOnly(t *testing.T) {
	server := start(t, postgres.Config{Dir: privateDir(t), Fast: true})
	wrong, err := url.Parse(server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	wrong.User = url.UserPassword("postgres", "guess")
	if _, err := query(t, wrong.String(), `SELECT 'in'`); err == nil {
		t.Error("a wrong password is let in")
	}
	for setting, want := range map[string]string{"listen_addresses": "127.0.0.1", "unix_socket_directories": ""} {
		if got := must(t, server.URL("postgres"), `SELECT current_setting('`+setting+`')`); got != want {
			t.Errorf("%s = %q, want %q", setting, got, want)
		}
	}
}

func TestASecondStartOnTheSameFolderIsRefused(t *testing.T) {
	config := postgres.Config{Dir: privateDir(t), Fast: true}
	start(t, config)
	if _, err := postgres.Start(t.Context(), config); !fault.Is(err, fault.Conflict) {
		t.Errorf("err = %v, want a conflict", err)
	}
}

func TestAStartAfterWeWereKilledWorks(t *testing.T) {
	dir := privateDir(t)
	holder := exec.CommandContext(t.Context(), os.Args[0])
	holder.Env = append(os.Environ(), helperDir+"="+dir)
	holder.Stderr = os.Stderr
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
	address, _ := bufio.NewReader(out).ReadString('\n')
	keep(t, strings.TrimSpace(address))
	_ = holder.Process.Kill()
	_ = holder.Wait()
	server := start(t, postgres.Config{Dir: dir})
	if got := must(t, server.URL("postgres"), `SELECT answer FROM kept`); got != "yes" {
		t.Errorf("answer = %q", got)
	}
}

func TestAProcessNumberThatAnotherProgramHasByNowIsNoObstacle(t *testing.T) {
	config := postgres.Config{Dir: privateDir(t), Fast: true}
	stop(t, start(t, config))
	other := exec.CommandContext(t.Context(), "/bin/sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
	file := filepath.Join(config.Dir, "data", "postmaster.pid")
	if err := os.WriteFile(file, []byte(strconv.Itoa(other.Process.Pid)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, config)
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the other program was ended: %v", err)
	}
}

func TestAServerGivenByAddressIsUsedAndLeftAlone(t *testing.T) {
	own := start(t, postgres.Config{Dir: privateDir(t), Fast: true})
	given := start(t, postgres.Config{URL: own.URL("postgres")})
	if got := must(t, given.URL("template1"), `SELECT current_database()::text`); got != "template1" {
		t.Errorf("database = %q", got)
	}
	stop(t, given)
	must(t, own.URL("postgres"), `SELECT 'still there'`)
	if given.Port() != own.Port() {
		t.Errorf("port = %d, want %d", given.Port(), own.Port())
	}
}

func TestABadAddressIsRefusedWithoutItsPassword(t *testing.T) {
	for _, address := range []string{
		"mysql://root:hunter2@db/x", "://hunter2", "postgres://u:hunter2@127.0.0.1:1/postgres",
	} {
		_, err := postgres.Start(t.Context(), postgres.Config{URL: address})
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(fault.Sentence(err), "DATABASE_URL") {
			t.Errorf("%s: err = %v", address, err)
		}
	}
}

func TestAHalfMadeDataDirectoryIsMadeAgain(t *testing.T) {
	config := postgres.Config{Dir: privateDir(t), Fast: true}
	if err := os.MkdirAll(filepath.Join(config.Dir, "data.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, config)
}

func TestAPortCanBeAskedForAgain(t *testing.T) {
	config := postgres.Config{Dir: privateDir(t), Fast: true}
	server := start(t, config)
	config.Port = server.Port()
	stop(t, server)
	if got := start(t, config).Port(); got != config.Port {
		t.Errorf("port = %d, want %d", got, config.Port)
	}
}
