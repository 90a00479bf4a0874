package local

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"irc.now/functions/introspect"
	"irc.now/functions/landing"
	"irc.now/functions/limits"
	"irc.now/functions/portal"
	"irc.now/functions/revoke"
	"irc.now/longrunning/bounceradmin"
	"irc.now/longrunning/local/identity"
	"irc.now/shared/background"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
	"irc.now/shared/telemetry"
)

// Names of the identity provider's clients, and of soju as introspection's.
const (
	portalClient     = "portal"
	introspectClient = "introspect"
	ircClient        = "irc"
	bouncerClient    = "soju"
)

// internal are the addresses of parts that only other parts talk to. The ports are open before the parts are there,
// because each part is told the addresses of others when it starts.
type internal struct{ introspect, revoke, bounceradmin, billing, limits, broker, stripe, webhook string }

// startServices starts our own parts and opens the ports they answer on.
func (p *Platform) startServices(ctx context.Context) error {
	var introspection, revocation, administration, settling, limiting, stripeAPI, webhooks, events late
	for address, handler := range map[*string]http.Handler{
		&p.internal.introspect: &introspection, &p.internal.revoke: &revocation, &p.internal.bounceradmin: &administration,
		&p.internal.billing: &settling, &p.internal.limits: &limiting, &p.internal.stripe: &stripeAPI, &p.internal.webhook: &webhooks,
	} {
		served, err := p.serveInternal(ctx, handler)
		if err != nil {
			return fmt.Errorf("open an internal port: %w", err)
		}
		*address = served
	}
	if err := p.serveBroker(ctx, &events); err != nil {
		return err
	}
	var landingSite, portalSite, identitySite late
	return inParallel(
		func() error { return p.startAdmin(&administration) },
		func() error { return p.startIdentity(ctx, &identitySite) },
		func() error { return p.mount(ctx, "introspect", introspect.New(), p.introspectEnv(), &introspection) },
		func() error {
			return p.mount(ctx, "revoke", cloudevent.Function(revoke.New()), p.revokeEnv(), &revocation)
		},
		func() error { return p.startBilling(ctx, &settling) },
		func() error {
			return p.mount(ctx, "limits", cloudevent.Function(limits.New()), p.limitsEnv(), &limiting)
		},
		func() error { return p.startBroker(ctx, &events) },
		func() error { return p.startStripe(&stripeAPI) },
		func() error { return p.startBridge(ctx, &webhooks) },
		func() error { return p.mount(ctx, "landing", landing.New(), p.landingEnv(), &landingSite) },
		func() error { return p.mount(ctx, "portal", portal.New(), p.portalEnv(), &portalSite) },
		func() error { return p.openSites(&landingSite, &portalSite, &identitySite, &stripeAPI, &webhooks) },
	)
}

// openSites opens the HTTP port.
func (p *Platform) openSites(landingSite, portalSite, identitySite, stripeSite, webhooks http.Handler) error {
	handler, err := router([]site{
		{Name: "", Title: "the public site", handler: landingSite},
		{Name: "my", Title: "your account", handler: portalSite},
		{Name: "auth", Title: "sign-in", handler: identitySite},
		{Name: "stripe", Title: "the stand-in for Stripe", handler: stripeSite},
		{Name: "hooks", Title: "webhooks, for programs", handler: webhooks},
	}, p.ports.httpPort, p.logOf("router"))
	if err != nil {
		return err
	}
	p.serve(handler, p.ports.http...)
	return nil
}

// mount starts a function in this process and lets handler answer with it.
func (p *Platform) mount(ctx context.Context, name string, f any, env map[string]string, handler *late) error {
	instance, err := function.New(name, f, p.logOf(name))
	if err != nil {
		return err
	}
	if err := instance.Start(ctx, env); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	p.atStop(instance.Stop)
	handler.set(instance)
	return nil
}

// startIdentity starts the identity provider, with the demo account.
func (p *Platform) startIdentity(ctx context.Context, handler *late) error {
	provider, err := identity.New(ctx, identity.Config{
		Issuer: p.urls.Identity, DatabaseURL: p.tenants.identity.owner, Key: p.secrets.identityKey(),
		HomeURL: p.urls.Portal, Log: p.logOf("identity"), Clients: p.clients(),
	})
	if err != nil {
		return fmt.Errorf("start the identity provider: %w", err)
	}
	p.atStop(func(context.Context) error { provider.Close(); return nil })
	if err := provider.EnsureUser(ctx, demoEmail, p.secrets.values.DemoPassword); err != nil {
		return fmt.Errorf("make the demo account: %w", err)
	}
	handler.set(provider)
	return nil
}

func (p *Platform) clients() []identity.Client {
	return []identity.Client{
		{
			ID: portalClient, Name: "irc.now", Secret: config.Secret(p.secrets.values.PortalClient),
			Redirects: []string{p.urls.Portal + "/auth/callback"}, PostLogout: []string{p.urls.Portal + "/"},
		},
		{ID: introspectClient, Name: "introspection", Secret: config.Secret(p.secrets.values.IntrospectClient), Introspects: true},
		{ID: ircClient, Name: "your IRC client", Native: true, Redirects: nativeRedirects},
	}
}

// nativeRedirects are where IRC clients listen for their code; the port is theirs to choose.
var nativeRedirects = []string{
	"http://127.0.0.1/", "http://127.0.0.1/callback", "http://[::1]/", "http://[::1]/callback", "http://localhost/", "http://localhost/callback",
}

// startAdmin starts the HTTP front of soju's admin socket. soju need not run yet.
func (p *Platform) startAdmin(handler *late) error {
	own, err := bouncer.ParseKnown(p.ownNetworks())
	if err != nil {
		return fmt.Errorf("name the local network: %w", err)
	}
	admin, err := bounceradmin.New(bounceradmin.Config{
		Socket: p.socket, ReaderURL: p.tenants.soju.reader, Token: config.Secret(p.secrets.values.BouncerAdmin),
		Own: own, Log: p.logOf("bounceradmin"), Metrics: telemetry.NewRegistry(),
	})
	if err != nil {
		return fmt.Errorf("start bounceradmin: %w", err)
	}
	p.atStop(func(context.Context) error { admin.Close(); return nil })
	handler.set(admin)
	return nil
}

// startTicks gives the broker a tick regularly until the platform stops; triggers say who gets it.
func (p *Platform) startTicks(context.Context) error {
	var ticking background.Group
	t := newTicker(config.URL(p.internal.broker), p.config.Tick, p.logOf("tick"))
	ticking.Go(func(ctx, _ context.Context) { t.run(ctx) })
	p.atStop(ticking.Stop)
	return nil
}

func (p *Platform) logOf(program string) *slog.Logger {
	return p.config.Log.With(slog.String("part", program))
}
