// Package serverstest gives tests the real soju and ergo, and an IRC client to look at them with.
package serverstest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/longrunning/local/servers"
	"irc.now/longrunning/local/servers/ergo"
	"irc.now/longrunning/local/servers/soju"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/network"
)

// maxLog is how much of its end a failed test shows.
const maxLog = 4 << 10

// The first run on a machine downloads the programs, and builds ergo.
const findTimeout = 10 * time.Minute

var findSoju = sync.OnceValues(func() (soju.Program, error) {
	return find(soju.Find)
})

var findErgo = sync.OnceValues(func() (ergo.Program, error) {
	return find(ergo.Find)
})

var buildErgo = sync.OnceValues(func() (ergo.Program, error) {
	return find(ergo.Build)
})

func find[P any](get func(context.Context, string, *slog.Logger) (P, error)) (program P, err error) {
	dir, err := servers.CacheDir()
	if err != nil {
		return program, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), findTimeout)
	defer cancel()
	return get(ctx, dir, slog.New(slog.NewTextHandler(os.Stderr, nil)))
}

// SojuProgram finds soju.
func SojuProgram(t testing.TB) soju.Program {
	t.Helper()
	program, err := findSoju()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// ErgoProgram finds ergo.
func ErgoProgram(t testing.TB) ergo.Program {
	t.Helper()
	program, err := findErgo()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// ErgoWithPostgreSQL finds an ergo that keeps history in PostgreSQL, or builds one where the machine's own does not.
func ErgoWithPostgreSQL(t testing.TB) ergo.Program {
	t.Helper()
	if program := ErgoProgram(t); program.PostgreSQL {
		return program
	}
	program, err := buildErgo()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// Log gives a logger that keeps its lines for when the test fails.
func Log(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(LogWriter(t), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// LogWriter keeps what is written to it for when the test fails.
func LogWriter(t testing.TB) io.Writer {
	path := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = file.Close()
		if text, err := os.ReadFile(path); t.Failed() && err == nil {
			t.Logf("servers said:\n%s", text[max(0, len(text)-maxLog):])
		}
	})
	return file
}

// Address gives a free address of loopback, which nobody else is given until the test ends.
func Address(t testing.TB) netip.AddrPort {
	t.Helper()
	port, release, err := servers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return netip.MustParseAddrPort("127.0.0.1:" + strconv.Itoa(port))
}

// Ergo runs a network until the test ends and gives its plain-text address. edit may be nil.
func Ergo(t testing.TB, edit func(*network.Config)) bouncer.KnownUpstream {
	t.Helper()
	program := ErgoProgram(t)
	address := Address(t)
	c := network.Config{
		Name: "TestNet", ServerName: "ergo.test", Listen: []string{address.String()},
		Exempt: []string{"127.0.0.0/8", "::1/128"},
	}
	if edit != nil {
		edit(&c)
	}
	server, err := ergo.Start(t.Context(), ergo.Config{Program: program, Dir: t.TempDir(), Network: c, Log: Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server.Stop) })
	return bouncer.KnownUpstream{Name: "TestNet", Host: address.Addr().String(), Port: int(address.Port())}
}

// SojuServer is a running soju on a database of its own.
type SojuServer struct {
	*soju.Server
	Address   string        // takes plain-text IRC
	ReaderURL config.Secret // may read the database but not write
}

// Soju runs a bouncer until the test ends. edit may be nil.
func Soju(t testing.TB, edit func(*bouncer.Config)) SojuServer {
	t.Helper()
	return SojuOf(t, SojuProgram(t), edit)
}

// SojuOf is Soju with another program than the one that is found.
func SojuOf(t testing.TB, program soju.Program, edit func(*bouncer.Config)) SojuServer {
	t.Helper()
	owner := storetest.URL(t)
	address := Address(t).String()
	c := bouncer.Config{
		Hostname: "bouncer.test", Title: "Bouncer", Listen: []string{"irc+insecure://" + address}, DatabaseURL: config.Secret(owner),
	}
	if edit != nil {
		edit(&c)
	}
	server, err := soju.Start(t.Context(), soju.Config{Program: program, Dir: t.TempDir(), Bouncer: c, Log: Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server.Stop) })
	return SojuServer{Server: server, Address: address, ReaderURL: config.Secret(reader(t, owner))}
}

func stop(t testing.TB, stop func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := stop(ctx); err != nil {
		t.Error(err)
	}
}

// reader makes a role that may read what soju has made, and nothing more.
func reader(t testing.TB, owner string) string {
	t.Helper()
	name := storetest.Name()
	config, err := pgx.ParseConfig(owner)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", name, name),
		fmt.Sprintf("GRANT CONNECT ON DATABASE %s TO %s", config.Database, name),
		fmt.Sprintf("GRANT USAGE ON SCHEMA public TO %s", name),
		fmt.Sprintf("GRANT SELECT ON ALL TABLES IN SCHEMA public TO %s", name),
	} {
		execute(t, owner, sql)
	}
	t.Cleanup(func() {
		execute(t, owner, "DROP OWNED BY "+name)
		execute(t, owner, "DROP ROLE "+name)
	})
	address, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword(name, name)
	return address.String()
}

func execute(t testing.TB, url, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}
