package tenant_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/config"
	"irc.now/shared/store"
	"irc.now/shared/tenant"
)

const uid = "6f1c1f5e-0000-4000-8000-000000000001"

var passwords = tenant.Passwords{Owner: "owner's password", Reader: "reader's password"}

// short is a name that can be buried.
func short() string { return "t_" + storetest.Name()[max(0, len(storetest.Name())-30):] }

// own makes a tenant that belongs to owner, and drops what is left of it after the test.
func own(t *testing.T, admin *pgxpool.Pool, name, owner string) tenant.Credentials {
	t.Helper()
	c, err := tenant.EnsureOwned(t.Context(), admin, name, owner, passwords)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dropNow(t, name) })
	return c
}

func exec(t *testing.T, admin *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := admin.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, admin *pgxpool.Pool, sql string, args ...any) T {
	t.Helper()
	var answer T
	if err := admin.QueryRow(t.Context(), sql, args...).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestAnotherOwnersDatabaseIsTaken(t *testing.T) {
	admin, name := newAdmin(t), short()
	c := own(t, admin, name, uid)
	if err := try(t, name, c.Owner, c.OwnerPassword, `CREATE TABLE kept ()`); err != nil {
		t.Fatal(err)
	}
	others := tenant.Passwords{Owner: "a", Reader: "b"}
	if _, err := tenant.EnsureOwned(t.Context(), admin, name, "another", others); !errors.Is(err, tenant.ErrTaken) {
		t.Errorf("another owner: %v", err)
	}
	if err := try(t, name, c.Owner, c.OwnerPassword, `SELECT FROM kept`); err != nil {
		t.Error("the refused owner changed something:", err)
	}
	exec(t, admin, `COMMENT ON DATABASE `+name+` IS 'irc.now tenant of another'`)
	if _, err := tenant.EnsureOwned(t.Context(), admin, name, "another", others); err != nil {
		t.Fatal(err)
	}
	if err := try(t, name, c.Owner, "a", `SELECT FROM kept`); err != nil {
		t.Error(err)
	}
	if _, err := tenant.EnsureOwned(t.Context(), admin, name, uid, passwords); !errors.Is(err, tenant.ErrTaken) {
		t.Errorf("the first owner, after it was handed over: %v", err)
	}
}

func TestADatabaseWithoutANoteIsTaken(t *testing.T) {
	admin, name := newAdmin(t), short()
	exec(t, admin, `CREATE DATABASE `+name)
	t.Cleanup(func() { dropNow(t, name) })
	if _, err := tenant.EnsureOwned(t.Context(), admin, name, uid, passwords); !errors.Is(err, tenant.ErrTaken) {
		t.Error(err)
	}
	if ask[bool](t, admin, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, name) {
		t.Error("a role was made for a database that is not ours")
	}
}

// Else whoever breaks into a tenant's server could keep the database from being buried, or hand it to somebody.
func TestATenantCannotChangeWhatIsNoted(t *testing.T) {
	admin, name := newAdmin(t), short()
	c := own(t, admin, name, uid)
	for role, password := range map[string]config.Secret{c.Owner: c.OwnerPassword, c.Reader: c.ReaderPassword} {
		for _, sql := range []string{
			`COMMENT ON DATABASE ` + name + ` IS 'irc.now tenant of another'`, `ALTER DATABASE ` + name + ` SET search_path = x`,
			`ALTER DATABASE ` + name + ` OWNER TO ` + c.Owner, `ALTER DATABASE ` + name + ` CONNECTION LIMIT 1`,
		} {
			if err := try(t, name, role, password, `SET transaction_read_only = off; `+sql); store.Code(err) != "42501" {
				t.Errorf("%s: %s: %v", role, sql, err)
			}
		}
	}
}

func TestOnlyTheFirstOfTwoOwnersGetsTheName(t *testing.T) {
	admin, name := newAdmin(t), short()
	t.Cleanup(func() { dropNow(t, name) })
	var running sync.WaitGroup
	results := make([]error, 4)
	for i := range results {
		running.Go(func() {
			_, results[i] = tenant.EnsureOwned(t.Context(), admin, name, strconv.Itoa(i), passwords)
		})
	}
	running.Wait()
	won := 0
	for _, err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, tenant.ErrTaken):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d owners got the database", won)
	}
}

