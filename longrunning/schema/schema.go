// Package schema brings the databases of our services up to date, once per release: it makes those that are missing,
// applies migration sets, and gives each program a role of its own with the rights it needs and no more.
//
// It runs before the release's programs: they check what they find, and wait for it. What it changes, the programs of
// the release before can live with. To run it again changes nothing, also at the same time from elsewhere.
//
// Databases of bouncers and networks are the operator's.
package schema

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/config"
	"irc.now/shared/store"
	"irc.now/shared/store/migrate"
	"irc.now/shared/tenant"
)

// Config says what to bring where.
type Config struct {
	Admin     config.Secret // any database of the server, as a superuser
	Reach     config.Secret // the server's address as programs reach it; user, password and database are filled in
	Databases []store.Schema
	Sink      Sink
	Log       *slog.Logger
}

// Sink keeps what programs sign in with. Each has one password, for its roles in all databases.
type Sink interface {
	// Password gives the program's password: the one that the sink has, or else a new one, which it has from then on.
	Password(ctx context.Context, program string) (config.Secret, error)
	// Keep takes the program's addresses, which work from now on.
	Keep(ctx context.Context, program string, addresses []Address) error
}

// Address is how a program reaches one of its databases.
type Address struct {
	Database string
	URL      config.Secret
}

// Run makes everything true, and tells the sink. Its error is of kind Unavailable where it helps to try again.
func Run(ctx context.Context, c Config) error {
	admin, err := store.Open(ctx, c.Admin.Reveal())
	if err != nil {
		return err
	}
	defer admin.Close()
	r := &run{Config: c, admin: admin, passwords: map[string]config.Secret{}, addresses: map[string][]Address{}}
	for _, database := range c.Databases {
		if err := r.bring(ctx, database); err != nil {
			return fmt.Errorf("database %s: %w", database.Name, err)
		}
	}
	for _, program := range slices.Sorted(maps.Keys(r.addresses)) {
		if err := c.Sink.Keep(ctx, program, r.addresses[program]); err != nil {
			return fmt.Errorf("hand over the addresses of %s: %w", program, err)
		}
		c.Log.InfoContext(ctx, "program can sign in", slog.String("program", program))
	}
	return nil
}

type run struct {
	Config

	admin     *pgxpool.Pool
	passwords map[string]config.Secret // by program
	addresses map[string][]Address
}

// bring makes one database what it shall be.
func (r *run) bring(ctx context.Context, d store.Schema) error {
	if err := tenant.EnsureService(ctx, r.admin, d.Name); err != nil {
		return err
	}
	owner, err := address(r.Admin, d.Name, nil, map[string]string{"role": d.Name})
	if err != nil {
		return err
	}
	if err := migrate.Up(ctx, owner.Reveal(), d.Sets...); err != nil {
		return err
	}
	administrator, err := address(r.Admin, d.Name, nil, nil)
	if err != nil {
		return err
	}
	roles, err := r.roles(ctx, d)
	if err != nil {
		return err
	}
	if err := migrate.Roles(ctx, administrator.Reveal(), d.Sets, roles...); err != nil {
		return err
	}
	r.Log.InfoContext(ctx, "database is up to date", slog.String("database", d.Name), slog.Any("sets", versions(d.Sets)))
	return nil
}

// roles gives each program its password, and remembers its address.
func (r *run) roles(ctx context.Context, d store.Schema) ([]migrate.Role, error) {
	var roles []migrate.Role
	for _, program := range slices.Sorted(maps.Keys(d.Roles)) {
		password, known := r.passwords[program]
		if !known {
			var err error
			if password, err = r.Sink.Password(ctx, program); err != nil {
				return nil, fmt.Errorf("password of %s: %w", program, err)
			}
			r.passwords[program] = password
		}
		name, err := migrate.RoleName(d.Name, program)
		if err != nil {
			return nil, err
		}
		reach, err := address(r.Reach, d.Name, url.UserPassword(name, password.Reveal()), nil)
		if err != nil {
			return nil, err
		}
		roles = append(roles, migrate.Role{Program: program, Password: password, Grants: d.Roles[program]})
		r.addresses[program] = append(r.addresses[program], Address{Database: d.Name, URL: reach})
	}
	return roles, nil
}

// address is server with another database, and another user and further parameters where they are given.
func address(server config.Secret, database string, user *url.Userinfo, parameters map[string]string) (config.Secret, error) {
	parsed, err := url.Parse(server.Reveal())
	if err != nil {
		return "", errors.New("the database server's address cannot be parsed") // the cause would quote the password
	}
	parsed.Path = "/" + database
	if user != nil {
		parsed.User = user
	}
	query := parsed.Query()
	for name, value := range parameters {
		query.Set(name, value)
	}
	parsed.RawQuery = query.Encode()
	return config.Secret(parsed.String()), nil
}

// versions are those of sets, for the log.
func versions(sets []store.Set) []string {
	var all []string
	for _, set := range sets {
		newest, _ := set.Newest() // it could be read a moment ago
		all = append(all, fmt.Sprintf("%s %d", set.Name, newest))
	}
	return all
}
