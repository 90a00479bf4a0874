package local

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"irc.now/shared/program"
)

// ports are what the platform listens on. The network's is only claimed: the child opens it.
type ports struct {
	http         []net.Listener
	httpPort     int
	irc          []net.Listener
	ircPort      int
	network      int
	networkHosts []string
}

// openPorts finds busy ports before anything slow happens.
func (p *Platform) openPorts(ctx context.Context) error {
	var httpErr, ircErr, networkErr error
	p.ports.http, p.ports.httpPort, httpErr = listen(ctx, p.config.HTTPPort, "the web sites", "HTTP_PORT")
	p.ports.irc, p.ports.ircPort, ircErr = listen(ctx, p.config.IRCPort, "the bouncer", "IRC_PORT")
	p.ports.networkHosts, p.ports.network, networkErr = p.claim(ctx, p.config.NetworkPort, "the local IRC network", "NETWORK_PORT")
	p.atStop(func(context.Context) error { return errors.Join(closeAll(p.ports.http), closeAll(p.ports.irc)) })
	if err := errors.Join(httpErr, ircErr, networkErr); err != nil {
		return firstOf(httpErr, ircErr, networkErr)
	}
	p.urls = URLs{
		Landing: origin("", p.ports.httpPort), Portal: origin("my", p.ports.httpPort), Identity: origin("auth", p.ports.httpPort),
		Stripe: origin("stripe", p.ports.httpPort),
		IRC:    net.JoinHostPort("localhost", strconv.Itoa(p.ports.ircPort)), Network: net.JoinHostPort(loopback4, strconv.Itoa(p.ports.network)),
		DemoEmail: demoEmail, DemoPassword: p.secrets.values.DemoPassword,
	}
	return nil
}

// firstOf is the first error that is one: people mend one port at a time.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func closeAll(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// serve answers on listeners until the platform stops.
func (p *Platform) serve(handler http.Handler, listeners ...net.Listener) {
	s := program.HTTPServer(handler, p.logOf("http"))
	for _, l := range listeners {
		go func() { _ = s.Serve(l) }() // always http.ErrServerClosed, or the listener's own end
	}
	p.atStop(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second) // for running requests; a stopping platform owes no more
		defer cancel()
		if s.Shutdown(ctx) != nil {
			return s.Close()
		}
		return nil
	})
}
