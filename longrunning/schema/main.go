package schema

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"k8s.io/client-go/rest"

	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/store"
	"irc.now/shared/telemetry"
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
	Namespace string `env:"NAMESPACE,required,notEmpty"`
	LogLevel  string `env:"LOG_LEVEL"` // debug, info, warn or error; info by default
}

// reach is the server's address for programs.
func (s *settings) reach() config.Secret {
	u := url.URL{Scheme: "postgres", Host: net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), Path: "/"}
	if s.SSLMode != "" {
		u.RawQuery = url.Values{"sslmode": {s.SSLMode}}.Encode()
	}
	return config.Secret(u.String())
}

// Main brings databases up to date from inside a cluster, and ends the program: with 0 where all of it is done, else
// with 1 and a sentence on standard error.
func Main(databases []store.Schema) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	status := program(ctx, config.Environ(), os.Stderr, rest.InClusterConfig, databases)
	stop()
	os.Exit(status)
}

func program(
	ctx context.Context, env map[string]string, stderr io.Writer, find func() (*rest.Config, error), databases []store.Schema,
) int {
	if err := start(ctx, env, stderr, find, databases); err != nil {
		_, _ = fmt.Fprintf(stderr, "schema: %v\n", err)
		return 1
	}
	return 0
}

func start(
	ctx context.Context, env map[string]string, stderr io.Writer, find func() (*rest.Config, error), databases []store.Schema,
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
	log := telemetry.NewLogger(stderr, "schema", telemetry.Level(s.LogLevel))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
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
