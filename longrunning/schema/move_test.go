package schema_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"irc.now/longrunning/schema"
	"irc.now/shared/store"
	"irc.now/shared/store/migrate"
	"irc.now/shared/tenant"
)

// before are the migrations of the last release in which the accounts had all the tables.
var before = store.Set{Name: "accounts", Files: os.DirFS("testdata/before"), Table: store.FirstTable}

// rows are one of each kind, and what has to be there still after the move.
const rows = `
	INSERT INTO account (id, subject, email, handle, plan, hosting, created_at) VALUES ('11111111-1111-1111-1111-111111111111', 'ada', 'a@b.c', 'ada', 'pro', 'starter', now());
	INSERT INTO connection_password (id, account_id, name, hash, created_at) SELECT 'p1', id, 'irssi', decode(repeat('00', 32), 'hex'), now() FROM account;
	INSERT INTO accepted_token (hash, account_id, sealed, expires_at, checked_at) SELECT decode(repeat('01', 32), 'hex'), id, 'x', now(), now() FROM account;
	INSERT INTO sessions (token, data, expiry) VALUES ('t', 'x', now());
	INSERT INTO outbox (event) VALUES ('{"id":"1"}'), ('{"id":"2"}');
	INSERT INTO billing (account_id, customer_id, updated_at) SELECT id, 'cus_1', now() FROM account;
	INSERT INTO processed_event (consumer, source, id, processed_at) VALUES ('billing', '/stripe', 'evt_1', now());
	INSERT INTO dead_letter (source, id, destination, type, status, event, died_at) VALUES ('/s', '1', '', 't', '', 'x', now());
	INSERT INTO claim (account_id, kind, namespace, name, expires_at) SELECT id, 'SojuBouncer', 'n', 'ada', now() FROM account`

const survivors = `SELECT format('%s %s %s %s %s %s %s %s %s', (SELECT count(*) FROM account WHERE handle = 'ada'),
	(SELECT count(*) FROM connection_password), (SELECT count(*) FROM accepted_token), (SELECT count(*) FROM sessions),
	(SELECT string_agg(number || event, ',' ORDER BY number) FROM outbox), (SELECT count(*) FROM billing WHERE customer_id = 'cus_1'),
	(SELECT count(*) FROM processed_event), (SELECT count(*) FROM dead_letter), (SELECT count(*) FROM claim))`

// oldStatements are what programs of the release before say, each of which has to work on a moved database.
var oldStatements = []string{
	`INSERT INTO account (subject, email, created_at) VALUES ('bob', '', now()) ON CONFLICT (subject) DO UPDATE SET email = excluded.email RETURNING xmax = 0`,
	`INSERT INTO outbox (event) VALUES ('{"id":"3"}')`,
	`SELECT number, event, refusals FROM outbox WHERE sent_at IS NULL AND due_at <= now() ORDER BY due_at, number LIMIT 64 FOR UPDATE SKIP LOCKED`,
	`UPDATE outbox SET sent_at = now() WHERE number = ANY('{1}')`,
	`DELETE FROM outbox WHERE sent_at < now() - interval '7 days'`,
	`INSERT INTO sessions (token, data, expiry) VALUES ('u', 'x', now()) ON CONFLICT (token) DO UPDATE SET data = EXCLUDED.data, expiry = EXCLUDED.expiry`,
	`DELETE FROM sessions WHERE token IN (SELECT token FROM sessions WHERE expiry <= now() LIMIT 100 FOR UPDATE SKIP LOCKED)`,
	`INSERT INTO processed_event (consumer, source, id, processed_at) VALUES ('billing', '/stripe', 'evt_1', now()) ON CONFLICT DO NOTHING`,
	`SELECT account_id, EXISTS (SELECT FROM processed_event WHERE consumer = 'billing' AND source = '/stripe' AND id = 'evt_1') AS done FROM billing WHERE customer_id = 'cus_1'`,
	`DELETE FROM processed_event WHERE processed_at < now() - interval '60 days'`,
	`INSERT INTO dead_letter (source, id, destination, type, status, event, died_at) VALUES ('/s', '1', '', 't', '', 'x', now()) ON CONFLICT DO NOTHING`,
	`UPDATE billing SET grace_told = keep_until WHERE customer_id = 'cus_1'`,
	`UPDATE connection_password SET last_used_at = now() WHERE id = 'p1'`,
	`SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`,
}

