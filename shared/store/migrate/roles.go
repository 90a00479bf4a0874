package migrate

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/config"
	"irc.now/shared/store"
	"irc.now/shared/tenant"
)

// Role is a program's own role in a database.
type Role struct {
	Program  string // such as "portal": lower-case letters, digits and single dashes
	Password config.Secret
	Grants   []store.Grant
}

// separator is between database and program in a role's name. Neither has it in its own, so no two are called the same
// on the whole server.
const separator = "__"

// maxRole is the length of PostgreSQL's names.
const maxRole = 63

var validProgram = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// reader is the program that no role of ours may be called after: tenant's readers are.
const reader = "read"

// RoleName is what a program's role in a database is called: "accounts__portal".
func RoleName(database, program string) (string, error) {
	if !validProgram.MatchString(program) || program == reader {
		return "", fmt.Errorf("%q is no name for a program with a role", program)
	}
	name := database + separator + strings.ReplaceAll(program, "-", "_")
	if len(name) > maxRole {
		return "", fmt.Errorf("the role's name %s is longer than PostgreSQL's", name)
	}
	return name, nil
}

// Roles makes the roles of the database at url, sets their passwords, and gives each the rights that its grants say, the
// versions of sets to read, and no other: what a release does not grant any more is taken away, and a role that it does
// not have any more cannot sign in. What is in order is left alone, so calling it again changes nothing; it is safe at
// the same time from elsewhere.
//
// The role that url names is a superuser, and the migrations of sets have run.
func Roles(ctx context.Context, url string, sets []store.Set, roles ...Role) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return store.Fault(fmt.Errorf("make roles: %w", err))
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return makeRoles(ctx, tx, sets, roles) })
	if err != nil {
		return store.Fault(fmt.Errorf("make roles: %w", err))
	}
	return nil
}

func makeRoles(ctx context.Context, tx pgx.Tx, sets []store.Set, roles []Role) error {
	var database string
	if err := tx.QueryRow(ctx, `SELECT current_database()`).Scan(&database); err != nil {
		return err
	}
	// Advisory locks are per database, and so are the names of roles.
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, migrationLock+1); err != nil {
		return err
	}
	var names []string
	for _, role := range roles {
		name, err := RoleName(database, role.Program)
		if err != nil {
			return err
		}
		names = append(names, name)
		if err := makeRole(ctx, tx, database, name, sets, role); err != nil {
			return fmt.Errorf("role %s: %w", name, err)
		}
	}
	return retire(ctx, tx, database, names)
}

func makeRole(ctx context.Context, tx pgx.Tx, database, name string, sets []store.Set, role Role) error {
	wanted, err := rightsOf(role, sets)
	if err != nil {
		return err
	}
	if err := ensureRole(ctx, tx, name, role.Password); err != nil {
		return err
	}
	if err := ensureAccess(ctx, tx, database, name); err != nil {
		return err
	}
	return ensureRights(ctx, tx, name, wanted)
}

// ensureRole makes the role, or puts right what was changed on it.
func ensureRole(ctx context.Context, tx pgx.Tx, name string, password config.Secret) error {
	var verifier string
	var asMade bool
	err := tx.QueryRow(ctx, `SELECT coalesce(max(rolpassword), ''),
			coalesce(bool_and(rolcanlogin AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls OR rolinherit)), false)
		FROM pg_authid WHERE rolname = $1 HAVING count(*) = 1`, name).Scan(&verifier, &asMade)
	verb := "ALTER"
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		verb = "CREATE"
	case err != nil:
		return err
	case asMade && tenant.Verifies(verifier, password.Reveal()):
		return nil
	}
	if verifier, err = tenant.Verifier(password.Reveal()); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, verb+` ROLE `+quoted(name)+
		` WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT PASSWORD '`+verifier+`'`)
	return err
}

