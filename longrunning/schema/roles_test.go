package schema_test

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"testing"

	"irc.now/longrunning/schema"
	"irc.now/shared/config"
	"irc.now/shared/store"
)

// owner is the address of the database for its owner.
func (w *world) owner(password string) string {
	w.t.Helper()
	address, err := url.Parse(w.admin(w.name))
	if err != nil {
		w.t.Fatal(err)
	}
	address.User = url.UserPassword(w.name, password)
	return address.String()
}

// fixed is a sink in which every program has the same password.
type fixed struct{}

func (fixed) Password(context.Context, string) (config.Secret, error) {
	return "one for everybody", nil
}
func (fixed) Keep(context.Context, string, []schema.Address) error { return nil }

// denied is what programs may not do, whoever takes them over.
var denied = map[string][]string{
	"admission": {
		`UPDATE account SET plan = 'pro'`, `INSERT INTO account (subject, email, created_at) VALUES ('x', '', now())`,
		`SELECT * FROM billing`, `SELECT * FROM connection_password`, `SELECT * FROM sessions`, `INSERT INTO outbox (event) VALUES ('{}')`,
	},
	"billing": {
		`INSERT INTO account (subject, email, created_at) VALUES ('x', '', now())`, `UPDATE account SET handle = 'x'`, `UPDATE account SET email = 'x'`,
		`DELETE FROM account`, `UPDATE billing SET customer_id = 'x'`, `INSERT INTO billing (account_id, customer_id, updated_at) SELECT id, 'x', now() FROM account`,
		`SELECT * FROM connection_password`, `SELECT * FROM accepted_token`, `SELECT * FROM sessions`, `DELETE FROM outbox`, `UPDATE outbox SET event = ''`,
	},
	"deadletter": {
		`SELECT * FROM account`, `SELECT * FROM billing`, `SELECT * FROM dead_letter`, `DELETE FROM dead_letter`, `SELECT * FROM outbox`, `SELECT * FROM sessions`,
	},
	"introspect": {
		`UPDATE account SET plan = 'pro'`, `SELECT * FROM billing`, `SELECT * FROM sessions`, `SELECT sealed FROM accepted_token`,
		`INSERT INTO connection_password (id, account_id, name, hash, created_at) SELECT 'x', id, '', '', now() FROM account`,
		`UPDATE connection_password SET revoked_at = NULL`, `UPDATE connection_password SET hash = ''`, `DELETE FROM accepted_token`, `SELECT * FROM outbox`,
	},
	"limits": {
		`UPDATE account SET plan = 'pro'`, `UPDATE billing SET keep_until = now()`, `SELECT * FROM connection_password`, `SELECT * FROM sessions`,
		`INSERT INTO outbox (event) VALUES ('{}')`,
	},
	"outbox": {
		`SELECT * FROM account`, `SELECT * FROM billing`, `INSERT INTO outbox (event) VALUES ('{}')`, `UPDATE outbox SET event = ''`, `SELECT * FROM dead_letter`,
	},
	"portal": {
		`UPDATE account SET plan = 'pro'`, `UPDATE account SET hosting = 'growth'`, `INSERT INTO account (subject, email, created_at, plan) VALUES ('x', '', now(), 'pro')`,
		`UPDATE account SET subject = 'x'`, `UPDATE billing SET customer_id = 'x'`, `UPDATE billing SET customer_id = 'x', former_customers = '{}'`,
		`UPDATE billing SET former_customers = '{}'`, `INSERT INTO reversal SELECT 'x', id, 'refund', 'part', 1, 'usd', now() FROM account`, `UPDATE billing SET standing = 'paid'`,
		`INSERT INTO billing (account_id, customer_id, updated_at, standing) SELECT id, 'x', now(), 'paid' FROM account`,
		`UPDATE connection_password SET hash = ''`, `SELECT * FROM accepted_token`, `SELECT * FROM claim`, `SELECT * FROM processed_event`, `SELECT * FROM dead_letter`,
	},
	"revoke": {
		`INSERT INTO connection_password (id, account_id, name, hash, created_at) SELECT 'x', id, '', '', now() FROM account`,
		`SELECT hash FROM connection_password`, `UPDATE connection_password SET revoked_at = NULL`, `SELECT email FROM account`, `UPDATE account SET handle = 'x'`,
		`SELECT * FROM billing`, `SELECT * FROM sessions`,
	},
}

func TestAProgramMayDoWhatItNeedsAndNoMore(t *testing.T) {
	w := newWorld(t)
	w.run()
	w.exec(w.connect(w.admin(w.name)), rows)
	for program := range w.config.Databases[0].Roles {
		conn := w.as(program)
		if len(denied[program]) == 0 {
			t.Errorf("nothing is tried that %s may not do", program)
		}
		for _, statement := range slices.Concat(denied[program], []string{
			`CREATE TABLE mine ()`, `CREATE TEMPORARY TABLE mine ()`, `DROP TABLE account`, `TRUNCATE account`, `ALTER TABLE account ADD COLUMN mine int`,
			`UPDATE goose_db_version SET version_id = 99`, `SET ROLE ` + w.name, `CREATE ROLE mine`, `CREATE DATABASE mine`,
		}) {
			w.wantDenied(conn, statement)
		}
	}
}

func TestARunThatFindsEverythingChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.config.Sink = fixed{}
	w.run()
	conn := w.connect(w.admin(w.name))
	look := func() []string {
		return w.lines(conn, `
			SELECT format('role %s %s', rolname, xmin) FROM pg_authid WHERE starts_with(rolname, current_database())
			UNION ALL SELECT format('relation %s %s', relname, xmin) FROM pg_class WHERE relnamespace = 'public'::regnamespace
			UNION ALL SELECT format('column %s %s %s', attrelid, attname, xmin) FROM pg_attribute WHERE attacl IS NOT NULL
			UNION ALL SELECT format('database %s', xmin) FROM pg_database WHERE datname = current_database()
			UNION ALL SELECT format('schema %s', xmin) FROM pg_namespace WHERE nspname = 'public'
			UNION ALL SELECT format('version %s', xmin) FROM goose_db_version`)
	}
	was := look()
	w.run()
	if is := look(); !slices.Equal(was, is) {
		t.Errorf("changed:\n%s", lacking(is, was))
	}
}

func TestWhatAReleaseDoesNotGrantIsTakenAway(t *testing.T) {
	w := newWorld(t)
	w.run()
	admin, introspect := w.connect(w.admin(w.name)), w.as("introspect")
	revoke := w.programs.URL("revoke", w.name).Reveal()
	w.exec(admin, rows)
	w.exec(admin, `GRANT ALL ON billing, sessions TO `+w.name+`__introspect; GRANT UPDATE (plan) ON account TO `+w.name+`__introspect`)
	w.exec(admin, `ALTER ROLE `+w.name+`__introspect CREATEDB`)
	roles := w.config.Databases[0].Roles
	delete(roles, "revoke")
	roles["introspect"] = []store.Grant{{Table: "account", May: "SELECT (id, handle)"}, {Table: "connection_password", May: "SELECT"}}
	w.run()
	for _, statement := range []string{`SELECT * FROM billing`, `DELETE FROM sessions`, `UPDATE account SET plan = 'pro'`, `SELECT email FROM account`,
		`UPDATE connection_password SET last_used_at = now()`, `INSERT INTO accepted_token VALUES (NULL)`, `CREATE DATABASE mine`} {
		w.wantDenied(introspect, statement)
	}
	w.exec(introspect, `SELECT id, handle FROM account`)
	w.exec(introspect, `SELECT hash FROM connection_password`)
	if _, err := w.tryConnect(revoke); err == nil {
		t.Error("a program that the release does not have signs in")
	}
	if left := w.lines(admin, `SELECT relname::text FROM pg_class, aclexplode(relacl) WHERE grantee = '`+w.name+`__revoke'::regrole`); len(left) > 0 {
		t.Errorf("it still may do something with %s", left)
	}
}

func TestManyRunsAtOnceEndInOneState(t *testing.T) {
	w := newWorld(t)
	w.config.Sink = fixed{}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := schema.Run(t.Context(), w.config); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	address, err := url.Parse(w.admin(w.name))
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword(w.name+"__portal", "one for everybody")
	w.exec(w.connect(address.String()), `SELECT * FROM account`)
}

func TestAProgramMayHaveSeveralDatabases(t *testing.T) {
	w := newWorld(t)
	other := newWorld(t)
	accounts := w.config.Databases[0]
	paste := store.Schema{Name: other.name, Sets: accounts.Sets[2:3], Roles: map[string][]store.Grant{"outbox": accounts.Roles["outbox"]}}
	w.config.Databases = append(w.config.Databases, paste)
	w.run()
	for _, database := range []string{w.name, other.name} {
		w.exec(w.connect(w.programs.URL("outbox", database).Reveal()), `SELECT * FROM outbox`)
	}
	elsewhere := mustParse(t, w.programs.URL("portal", w.name).Reveal())
	elsewhere.Path = "/" + other.name
	if _, err := w.tryConnect(elsewhere.String()); store.Code(err) != store.InsufficientPrivilege {
		t.Errorf("a program reaches a database that is none of its own: %v", err)
	}
}

func TestARoleThatCannotBeIsRefused(t *testing.T) {
	for _, program := range []string{"read", "Portal", "a__b", "a_b", "", "-a", "portal; DROP ROLE x", "a-program-with-a-name-that-is-much-too-long-for-any-role-of-postgresql"} {
		w := newWorld(t)
		w.config.Databases[0].Roles = map[string][]store.Grant{program: nil}
		if err := schema.Run(t.Context(), w.config); err == nil {
			t.Errorf("a role for %q was made", program)
		}
	}
}