// Nothing is written where nothing is wrong; each thing that is wrong is put right.
func TestOnlyWhatIsWrongIsWritten(t *testing.T) {
	admin, name := newAdmin(t), short()
	own(t, admin, name, uid)
	stored := func() string {
		return ask[string](t, admin, `SELECT string_agg(rolpassword || xmin::text, ' ' ORDER BY rolname) FROM pg_authid WHERE starts_with(rolname, $1)`, name)
	}
	before := stored()
	own(t, admin, name, uid)
	if stored() != before {
		t.Error("a second call wrote the roles again")
	}
	for _, damage := range []string{
		`ALTER ROLE ` + name + ` PASSWORD 'another'`, `ALTER ROLE ` + name + ` PASSWORD NULL`, `ALTER ROLE ` + name + ` NOLOGIN`,
		`ALTER ROLE ` + name + ` CREATEDB`, `ALTER ROLE ` + name + `__read SUPERUSER`, `ALTER DATABASE ` + name + ` OWNER TO ` + name,
		`ALTER DATABASE ` + name + ` ALLOW_CONNECTIONS false`,
	} {
		exec(t, admin, damage)
		c := own(t, admin, name, uid)
		for role, password := range map[string]config.Secret{c.Owner: c.OwnerPassword, c.Reader: c.ReaderPassword} {
			if err := try(t, name, role, password, `SELECT 1`); err != nil {
				t.Errorf("after %s: %s: %v", damage, role, err)
			}
		}
		if ask[bool](t, admin, `SELECT bool_or(rolsuper OR rolcreatedb) FROM pg_roles WHERE starts_with(rolname, $1)`, name) {
			t.Errorf("after %s a role has a right too many", damage)
		}
		if ask[string](t, admin, `SELECT datdba::regrole::text FROM pg_database WHERE datname = $1`, name) == name {
			t.Errorf("after %s the tenant owns the database", damage)
		}
	}
}

// longAgo is a time at which a sweep drops nothing of tests elsewhere, which do the same one after the other.
func longAgo(t *testing.T) time.Time {
	storetest.Alone(t, "tombs")
	return time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
}

func buried(t *testing.T, admin *pgxpool.Pool, name string) string {
	t.Helper()
	return ask[string](t, admin, `SELECT coalesce(string_agg(datname, ' '), '') FROM pg_database WHERE starts_with(datname, $1)`, "deleted_"+name+"_")
}

func TestABuriedTenantIsOutOfReachAndDroppedInTime(t *testing.T) {
	admin, name := newAdmin(t), short()
	c := own(t, admin, name, uid)
	if err := try(t, name, c.Owner, c.OwnerPassword, `CREATE TABLE kept AS SELECT 42 AS n`); err != nil {
		t.Fatal(err)
	}
	now := longAgo(t)
	if err := tenant.Bury(t.Context(), admin, name, "another", now, now.Add(time.Hour)); err != nil || buried(t, admin, name) != "" {
		t.Errorf("another owner buried it: %v", err)
	}
	for range 2 {
		if err := tenant.Bury(t.Context(), admin, name, uid, now, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	tomb := buried(t, admin, name)
	if tomb == "" || strings.Contains(tomb, " ") {
		t.Fatalf("buried as %q", tomb)
	}
	for _, database := range []string{name, tomb, "postgres"} {
		for role, password := range map[string]config.Secret{
			c.Owner: c.OwnerPassword, c.Reader: c.ReaderPassword, tomb: c.OwnerPassword, tomb + "__read": c.ReaderPassword,
		} {
			if err := try(t, database, role, password, `SELECT 1`); err == nil {
				t.Errorf("%s may still connect to %s", role, database)
			}
		}
	}
	next := own(t, admin, name, "the-next")
	if err := try(t, tomb, next.Owner, next.OwnerPassword, `SELECT 1`); err == nil {
		t.Error("the name's next owner may connect to what the one before has left")
	}
	sweep(t, admin, now.Add(59*time.Minute), tomb, false)
	sweep(t, admin, now.Add(time.Hour), tomb, true)
	if ask[bool](t, admin, `SELECT EXISTS (SELECT FROM pg_roles WHERE starts_with(rolname, $1))`, tomb) {
		t.Error("its roles are left")
	}
	if err := try(t, name, next.Owner, next.OwnerPassword, `SELECT 1`); err != nil {
		t.Error("the next owner's database was touched:", err)
	}
}

func sweep(t *testing.T, admin *pgxpool.Pool, now time.Time, tomb string, drops bool) {
	t.Helper()
	dropped, err := tenant.Sweep(t.Context(), admin, now)
	if err != nil {
		t.Error(err)
	}
	if strings.Contains(strings.Join(dropped, " "), tomb) != drops {
		t.Errorf("at %s %v were dropped", now, dropped)
	}
}

func TestAnOpenConnectionDoesNotKeepADatabaseFromBeingBuried(t *testing.T) {
	admin, name := newAdmin(t), short()
	c := own(t, admin, name, uid)
	held := make(chan error, 1)
	go func() { held <- try(t, name, c.Owner, c.OwnerPassword, `SELECT pg_sleep(60)`) }()
	for ask[int](t, admin, `SELECT count(*)::int FROM pg_stat_activity WHERE datname = $1 AND query LIKE '%pg_sleep%'`, name) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the connection never came")
		}
	}
	now := longAgo(t)
	if err := tenant.Bury(t.Context(), admin, name, uid, now, now); err != nil {
		t.Fatal(err)
	}
	if err := <-held; err == nil {
		t.Error("the connection was not ended")
	}
	if _, err := tenant.Sweep(t.Context(), admin, now); err != nil || buried(t, admin, name) != "" {
		t.Errorf("without retention it is still there: %v", err)
	}
}

