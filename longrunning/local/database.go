package local

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"irc.now/functions/deadletter"
	"irc.now/longrunning/local/servers/postgres"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/config"
	"irc.now/shared/event/inbox"
	"irc.now/shared/event/outbox"
	"irc.now/shared/store"
	"irc.now/shared/store/migrate"
	"irc.now/shared/tenant"
)

// tenants are the databases, one for each service, each with roles of its own.
type tenants struct{ accounts, identity, soju, network, broker access }

// access are the addresses of one database, passwords included: for the service that owns it, and for one that reads.
type access struct{ owner, reader config.Secret }

// startDatabase starts PostgreSQL, or uses the one that DATABASE_URL names.
func (p *Platform) startDatabase(ctx context.Context) error {
	var port int // the one it had before, when it is brought back: others hold its address
	k := p.keeper("PostgreSQL", func(ctx context.Context) (server, error) {
		started, err := postgres.Start(ctx, postgres.Config{
			URL: p.config.DatabaseURL.Reveal(), Dir: p.dir("postgres"), Port: port, Log: p.config.Log,
			Progress: func(sentence string) { p.say("%s", sentence) },
		})
		if err != nil {
			return nil, err
		}
		p.database, port = started, started.Port()
		return started, nil
	})
	return k.begin(ctx)
}

// startTenants makes the databases that are not there yet, and gives all of them new passwords: those live in memory and
// in soju's configuration only.
func (p *Platform) startTenants(ctx context.Context) error {
	admin, err := store.Open(ctx, p.database.URL("postgres"))
	if err != nil {
		return fmt.Errorf("open the database server: %w", err)
	}
	defer admin.Close()
	var steps []func() error
	for name, granted := range map[string]*access{
		"accounts": &p.tenants.accounts, "identity": &p.tenants.identity,
		"soju_shared": &p.tenants.soju, "ergo_local": &p.tenants.network,
		"broker": &p.tenants.broker,
	} {
		steps = append(steps, func() error {
			made, err := tenant.Ensure(ctx, admin, name, tenant.Passwords{})
			if err != nil {
				return err
			}
			granted.owner, err = p.databaseURL(made.Database, made.Owner, made.OwnerPassword)
			if err != nil {
				return err
			}
			granted.reader, err = p.databaseURL(made.Database, made.Reader, made.ReaderPassword)
			return err
		})
	}
	if err := inParallel(steps...); err != nil {
		return err
	}
	return migrate.Up(ctx, p.tenants.accounts.owner.Reveal(),
		account.Migrations, auth.Migrations, outbox.Migrations, inbox.Migrations, deadletter.Migrations)
}

// databaseURL is the server's address with another database and role.
func (p *Platform) databaseURL(database, role string, password config.Secret) (config.Secret, error) {
	address, err := url.Parse(p.database.URL(database))
	if err != nil {
		return "", errors.New("the database server's address cannot be parsed") // the cause would quote the password
	}
	address.User = url.UserPassword(role, password.Reveal())
	return config.Secret(address.String()), nil
}
