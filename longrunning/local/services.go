package local

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	now "irc.now"
	"irc.now/functions"
	"irc.now/longrunning/bounceradmin"
	"irc.now/longrunning/local/identity"
	"irc.now/shared/background"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/function"
	"irc.now/shared/telemetry"
)

// Clients of the identity provider that are no function's, and soju as a client of introspection.
const (
	ircClient     = "irc"
	bouncerClient = "soju"
)

// startServices starts our own parts, all at the same time, and then opens the HTTP port.
func (p *Platform) startServices(ctx context.Context) error {
	if err := p.openDoors(ctx); err != nil {
		return err
	}
	p.urls.Events = p.brokerAddress()
	settings := p.settings()
	steps := []func() error{
		p.startAdmin,
		func() error { return p.startIdentity(ctx) },
		func() error { return p.startBroker(ctx) },
		p.startStripe,
		func() error { return p.startSites(ctx, settings) },
	}
	for _, part := range functions.Where(internal) {
		steps = append(steps, func() error { return p.startFunction(ctx, part, settings) })
	}
	if err := background.Together(steps...); err != nil {
		return err
	}
	return p.openSites()
}

// startFunction starts a function that only other parts talk to.
func (p *Platform) startFunction(ctx context.Context, part functions.Part, settings map[string]string) error {
	instance := function.New(part.Name, part.New(), p.logOf(part.Name))
	if err := instance.Start(ctx, part.Settings(settings)); err != nil {
		return fmt.Errorf("start %s: %w", part.Name, err)
	}
	p.atStop(instance.Stop)
	p.answer(part.Name, instance)
	return nil
}

// startSites starts the public functions, as the one function that Knative's func would build of this repository.
func (p *Platform) startSites(ctx context.Context, settings map[string]string) error {
	p.sites = now.New()
	p.sites.Instrument(function.Instruments{Log: p.config.Log, Metrics: telemetry.NewRegistry()})
	if err := p.sites.Start(ctx, settings); err != nil {
		return err
	}
	p.atStop(p.sites.Stop)
	p.answer(webhookDoor, p.sites.Part("stripe"))
	return nil
}

// openSites opens the HTTP port.
func (p *Platform) openSites() error {
	var sites []site
	for _, part := range functions.Where(functions.Part.Public) {
		sites = append(sites, site{Name: part.Host, Title: part.Title, handler: http.HandlerFunc(p.sites.Handle)})
	}
	sites = append(sites, site{Name: "auth", Title: "sign-in", handler: p.identity},
		site{Name: "stripe", Title: "the stand-in for Stripe", handler: p.stripeSite()})
	handler, err := router(sites, p.ports.httpPort, p.logOf("router"))
	if err != nil {
		return err
	}
	p.serve(handler, p.ports.http...)
	return nil
}

// startIdentity starts the identity provider, with the demo account.
func (p *Platform) startIdentity(ctx context.Context) error {
	provider, err := identity.New(ctx, identity.Config{
		Issuer: p.urls.Identity, DatabaseURL: p.tenants.identity.owner, Key: p.secrets.identityKey(),
		HomeURL: p.urls.Portal, Log: p.logOf("identity"), Clients: p.clients(),
	})
	if err != nil {
		return fmt.Errorf("start the identity provider: %w", err)
	}
	p.atStop(func(context.Context) error { provider.Close(); return nil })
	p.identity = provider
	if err := provider.EnsureUser(ctx, demoEmail, p.secrets.values.DemoPassword); err != nil {
		return fmt.Errorf("make the demo account: %w", err)
	}
	return nil
}

// clients are the functions' own, and one for IRC clients. People sign in to public functions; the others ask about
// tokens.
func (p *Platform) clients() []identity.Client {
	clients := []identity.Client{{ID: ircClient, Name: "your IRC client", Native: true, Redirects: nativeRedirects}}
	made := map[string]bool{}
	for _, part := range functions.Table() {
		if part.Client == "" || made[part.Client] {
			continue
		}
		made[part.Client] = true
		client := identity.Client{ID: part.Client, Name: part.Client, Secret: p.secrets.client(part.Client), Introspects: true}
		if part.Public() {
			at := origin(part.Host, p.ports.httpPort)
			client.Name, client.Introspects = "irc.now", false
			client.Redirects, client.PostLogout = []string{at + "/auth/callback"}, []string{at + "/"}
		}
		clients = append(clients, client)
	}
	return clients
}

// nativeRedirects are where IRC clients listen for their code; the port is theirs to choose.
var nativeRedirects = []string{
	"http://127.0.0.1/", "http://127.0.0.1/callback", "http://[::1]/", "http://[::1]/callback", "http://localhost/", "http://localhost/callback",
}

// startAdmin starts the HTTP front of soju's admin socket. soju need not run yet.
func (p *Platform) startAdmin() error {
	known, err := bouncer.ParseKnown(p.ownNetworks())
	if err != nil {
		return fmt.Errorf("name the local network: %w", err)
	}
	p.admin, err = bounceradmin.New(bounceradmin.Config{
		Socket: p.sockets.admin, ReaderURL: p.tenants.soju.reader, Token: p.secrets.bouncerAdmin(),
		Own: known, Log: p.logOf(adminDoor), Metrics: telemetry.NewRegistry(),
	})
	if err != nil {
		return fmt.Errorf("start bounceradmin: %w", err)
	}
	p.atStop(func(context.Context) error { p.admin.Close(); return nil })
	p.answer(adminDoor, p.admin)
	return nil
}

// startTicks gives the broker a tick regularly until the platform stops; triggers say who gets it.
func (p *Platform) startTicks(context.Context) error {
	var ticking background.Group
	t := newTicker(config.URL(p.brokerAddress()), p.config.Tick, p.logOf("tick"))
	ticking.Go(func(ctx, _ context.Context) { t.run(ctx) })
	p.atStop(ticking.Stop)
	return nil
}

func (p *Platform) logOf(program string) *slog.Logger {
	return p.config.Log.With(slog.String("part", program))
}
