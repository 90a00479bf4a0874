package tenant_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/config"
	"irc.now/shared/store"
	"irc.now/shared/tenant"
)

func newAdmin(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := store.Open(t.Context(), storetest.Server(t).URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// ensure makes a tenant under a name of its own and drops it after the test.
func ensure(t *testing.T, admin *pgxpool.Pool) tenant.Credentials {
	t.Helper()
	name := storetest.Name()
	c, err := tenant.Ensure(t.Context(), admin, name, tenant.Passwords{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dropNow(t, name) })
	return c
}

// dropNow uses a pool of its own, since the test's is closed by now.
func dropNow(t *testing.T, name string) {
	pool, err := pgxpool.New(context.Background(), storetest.Server(t).URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := tenant.Drop(context.Background(), pool, name); err != nil {
		t.Error(err)
	}
}

// try runs sql as role on database over a connection of its own.
func try(t *testing.T, database, role string, password config.Secret, sql string) error {
	t.Helper()
	address, err := url.Parse(storetest.Server(t).URL(database))
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword(role, password.Reveal())
	conn, err := pgx.Connect(t.Context(), address.String())
	if err != nil {
		return err
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), sql)
	return err
}

func TestTheOwnerWorksAndTheReaderOnlyReads(t *testing.T) {
	c := ensure(t, newAdmin(t))
	owner := func(sql string) error { return try(t, c.Database, c.Owner, c.OwnerPassword, sql) }
	reader := func(sql string) error { return try(t, c.Database, c.Reader, c.ReaderPassword, sql) }
	for _, sql := range []string{`CREATE TABLE a (n int)`, `INSERT INTO a VALUES (1)`, `CREATE EXTENSION pg_trgm`} {
		if err := owner(sql); err != nil {
			t.Errorf("owner: %s: %v", sql, err)
		}
	}
	if err := reader(`SELECT n FROM a`); err != nil {
		t.Errorf("reader: %v", err)
	}
	for _, sql := range []string{
		`INSERT INTO a VALUES (2)`, `SET default_transaction_read_only = off; INSERT INTO a VALUES (2)`, `DROP TABLE a`,
		`CREATE TABLE b ()`, `SET default_transaction_read_only = off; CREATE TABLE b ()`,
		`SET default_transaction_read_only = off; CREATE TEMP TABLE b ()`, `SET ROLE ` + c.Owner, `CREATE SCHEMA s`,
	} {
		if err := reader(sql); err == nil {
			t.Errorf("the reader may: %s", sql)
		}
	}
}

func TestATenantReachesNothingOfAnother(t *testing.T) {
	admin := newAdmin(t)
	mine, theirs := ensure(t, admin), ensure(t, admin)
	if err := try(t, theirs.Database, theirs.Owner, theirs.OwnerPassword, `CREATE TABLE secret ()`); err != nil {
		t.Fatal(err)
	}
	for role, password := range map[string]config.Secret{mine.Owner: mine.OwnerPassword, mine.Reader: mine.ReaderPassword} {
		if err := try(t, theirs.Database, role, password, `SELECT FROM secret`); store.Code(err) != "42501" {
			t.Errorf("%s on another's database: %v", role, err)
		}
		for _, sql := range []string{
			`SET ROLE ` + theirs.Owner, `ALTER ROLE ` + theirs.Owner + ` PASSWORD 'x'`, `CREATE ROLE eve`,
			`CREATE DATABASE eve`, `DROP DATABASE ` + theirs.Database, `COPY (SELECT 1) TO PROGRAM 'id'`,
			`SELECT pg_read_file('postgresql.conf')`, `SELECT rolpassword FROM pg_authid`,
		} {
			if err := try(t, mine.Database, role, password, sql); err == nil {
				t.Errorf("%s may: %s", role, sql)
			}
		}
	}
}

// A bouncer may be called alice and another one alice-reader.
func TestNoTenantIsAnothersReader(t *testing.T) {
	admin, name := newAdmin(t), storetest.Name()
	for _, each := range []string{name, name + "_reader"} {
		t.Cleanup(func() { dropNow(t, each) })
	}
	first, err := tenant.Ensure(t.Context(), admin, name, tenant.Passwords{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := tenant.Ensure(t.Context(), admin, name+"_reader", tenant.Passwords{})
	if err != nil {
		t.Fatal(err)
	}
	if err := try(t, first.Database, second.Owner, second.OwnerPassword, `SELECT 1`); store.Code(err) != "42501" {
		t.Errorf("%s on another's database: %v", second.Owner, err)
	}
	if err := try(t, first.Database, first.Reader, first.ReaderPassword, `SELECT 1`); err != nil {
		t.Errorf("the second tenant's making changed the first one's reader: %v", err)
	}
	if err := try(t, second.Database, second.Owner, second.OwnerPassword, `CREATE TABLE a ()`); err != nil {
		t.Errorf("%s on its own database: %v", second.Owner, err)
	}
}

func TestEnsureAgainKeepsDataAndSetsPasswords(t *testing.T) {
	admin := newAdmin(t)
	first := ensure(t, admin)
	if err := try(t, first.Database, first.Owner, first.OwnerPassword, `CREATE TABLE kept ()`); err != nil {
		t.Fatal(err)
	}
	kept, err := tenant.Ensure(t.Context(), admin, first.Database, tenant.Passwords{Owner: first.OwnerPassword})
	if err != nil || kept.OwnerPassword != first.OwnerPassword || kept.ReaderPassword == first.ReaderPassword {
		t.Fatalf("%+v, %v", kept, err)
	}
	if err := try(t, first.Database, first.Owner, first.OwnerPassword, `SELECT FROM kept`); err != nil {
		t.Error(err)
	}
	if err := try(t, first.Database, first.Reader, kept.ReaderPassword, `SELECT FROM kept`); err != nil {
		t.Error(err)
	}
	if err := try(t, first.Database, first.Reader, first.ReaderPassword, `SELECT 1`); err == nil {
		t.Error("a rotated password still works")
	}
}

func TestEnsureAtTheSameTimeIsSafe(t *testing.T) {
	admin, name := newAdmin(t), storetest.Name()
	t.Cleanup(func() { dropNow(t, name) })
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := tenant.Ensure(t.Context(), admin, name, tenant.Passwords{Owner: "same", Reader: "same"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestDropRemovesEverythingAndMayBeRepeated(t *testing.T) {
	admin := newAdmin(t)
	c := ensure(t, admin)
	if err := try(t, c.Database, c.Owner, c.OwnerPassword, `CREATE TABLE a ()`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := tenant.Drop(t.Context(), admin, c.Database); err != nil {
			t.Fatal(err)
		}
	}
	if err := try(t, "postgres", c.Owner, c.OwnerPassword, `SELECT 1`); err == nil {
		t.Error("the owner may still sign in")
	}
}

func TestOnlyPlainNamesAreTaken(t *testing.T) {
	admin := newAdmin(t)
	for _, name := range []string{"", "postgres", "Soju", "a-b", `a"; DROP`, "a b", "1a", "a\x00", "a__b", strings.Repeat("a", 49)} {
		if _, err := tenant.Ensure(t.Context(), admin, name, tenant.Passwords{}); err == nil {
			t.Errorf("Ensure(%q) is accepted", name)
		}
		if err := tenant.Drop(t.Context(), admin, name); err == nil {
			t.Errorf("Drop(%q) is accepted", name)
		}
	}
}

func TestPasswordsDoNotPrint(t *testing.T) {
	c := tenant.Credentials{OwnerPassword: "hunter2", ReaderPassword: "hunter3"}
	if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "hunter") {
		t.Error(text)
	}
}
