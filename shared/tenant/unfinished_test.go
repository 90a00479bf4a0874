package tenant_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/tenant"
)

// unfinished leaves what EnsureOwned has when it is killed: the database under its first name, without or with a note.
func unfinished(t *testing.T, admin *pgxpool.Pool, name, role, note string) {
	t.Helper()
	t.Cleanup(func() { dropNow(t, "making_"+name); dropNow(t, name); dropNow(t, role) })
	exec(t, admin, `CREATE ROLE `+role+` LOGIN`)
	exec(t, admin, `CREATE ROLE `+role+`__read LOGIN`)
	exec(t, admin, `CREATE DATABASE making_`+name+` TEMPLATE template0`)
	exec(t, admin, `GRANT CONNECT ON DATABASE making_`+name+` TO `+role+`__read`)
	if note != "" {
		exec(t, admin, `COMMENT ON DATABASE making_`+name+` IS '`+note+`'`)
	}
}

// left tells which of the database and its roles are there.
func left(t *testing.T, admin *pgxpool.Pool, name string) string {
	t.Helper()
	return ask[string](t, admin, `SELECT concat_ws(' ', (SELECT 'database' FROM pg_database WHERE datname = 'making_' || $1),
		(SELECT 'roles' FROM pg_roles WHERE rolname = $1))`, name)
}

func TestAnUnfinishedTenantGoesAtOnce(t *testing.T) {
	admin, now := newAdmin(t), longAgo(t)
	ours := "irc.now tenant of "
	for _, c := range []struct{ note, buried, swept string }{
		{"", "", ""},
		{ours + uid, "", ""},
		{ours + "another", "database roles", ""}, // of one that had the name before
		{ours + uid + " until 1999-01-01T00:00:00Z", "database roles", "database roles"},
		{"precious", "database roles", "database roles"},
	} {
		for _, sweeps := range []bool{false, true} {
			name := short()
			unfinished(t, admin, name, name, c.note)
			want := c.buried
			if sweeps {
				want = c.swept
				dropped, err := tenant.Sweep(t.Context(), admin, now)
				if told := strings.Contains(strings.Join(dropped, " "), "making_"+name); err != nil || told != (want == "") {
					t.Errorf("with the note %q: dropped %v, %v", c.note, dropped, err)
				}
			} else if err := tenant.Bury(t.Context(), admin, name, uid, now, now); err != nil {
				t.Error(err)
			}
			if got := left(t, admin, name); got != want {
				t.Errorf("with the note %q, swept: %v: %q is left, want %q", c.note, sweeps, got, want)
			}
		}
	}
}

func TestAWholeTenantKeepsItsRoles(t *testing.T) {
	admin, name := newAdmin(t), short()
	now := longAgo(t)
	c := own(t, admin, name, uid)
	exec(t, admin, `CREATE DATABASE making_`+name)
	t.Cleanup(func() { dropNow(t, "making_"+name) })
	if _, err := tenant.Sweep(t.Context(), admin, now); err != nil {
		t.Fatal(err)
	}
	if got := left(t, admin, name); got != "roles" {
		t.Errorf("%q is left", got)
	}
	if err := try(t, name, c.Owner, c.OwnerPassword, `SELECT 1`); err != nil {
		t.Error(err)
	}
}

func TestWhatOnlyLooksUnfinishedIsKept(t *testing.T) {
	admin, now := newAdmin(t), longAgo(t)
	name, other := short(), short()
	unfinished(t, admin, name, other, "")
	odd := `"making_` + storetest.Name() + `-X"`
	exec(t, admin, `CREATE DATABASE `+odd)
	t.Cleanup(func() {
		if _, err := admin.Exec(context.Background(), `DROP DATABASE `+odd); err != nil {
			t.Error(err)
		}
	})
	if err := tenant.Bury(t.Context(), admin, name, uid, now, now); err != nil {
		t.Error(err)
	}
	dropped, err := tenant.Sweep(t.Context(), admin, now)
	if err != nil || strings.Contains(strings.Join(dropped, " "), name) || strings.Contains(strings.Join(dropped, " "), "-X") {
		t.Errorf("dropped %v, %v", dropped, err)
	}
	if got := left(t, admin, name); got != "database" {
		t.Errorf("of another role's, %q is left", got)
	}
}
