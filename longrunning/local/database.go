package local

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"irc.now/functions"
	"irc.now/longrunning/local/servers/postgres"
	"irc.now/longrunning/schema"
	"irc.now/shared/background"
	"irc.now/shared/config"
	"irc.now/shared/store"
	"irc.now/shared/tenant"
)

// tenants are the databases of servers and stand-ins, each with roles of its own; programs are what our own programs
// sign in to the services' databases with.
type tenants struct {
	identity, soju, network, broker access
	programs                        schema.Memory
}

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

// startTenants makes the databases that are not there yet, brings those of our services up to date, and gives every role
// a new password: those live in memory and in soju's configuration only.
func (p *Platform) startTenants(ctx context.Context) error {
	admin, err := store.Open(ctx, p.database.URL("postgres"))
	if err != nil {
		return fmt.Errorf("open the database server: %w", err)
	}
	defer admin.Close()
	steps := []func() error{func() error { return p.startSchema(ctx) }}
	for name, granted := range map[string]*access{
		"identity": &p.tenants.identity, "soju_shared": &p.tenants.soju,
		"ergo_local": &p.tenants.network, "broker": &p.tenants.broker,
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
	return background.Together(steps...)
}

// startSchema does what a release's job does on a cluster. A data folder that an older release made moves here.
func (p *Platform) startSchema(ctx context.Context) error {
	server := config.Secret(p.database.URL("postgres"))
	return schema.Run(ctx, schema.Config{
		Admin: server, Reach: server, Databases: functions.Databases(), Sink: &p.tenants.programs, Log: p.logOf("schema"),
	})
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
