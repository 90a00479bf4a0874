package bounceradmin

import (
	"context"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"irc.now/shared/background"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/program"
)

const (
	stopTime   = 20 * time.Second // for changes under way
	renewEvery = 30 * time.Second
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
	// CertificateFile is soju's certificate and SojuTLSAddress where it answers with it: soju is told when they differ.
	// That needs soju's processes in sight; without CertificateFile it is left out.
	CertificateFile string `env:"CERTIFICATE_FILE"`
	SojuTLSAddress  string `env:"SOJU_TLS_ADDRESS" envDefault:"127.0.0.1:6697"`
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

// watchSoju looks after the soju beside us: its certificate, where there is one, and the socket that it leaves behind when
// it is killed. It goes on until what it returns is stopped.
func (s settings) watchSoju(log *slog.Logger) *background.Group {
	watching := &background.Group{}
	watching.Go(func(ctx, _ context.Context) { RemoveStale(ctx, s.AdminSocket, staleEvery, log) })
	if s.CertificateFile != "" {
		r := &Renewal{
			File: s.CertificateFile, Address: s.SojuTLSAddress, Every: renewEvery, Log: log,
			Signal: func() error { return SignalProcess("soju", syscall.SIGHUP) },
		}
		watching.Go(func(ctx, _ context.Context) { r.Run(ctx) })
	}
	return watching
}