// made are the ways in which databases of the release before were made; each gives the address of its owner.
var made = map[string]func(*world) string{
	"on one machine": func(w *world) string {
		pool, err := store.Open(w.t.Context(), w.admin("postgres"))
		if err != nil {
			w.t.Fatal(err)
		}
		defer pool.Close()
		c, err := tenant.Ensure(w.t.Context(), pool, w.name, tenant.Passwords{Owner: "the owner's own"})
		if err != nil {
			w.t.Fatal(err)
		}
		return w.owner(c.OwnerPassword.Reveal())
	},
	"by CloudNativePG": func(w *world) string {
		admin := w.connect(w.admin("postgres"))
		w.exec(admin, `CREATE ROLE `+w.name+` LOGIN PASSWORD 'the owner''s own'`)
		w.exec(admin, `CREATE DATABASE `+w.name+` OWNER `+w.name)
		w.exec(w.connect(w.admin(w.name)), `REVOKE ALL ON DATABASE `+w.name+` FROM PUBLIC`)
		return w.owner("the owner's own")
	},
}

func TestADatabaseOfTheReleaseBeforeMoves(t *testing.T) {
	fresh := newWorld(t)
	fresh.run()
	want := fresh.catalog()
	if len(want) < 60 {
		t.Fatalf("the catalog has %d lines", len(want))
	}
	for name, make := range made {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			owner := make(w)
			if err := migrate.Up(t.Context(), owner, before); err != nil {
				t.Fatal(err)
			}
			old := w.connect(owner) // a program of the release before, which goes on
			w.exec(old, rows)
			was := w.lines(old, survivors)
			w.runManyAtOnce(owner)
			if got := w.catalog(); !slices.Equal(got, want) {
				t.Errorf("moved:\n%s\nfresh:\n%s", lacking(got, want), lacking(want, got))
			}
			if is := w.lines(old, survivors); !slices.Equal(is, was) {
				t.Errorf("there were %s, and are %s", was, is)
			}
			w.wantOldWorks(owner, old)
		})
	}
}

// runManyAtOnce runs two releases' programs, the new one several times: jobs are repeated, and overlap.
func (w *world) runManyAtOnce(owner string) {
	w.t.Helper()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			mine := w.config
			mine.Sink = fixed{}
			if err := schema.Run(w.t.Context(), mine); err != nil {
				w.t.Error(err)
			}
		})
		all.Go(func() {
			if err := migrate.Up(w.t.Context(), owner, before); err != nil {
				w.t.Errorf("a program of the release before: %v", err)
			}
		})
	}
	all.Wait()
	w.run()
}

// wantOldWorks checks that programs of the release before go on, and that new ones of it can start.
func (w *world) wantOldWorks(owner string, running *pgx.Conn) {
	w.t.Helper()
	for _, conn := range []*pgx.Conn{running, w.connect(owner)} {
		for _, statement := range oldStatements {
			w.exec(conn, statement)
		}
	}
	if err := migrate.Up(w.t.Context(), owner, before); err != nil {
		w.t.Errorf("a program of the release before: %v", err)
	}
}

func TestTheReleaseBeforeRunsOnADatabaseOfThisOne(t *testing.T) {
	w := newWorld(t)
	w.run()
	w.exec(w.connect(w.admin("postgres")), fmt.Sprintf(`ALTER ROLE %s LOGIN PASSWORD 'again'; GRANT CONNECT ON DATABASE %s TO %s`, w.name, w.name, w.name))
	w.wantOldWorks(w.owner("again"), w.connect(w.owner("again")))
}

// lacking is what of all is not in others.
func lacking(all, others []string) string {
	only := slices.DeleteFunc(slices.Clone(all), func(line string) bool { return slices.Contains(others, line) })
	return strings.Join(only, "\n")
}
