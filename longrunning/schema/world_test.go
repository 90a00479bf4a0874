package schema_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"irc.now/functions"
	"irc.now/longrunning/local/storetest"
	"irc.now/longrunning/schema"
	"irc.now/operators/operatortest"
	"irc.now/shared/config"
	"irc.now/shared/store"
)

func TestMain(m *testing.M) { os.Exit(operatortest.Main(m, operatortest.Options{Without: true})) }

// world is the accounts database under a name that no other test has, on a server that may have others.
type world struct {
	t        *testing.T
	config   schema.Config
	programs *schema.Memory
	name     string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, programs: &schema.Memory{}, name: storetest.Name()}
	accounts := functions.Databases()[0]
	accounts.Name = w.name
	server := config.Secret(storetest.Server(t).URL("postgres"))
	w.config = schema.Config{
		Admin: server, Reach: server, Databases: []store.Schema{accounts}, Sink: w.programs, Log: slog.New(slog.DiscardHandler),
	}
	t.Cleanup(w.drop)
	return w
}

// drop removes the database and every role that is called after it.
func (w *world) drop() {
	admin := w.connect(w.admin("postgres"))
	w.exec(admin, `DROP DATABASE IF EXISTS `+w.name+` WITH (FORCE)`)
	rows, _ := admin.Query(context.Background(), `SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1)`, w.name)
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Error(err)
	}
	for _, role := range roles {
		w.exec(admin, `DROP ROLE `+role)
	}
}

func (w *world) admin(database string) string { return storetest.Server(w.t).URL(database) }

func (w *world) run() {
	w.t.Helper()
	if err := schema.Run(w.t.Context(), w.config); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) connect(address string) *pgx.Conn {
	w.t.Helper()
	conn, err := pgx.Connect(context.Background(), address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// as is a connection of a program's own role.
func (w *world) as(program string) *pgx.Conn {
	w.t.Helper()
	return w.connect(w.programs.URL(program, w.name).Reveal())
}

func (w *world) exec(conn *pgx.Conn, sql string, args ...any) {
	w.t.Helper()
	if _, err := conn.Exec(context.Background(), sql, args...); err != nil {
		w.t.Errorf("%s: %v", sql, err)
	}
}

// lines are the rows of a query that gives text, sorted.
func (w *world) lines(conn *pgx.Conn, sql string) []string {
	w.t.Helper()
	rows, _ := conn.Query(w.t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// catalog is everything that a schema is made of, with the database's own name left out.
func (w *world) catalog() []string {
	w.t.Helper()
	conn := w.connect(w.admin(w.name))
	all := w.lines(conn, `
		SELECT format('column %s.%s %s: %s null %s default %s identity %s generated %s', relname, attnum, attname,
			format_type(atttypid, atttypmod), NOT attnotnull, pg_get_expr(adbin, adrelid), attidentity, attgenerated)
		FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S', 'v') AND attnum > 0 AND NOT attisdropped
		UNION ALL
		SELECT format('constraint %s %s: %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
		FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION ALL
		SELECT format('index %s', indexdef) FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL
		SELECT format('relation %s %s of %s', relkind, relname, pg_get_userbyid(relowner))
		FROM pg_class WHERE relnamespace = 'public'::regnamespace`)
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], w.name, "accounts")
	}
	return all
}

// wantDenied checks that a statement fails because the role may not do it.
func (w *world) wantDenied(conn *pgx.Conn, sql string) {
	w.t.Helper()
	if _, err := conn.Exec(w.t.Context(), sql); store.Code(err) != store.InsufficientPrivilege {
		w.t.Errorf("%s: %v", sql, err)
	}
}

// tryConnect says why a role cannot sign in.
func (w *world) tryConnect(address string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(w.t.Context(), address)
	if err == nil {
		w.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	}
	return conn, err
}
