package schema

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"time"

	"k8s.io/client-go/rest"

	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/key"
	"irc.now/shared/program"
	"irc.now/shared/store"
)

// How long a database server is waited for that is only being made, and the pause between tries.
const (
	patience = 10 * time.Minute
	pause    = 5 * time.Second
)

// settings are the environment of the program on a cluster.
type settings struct {
	// AdminURL is a superuser's.
	AdminURL config.Secret `env:"DATABASE_ADMIN_URL,required,notEmpty"`
	// How programs reach the server.
	Host    string `env:"DATABASE_HOST,required,notEmpty"`
	Port    int    `env:"DATABASE_PORT" envDefault:"5432"`
	SSLMode string `env:"DATABASE_SSLMODE"`
	// Namespace is where the programs' Secrets are.
	Namespace   string        `env:"NAMESPACE,required,notEmpty"`
	PlatformKey config.Secret `env:"PLATFORM_KEY_FILE,required,notEmpty,file"` // the file with what the keys of all purposes are derived from
}

// Validate reports a key that could be guessed.
func (s *settings) Validate() error { return key.Check("PLATFORM_KEY_FILE", s.PlatformKey) }

// reach is the server's address for programs.
func (s *settings) reach() config.Secret {
	u := url.URL{Scheme: "postgres", Host: net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), Path: "/"}
	if s.SSLMode != "" {
		u.RawQuery = url.Values{"sslmode": {s.SSLMode}}.Encode()
	}
	return config.Secret(u.String())
}

// Program brings databases up to date from inside a cluster, and ends: with 0 where all of it is done, else with 1 and a
// sentence on standard error.
func Program(databases []store.Schema) program.Program {
	return program.Program{Name: "schema", Run: func(ctx context.Context, p *program.Process) error {
		return bringAll(ctx, p.Env, p.Log, rest.InClusterConfig, databases)
	}}
}

func bringAll(
	ctx context.Context, env map[string]string, log *slog.Logger, find func() (*rest.Config, error), databases []store.Schema,
) error {
	var s settings
	if err := config.Load(env, &s); err != nil {
		return err
	}
	cluster, err := find()
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	sink, err := NewSecrets(cluster, s.Namespace)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := sink.keepKeys(ctx, s.PlatformKey, log); err != nil {
		return err
	}
	return persist(ctx, Config{Admin: s.AdminURL, Reach: s.reach(), Databases: databases, Sink: sink, Log: log})
}

// persist runs until it has worked, as long as the database server is only away.
func persist(ctx context.Context, c Config) error {
	clock := time.NewTicker(pause)
	defer clock.Stop()
	for {
		err := Run(ctx, c)
		if !fault.Is(err, fault.Unavailable) {
			return err
		}
		c.Log.WarnContext(ctx, "waiting for the database server", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return err
		case <-clock.C:
		}
	}
}