// ensureAccess lets the role into the database and its schema.
func ensureAccess(ctx context.Context, tx pgx.Tx, database, name string) error {
	var connects, uses bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM pg_database, aclexplode(datacl) WHERE datname = $1 AND grantee = $2::text::regrole AND privilege_type = 'CONNECT'),
			EXISTS (SELECT FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'public' AND grantee = $2::text::regrole AND privilege_type = 'USAGE')`,
		database, quoted(name)).Scan(&connects, &uses)
	if err != nil {
		return err
	}
	var missing []string
	if !connects {
		missing = append(missing, `GRANT CONNECT ON DATABASE `+quoted(database)+` TO `+quoted(name))
	}
	if !uses {
		missing = append(missing, `GRANT USAGE ON SCHEMA public TO `+quoted(name))
	}
	return execute(ctx, tx, missing)
}

func rightsOf(role Role, sets []store.Set) (map[store.Right]bool, error) {
	grants := slices.Clone(role.Grants)
	for _, set := range sets {
		grants = append(grants, store.Grant{Table: set.VersionTable(), May: "SELECT"})
	}
	rights := map[store.Right]bool{}
	for _, grant := range grants {
		some, err := grant.Rights()
		if err != nil {
			return nil, err
		}
		for _, right := range some {
			rights[right] = true
		}
	}
	return rights, nil
}

// ensureRights makes the role's rights on tables those that are wanted.
func ensureRights(ctx context.Context, tx pgx.Tx, name string, wanted map[store.Right]bool) error {
	has, err := presentRights(ctx, tx, name)
	if err != nil {
		return err
	}
	var statements []string
	for right := range has {
		if !wanted[right] {
			statements = append(statements, `REVOKE `+privilege(right)+` FROM `+quoted(name))
		}
	}
	// To revoke a right on a whole table takes away the same one on its columns, so what is given comes afterwards.
	revoked := map[store.Right]bool{}
	for right := range has {
		if !wanted[right] && right.Column == "" {
			revoked[store.Right{Table: right.Table, Privilege: right.Privilege}] = true
		}
	}
	for right := range wanted {
		if !has[right] || revoked[store.Right{Table: right.Table, Privilege: right.Privilege}] {
			statements = append(statements, `GRANT `+privilege(right)+` TO `+quoted(name))
		}
	}
	return execute(ctx, tx, statements)
}

// presentRights are all that the role has on tables, or on their columns, of the schema.
func presentRights(ctx context.Context, tx pgx.Tx, name string) (map[store.Right]bool, error) {
	rows, _ := tx.Query(ctx, `
		SELECT relname AS table, '' AS column, privilege_type AS privilege
		FROM pg_class, aclexplode(relacl)
		WHERE relnamespace = 'public'::regnamespace AND relkind <> 'S' AND grantee = $1::text::regrole
		UNION ALL
		SELECT relname, attname, privilege_type
		FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid, aclexplode(attacl)
		WHERE relnamespace = 'public'::regnamespace AND grantee = $1::text::regrole`, quoted(name))
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[store.Right])
	if err != nil {
		return nil, fmt.Errorf("read rights: %w", err)
	}
	rights := map[store.Right]bool{}
	for _, right := range found {
		rights[right] = true
	}
	return rights, nil
}

func privilege(r store.Right) string {
	columns := ""
	if r.Column != "" {
		columns = ` (` + quoted(r.Column) + `)`
	}
	return r.Privilege + columns + ` ON TABLE public.` + quoted(r.Table)
}

// retire takes sign-in and rights from the roles of this database that the release does not have.
func retire(ctx context.Context, tx pgx.Tx, database string, kept []string) error {
	rows, _ := tx.Query(ctx, `SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1) AND rolname <> ALL($2)`,
		database+separator, append(kept, database+separator+reader))
	former, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("find former roles: %w", err)
	}
	for _, name := range former {
		if err := ensureRights(ctx, tx, name, nil); err != nil {
			return fmt.Errorf("former role %s: %w", name, err)
		}
		var signsIn bool
		if err := tx.QueryRow(ctx, `SELECT rolcanlogin FROM pg_roles WHERE rolname = $1`, name).Scan(&signsIn); err != nil {
			return err
		}
		if !signsIn {
			continue
		}
		if err := execute(ctx, tx, []string{`ALTER ROLE ` + quoted(name) + ` NOLOGIN PASSWORD NULL`}); err != nil {
			return err
		}
	}
	return nil
}

func execute(ctx context.Context, tx pgx.Tx, statements []string) error {
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
