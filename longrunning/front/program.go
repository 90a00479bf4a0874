package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"irc.now/shared/background"
	"irc.now/shared/config"
	"irc.now/shared/program"
)

const (
	// stopTime is for soju to end the connections, within the 30 s that it has itself.
	stopTime = 25 * time.Second
	// followEvery is how soon a renewed certificate is answered with.
	followEvery = 30 * time.Second
	// reachTime bounds a look whether soju is there.
	reachTime = 2 * time.Second
)

// settings are the environment.
type settings struct {
	Socket          string         `env:"SOJU_SOCKET,required,notEmpty"`      // the file at which soju speaks IRC, and takes PROXY
	CertificateFile string         `env:"CERTIFICATE_FILE,required,notEmpty"` // PEM; read again when it changes
	KeyFile         string         `env:"KEY_FILE,required,notEmpty"`         // its key
	ListenAddress   string         `env:"LISTEN_ADDRESS" envDefault:":6697"`  // of IRC over TLS
	HealthAddress   string         `env:"HEALTH_ADDRESS" envDefault:":8091"`  // of health and metrics: ready while soju answers
	ProxyFrom       []netip.Prefix `env:"PROXY_FROM"`                         // networks of the ingress, if that sends PROXY headers
	MaxConnections  int            `env:"MAX_CONNECTIONS" envDefault:"2000"`  // of clients, at a time
	MaxPerAddress   int            `env:"MAX_PER_ADDRESS" envDefault:"100"`   // of them from one address of the internet
	PaceBurst       int            `env:"PACE_BURST" envDefault:"40"`         // lines of a client that go on to its networks at once
	PaceEvery       time.Duration  `env:"PACE_EVERY" envDefault:"2s"`         // between the lines after those
}

// Validate reports numbers that cannot be.
func (s *settings) Validate() error {
	var problems []error
	for name, value := range map[string]int{"MAX_CONNECTIONS": s.MaxConnections, "MAX_PER_ADDRESS": s.MaxPerAddress, "PACE_BURST": s.PaceBurst} {
		if value < 1 {
			problems = append(problems, fmt.Errorf("%s must be 1 or more", name))
		}
	}
	if s.PaceEvery <= 0 {
		problems = append(problems, errors.New("PACE_EVERY must be longer than nothing"))
	}
	return errors.Join(problems...)
}

// Program is the front as a program of its own, beside a soju.
func Program() program.Program {
	return program.Program{Name: "front", Run: run, StopTime: stopTime}
}

func run(ctx context.Context, p *program.Process) error {
	var s settings
	if err := config.Load(p.Env, &s); err != nil {
		return err
	}
	certificate := &Certificate{CertFile: s.CertificateFile, KeyFile: s.KeyFile, Log: p.Log}
	if err := certificate.Load(); err != nil {
		return err
	}
	front, err := New(Config{
		Socket: s.Socket, Announce: true, ProxyFrom: s.ProxyFrom, PaceBurst: s.PaceBurst, PaceEvery: s.PaceEvery,
		Limits: Limits{Total: s.MaxConnections, PerAddress: s.MaxPerAddress}, Log: p.Log, Metrics: p.Metrics,
	})
	if err != nil {
		return err
	}
	var following background.Group
	following.Go(func(ctx, _ context.Context) { certificate.Follow(ctx, followEvery) })
	defer func() { _ = following.Stop(context.WithoutCancel(ctx)) }()
	return serve(ctx, p, s, front, certificate.TLS())
}

// serve answers IRC clients and questions about health until ctx ends, and lets soju end what is open then.
func serve(ctx context.Context, p *program.Process, s settings, front *Server, secure *tls.Config) error {
	health, err := p.Listen(ctx, s.HealthAddress, "HEALTH_ADDRESS chooses where", http.NotFoundHandler())
	if err != nil {
		return err
	}
	defer health.Close()
	door, err := new(net.ListenConfig).Listen(ctx, "tcp", s.ListenAddress)
	if err != nil {
		return fmt.Errorf("cannot listen on %s (LISTEN_ADDRESS chooses where): %w", s.ListenAddress, err)
	}
	p.Report(reach{front})
	failed := make(chan error, 1)
	go func() { failed <- front.Serve(door, secure) }() // ends with Stop
	ended := health.Wait(ctx)
	stopping, cancel := p.Stopping(ctx)
	defer cancel()
	return errors.Join(ended, front.Stop(stopping), <-failed)
}

// reach is the front's health: it is ready while soju is.
type reach struct{ front *Server }

// Alive is true: a soju that is away is no reason to restart the front.
func (reach) Alive(context.Context) (bool, error) { return true, nil }

// Ready asks whether soju takes connections.
func (r reach) Ready(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	err := r.front.Reach(ctx)
	return err == nil, err
}
