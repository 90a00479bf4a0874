// Package storetest gives tests a real PostgreSQL database of their own.
package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/longrunning/local/servers/postgres"
	"irc.now/shared/config"
	"irc.now/shared/store"
	"irc.now/shared/store/migrate"
)

// Variable names the environment variable with the address of a server that tests share. The role in it must be a
// superuser. Without it every test process starts a server of its own.
const Variable = "TEST_DATABASE_URL"

const startTimeout = 3 * time.Minute // the first start may have to get PostgreSQL

// shared is this process's server, started by the first test that wants it. Nothing stops it: it ends with the
// process, however that ends (see Start).
var shared = sync.OnceValues(func() (*postgres.Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return Start(ctx)
})

// Server is the test process's server, on which a test may make roles and databases under unique names.
func Server(t testing.TB) *postgres.Server {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatalf("start a database server for tests: %v", err)
	}
	return server
}

// URL makes a new, empty database and returns its address. It is dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	server := Server(t)
	name := Name()
	admin := server.URL("postgres")
	execute(t, admin, "CREATE DATABASE "+name)
	t.Cleanup(func() { execute(t, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return server.URL(name)
}

// Migrated makes a new database with the tables of sets and returns its address, as its owner has it.
func Migrated(t testing.TB, sets ...store.Set) string {
	t.Helper()
	address := URL(t)
	if err := migrate.Up(t.Context(), address, sets...); err != nil {
		t.Fatal(err)
	}
	return address
}

// Role makes a role as a function has it in a database of [Migrated], which has the same sets, and returns its address
// for that role.
func Role(t testing.TB, address string, grants []store.Grant, sets ...store.Set) string {
	t.Helper()
	role := migrate.Role{Program: "program", Password: config.Secret(rand.Text()), Grants: grants}
	name, err := migrate.RoleName(Database(address), role.Program)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate.Roles(t.Context(), address, sets, role); err != nil {
		t.Fatal(err)
	}
	admin := Server(t).URL("postgres")
	t.Cleanup(func() {
		execute(t, admin, "DROP DATABASE IF EXISTS "+Database(address)+" WITH (FORCE)") // where it has rights
		execute(t, admin, "DROP ROLE "+name)
	})
	mine, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	mine.User = url.UserPassword(name, role.Password.Reveal())
	return mine.String()
}

// Alone lets one test at a time pass, of all processes on the server, that calls it with the same subject: for what
// looks at more of the server than the test's own databases.
func Alone(t testing.TB, subject string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), Server(t).URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // which ends the lock
	if _, err := conn.Exec(t.Context(), `SELECT pg_advisory_lock(hashtextextended($1, 0))`, "test "+subject); err != nil {
		t.Fatal(err)
	}
}

// Name is a name for a database or role that nobody else has.
func Name() string { return "test_" + strings.ToLower(rand.Text()[:16]) }

func execute(t testing.TB, address, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}

// Start starts a server for tests, or uses the one that TEST_DATABASE_URL names. It ends when this process ends,
// even if killed, and its data goes with it; stopping it is allowed but not needed.
func Start(ctx context.Context) (*postgres.Server, error) {
	if address := os.Getenv(Variable); address != "" {
		return postgres.Start(ctx, postgres.Config{URL: address})
	}
	dir, err := os.MkdirTemp("", "irc.now-storetest-")
	if err != nil {
		return nil, fmt.Errorf("make room for test data: %w", err)
	}
	if err := removeAfterUs(dir); err != nil {
		return nil, err
	}
	return postgres.Start(ctx, postgres.Config{Dir: dir, Fast: true})
}

// Database is the name in a database's address.
func Database(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(parsed.Path, "/")
}

// WaitUntilUnused waits until nobody is connected to the database at address; PostgreSQL ends a session a moment after
// its client has gone.
func WaitUntilUnused(t testing.TB, address string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), Server(t).URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var connected int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = $1`, Database(address)).Scan(&connected)
		switch {
		case err != nil:
			t.Fatal(err)
		case connected == 0:
			return
		case time.Now().After(deadline):
			t.Fatalf("%d connections are left", connected)
		}
	}
}

// FailedStart runs a start that has to fail, with an error or a panic, waits until the database at address hears no more
// of it, and returns why it failed.
func FailedStart(t testing.TB, address string, start func() error) error {
	t.Helper()
	err := recovered(start)
	if err == nil {
		t.Fatal("it started")
	}
	WaitUntilUnused(t, address)
	return err
}

func recovered(start func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panicked: %v", reason)
		}
	}()
	return start()
}