// What docs/deploying.md tells administrators to do brings everything back.
func TestABuriedTenantComesBackByRenaming(t *testing.T) {
	admin, name := newAdmin(t), short()
	c := own(t, admin, name, uid)
	if err := try(t, name, c.Owner, c.OwnerPassword, `CREATE TABLE kept AS SELECT 42 AS n`); err != nil {
		t.Fatal(err)
	}
	now := longAgo(t)
	if err := tenant.Bury(t.Context(), admin, name, uid, now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	tomb := buried(t, admin, name)
	exec(t, admin, `ALTER DATABASE `+tomb+` RENAME TO `+name)
	exec(t, admin, `ALTER ROLE `+tomb+` RENAME TO `+name)
	exec(t, admin, `ALTER ROLE `+tomb+`__read RENAME TO `+name+`__read`)
	if _, err := tenant.EnsureOwned(t.Context(), admin, name, "the-next", passwords); !errors.Is(err, tenant.ErrTaken) {
		t.Errorf("the next owner, before it is handed over: %v", err)
	}
	exec(t, admin, `COMMENT ON DATABASE `+name+` IS 'irc.now tenant of the-next'`)
	again := own(t, admin, name, "the-next")
	for _, sql := range []string{`SELECT n FROM kept`, `INSERT INTO kept VALUES (43)`, `ALTER TABLE kept ADD m int`} {
		if err := try(t, name, again.Owner, again.OwnerPassword, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if err := try(t, name, again.Reader, again.ReaderPassword, `SELECT n FROM kept`); err != nil {
		t.Error(err)
	}
}

// PostgreSQL cuts names without an error, and two that are cut could be one.
func TestTheLongestNameIsBuriedWhole(t *testing.T) {
	admin, name := newAdmin(t), short()
	name += strings.Repeat("x", 37-len(name))
	own(t, admin, name, uid)
	now := longAgo(t).AddDate(1, 0, 0) // of as many digits as the present
	if err := tenant.Bury(t.Context(), admin, name, uid, now, now); err != nil {
		t.Fatal(err)
	}
	tomb := "deleted_" + name + "_" + strconv.FormatInt(now.Unix(), 10)
	roles := ask[[]string](t, admin, `SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_roles WHERE rolname LIKE '%' || $1 || '%'`, name)
	if !slices.Equal(roles, []string{tomb, tomb + "__read"}) || buried(t, admin, name) != tomb {
		t.Errorf("buried as %q with the roles %q", buried(t, admin, name), roles)
	}
	sweep(t, admin, now, tomb, true)
}

func TestADatabaseThatOnlyLooksBuriedIsKept(t *testing.T) {
	admin, name := newAdmin(t), "deleted_"+short()
	for _, note := range []string{"", "irc.now tenant of x", "until 1990-01-01T00:00:00Z", "irc.now tenant of x until yesterday"} {
		exec(t, admin, `CREATE DATABASE `+name)
		exec(t, admin, `COMMENT ON DATABASE `+name+` IS '`+note+`'`)
		if dropped, err := tenant.Sweep(t.Context(), admin, time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil || strings.Contains(strings.Join(dropped, " "), name) {
			t.Errorf("with the note %q: dropped %v, %v", note, dropped, err)
		}
		exec(t, admin, `DROP DATABASE `+name)
	}
}

func TestWhatCannotBeOwnedOrBuriedIsRefused(t *testing.T) {
	admin := newAdmin(t)
	for _, owner := range []string{"", "it's", "a b"} {
		if _, err := tenant.EnsureOwned(t.Context(), admin, "refused", owner, passwords); err == nil {
			t.Errorf("the owner %q is taken", owner)
		}
	}
	if _, err := tenant.EnsureOwned(t.Context(), admin, "refused", uid, tenant.Passwords{}); err == nil {
		t.Error("empty passwords are taken")
	}
	if err := tenant.Bury(t.Context(), admin, strings.Repeat("a", 38), uid, time.Now(), time.Now()); err == nil {
		t.Error("a name is buried that leaves no room")
	}
	if err := tenant.Bury(t.Context(), admin, "never_there", uid, time.Now(), time.Now()); err != nil {
		t.Error(err)
	}
}
