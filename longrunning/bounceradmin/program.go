package bounceradmin

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"irc.now/shared/background"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/program"
)

const (
	stopTime   = 20 * time.Second // for changes under way
	staleEvery = 2 * time.Second
)

// settings are the environment.
type settings struct {
	AdminSocket   string        `env:"ADMIN_SOCKET,required,notEmpty"`             // the file at which soju takes commands
	DatabaseURL   config.Secret `env:"SOJU_DATABASE_URL,required,notEmpty"`        // of soju's database, for a role that only reads
	Token         config.Secret `env:"BOUNCER_ADMIN_TOKEN,required,notEmpty"`      // what callers show
	ListenAddress string        `env:"LISTEN_ADDRESS" envDefault:"127.0.0.1:8081"` // of its HTTP interface
	// ExtraNetworks are written name=ircs://host:port, separated by commas.
	ExtraNetworks string `env:"EXTRA_NETWORKS"`
	// SojuSocket is the file at which soju speaks IRC, if it does at one: removed, like the admin socket, when a soju that was
	// killed has left it behind.
	SojuSocket string `env:"SOJU_SOCKET"`
}

// Program is the server as a program of its own, beside a soju.
func Program() program.Program {
	return program.Program{Name: "bounceradmin", Run: run, StopTime: stopTime}
}

func run(ctx context.Context, p *program.Process) error {
	var s settings
	if err := config.Load(p.Env, &s); err != nil {
		return err
	}
	own, err := bouncer.ParseKnown(s.ExtraNetworks)
	if err != nil {
		return fmt.Errorf("EXTRA_NETWORKS: %w", err)
	}
	admin, err := New(Config{
		Socket: s.AdminSocket, ReaderURL: s.DatabaseURL, Token: s.Token, Own: own, Log: p.Log, Metrics: p.Metrics,
	})
	if err != nil {
		return err
	}
	defer admin.Close()
	watching := s.watchSoju(p.Log)
	defer func() { _ = watching.Stop(context.WithoutCancel(ctx)) }()
	return p.Serve(ctx, s.ListenAddress, "LISTEN_ADDRESS chooses where", admin)
}

// watchSoju looks after the sockets that the soju beside us leaves behind when it is killed, until what it returns is stopped.
func (s settings) watchSoju(log *slog.Logger) *background.Group {
	sockets := []string{s.AdminSocket}
	if s.SojuSocket != "" {
		sockets = append(sockets, s.SojuSocket)
	}
	watching := &background.Group{}
	watching.Go(func(ctx, _ context.Context) { RemoveStale(ctx, staleEvery, log, sockets...) })
	return watching
}
