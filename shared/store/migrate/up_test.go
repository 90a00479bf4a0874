package migrate_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/store"
	"irc.now/shared/store/migrate"
)

// set makes a set with one migration for each statement.
func set(name string, statements ...string) store.Set {
	files := fstest.MapFS{}
	for i, statement := range statements {
		files[fmt.Sprintf("migrations/%05d_step.sql", i+1)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + statement + "\n")}
	}
	return store.Set{Name: name, Files: files}
}

func open(t *testing.T, address string) *pgxpool.Pool {
	t.Helper()
	pool, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func count(t *testing.T, pool *pgxpool.Pool, from string) (rows int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM `+from).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestMigrationsRunOnceWhoeverAsks(t *testing.T) {
	address := storetest.URL(t)
	first := []string{`CREATE TABLE a (n int); INSERT INTO a VALUES (1);`}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := migrate.Up(t.Context(), address, set("one", first...), set("two", `CREATE TABLE b ();`)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for range 2 {
		if err := migrate.Up(t.Context(), address, set("one", append(first, `INSERT INTO a VALUES (2);`)...)); err != nil {
			t.Fatal(err)
		}
	}
	pool := open(t, address)
	if rows := count(t, pool, "a"); rows != 2 {
		t.Errorf("%d rows, want 2", rows)
	}
	if rows := count(t, pool, "two_schema_version WHERE version_id = 1"); rows != 1 {
		t.Errorf("the second set has its version %d times in a table of its own", rows)
	}
}

func TestADatabaseNewerThanTheCodeIsLeftAlone(t *testing.T) {
	address := storetest.URL(t)
	for _, s := range []store.Set{set("one", `SELECT 1;`, `SELECT 1;`), set("one", `SELECT 1;`)} {
		if err := migrate.Up(t.Context(), address, s); err != nil {
			t.Error(err)
		}
	}
}

func TestAFailedMigrationLeavesNothingBehind(t *testing.T) {
	address := storetest.URL(t)
	if err := migrate.Up(t.Context(), address, set("one", `CREATE TABLE half (); SELECT nonsense;`)); err == nil {
		t.Fatal("no error")
	}
	if err := migrate.Up(t.Context(), address, set("one", `CREATE TABLE half ();`)); err != nil {
		t.Errorf("a corrected migration: %v", err)
	}
}

func TestMigrationsNeedNumbers(t *testing.T) {
	unnumbered := store.Set{Name: "one", Files: fstest.MapFS{"migrations/first.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")}}}
	for _, s := range []store.Set{set("one"), unnumbered} {
		if err := migrate.Up(t.Context(), storetest.URL(t), s); err == nil {
			t.Errorf("%v: no error", s.Files)
		}
	}
}
