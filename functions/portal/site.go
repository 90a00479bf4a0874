package portal

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	accountarea "irc.now/functions/portal/account"
	"irc.now/functions/portal/billing"
	bouncerarea "irc.now/functions/portal/bouncer"
	"irc.now/functions/portal/connect"
	"irc.now/functions/portal/dashboard"
	"irc.now/functions/portal/dedicated"
	"irc.now/functions/portal/fragment"
	"irc.now/functions/portal/page"
	"irc.now/functions/portal/password"
	"irc.now/functions/portal/state"
	"irc.now/functions/portal/upstream"
	"irc.now/operators/client"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/design"
	"irc.now/shared/event/outbox"
	"irc.now/shared/payment"
	"irc.now/shared/throttle"
	"irc.now/shared/web"
)

// Deadlines of calls to what the portal depends on.
const (
	bouncerDeadline  = 20 * time.Second // soju tries a new upstream's server before it answers
	identityDeadline = 10 * time.Second
	sinkDeadline     = 10 * time.Second
)

// dependencies are what a portal is built on beside its settings.
type dependencies struct {
	pool     *pgxpool.Pool
	relay    *outbox.Relay // nil where there is no broker
	log      *slog.Logger
	identity *http.Client
	bouncer  *http.Client
	cluster  *client.Client  // nil where there is none
	leaving  <-chan struct{} // closed when the program is about to stop
	timing   Timing
}

// newSite puts the areas together and gives what serves them.
func newSite(settings Settings, d dependencies) (http.Handler, error) {
	accounts := account.NewStore(d.pool)
	session, err := auth.New(auth.Config{
		Issuer: settings.OIDCIssuer, ClientID: settings.OIDCClientID, ClientSecret: settings.OIDCClientSecret,
		BaseURL: settings.BaseURL.String(), Pool: d.pool, HTTP: d.identity, Log: d.log,
		Admit: accountarea.Admit(accounts, d.relay, d.log),
	})
	if err != nil {
		return nil, fmt.Errorf("set up sign-in: %w", err)
	}
	pages, err := page.New(siteOf(settings), fragment.Templates(), session)
	if err != nil {
		return nil, err
	}
	return pages.Serve(page.Hosting{Log: d.log, Accounts: accounts, Policy: policyOf(settings)}, areas(settings, d, pages, session, accounts)...)
}

// areas are the parts of the portal, in the order of the navigation. Each is handed what it needs, and no more.
func areas(settings Settings, d dependencies, pages *page.Pages, session *auth.Auth, accounts *account.Store) []page.Area {
	bouncers := dedicatedOf(settings, d)
	states := state.New(state.Config{
		Shared: settings.Bouncer.Admin(d.bouncer), Dedicated: bouncers, Log: d.log, Now: d.timing.Now, Patience: d.timing.Patience,
	})
	shared := fragment.SharedBouncer{Host: settings.IRCHost, Port: settings.IRCPort, TLS: settings.IRCTLS}
	attempts := throttle.New(20*time.Second, 15)
	plans := plansOf(settings)
	all := []page.Area{
		&dashboard.Area{
			Pages: pages, Accounts: accounts, States: states, Shared: shared, Cluster: bouncers != nil, Plans: plans,
			Landing: settings.LandingURL.Join("/"),
		},
		&upstream.Area{Pages: pages, Accounts: accounts, States: states, Ours: settings.extra, Plans: plans, Domain: settings.LandingURL.Parsed().Hostname()},
		&password.Area{
			Log: d.log, Pages: pages, Session: session, Accounts: accounts, States: states, Shared: shared, Attempts: attempts,
		},
		&connect.Area{Pages: pages, Accounts: accounts, States: states, Shared: shared},
	}
	if bouncers != nil {
		all = append(all, &bouncerarea.Area{
			Log: d.log, Pages: pages, Accounts: accounts, States: states, Bouncers: bouncers, Plans: plans,
			Retention: settings.Retention, Leaving: d.leaving, Follow: d.timing.Follow,
		})
	}
	if settings.Stripe.Configured() {
		all = append(all, &billing.Area{
			Log: d.log, Pages: pages, Accounts: accounts, States: states, Dedicated: bouncers, BaseURL: settings.BaseURL,
			Payments: payment.New(settings.Stripe, d.log), Patience: d.timing.Patience, Relay: d.relay, Now: d.timing.Now,
		})
	}
	return append(all, &accountarea.Area{
		Log: d.log, Pages: pages, Session: session, Accounts: accounts, Attempts: attempts, Plans: plans, Cluster: bouncers != nil,
	})
}

// dedicatedOf is nil where there is no cluster.
func dedicatedOf(settings Settings, d dependencies) *dedicated.Bouncers {
	if d.cluster == nil {
		return nil
	}
	return dedicated.New(dedicated.Config{
		Cluster: d.cluster, Namespace: settings.Cluster.Namespace, Key: settings.Bouncer.AdminKey, HTTP: d.bouncer,
		Domain: settings.LandingURL.Parsed().Hostname(), Log: d.log, Now: d.timing.Now, Patience: d.timing.Patience,
	})
}

// plansOf is where plans are compared: where they can be bought, if they can.
func plansOf(settings Settings) string {
	if settings.Stripe.Configured() {
		return billing.Path
	}
	return settings.LandingURL.Join("/pricing")
}

func siteOf(settings Settings) design.Site {
	landing := settings.LandingURL
	return design.Site{
		Name:   "my",
		Home:   landing.Join("/"),
		Nav:    []design.Link{{Text: "Docs", URL: landing.Join("/docs")}, {Text: "Pricing", URL: landing.Join("/pricing")}},
		Action: &design.Link{Text: "Sign in", URL: auth.SignInPath},
		Footer: []design.Link{
			{Text: "Docs", URL: landing.Join("/docs")}, {Text: "Clients", URL: landing.Join("/clients")},
			{Text: "FAQ", URL: landing.Join("/faq")}, {Text: "Pricing", URL: landing.Join("/pricing")},
		},
	}
}

// policyOf lets forms lead where they may: signing out posts here and is redirected to the identity provider, which
// browsers count as form action, and buttons lead to where people pay.
func policyOf(settings Settings) web.Policy {
	actions := append([]string{originOf(settings.OIDCIssuer)}, settings.StripePages...)
	return web.Policy{FormAction: actions, HTTPS: settings.BaseURL.HTTPS()}
}

func originOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil { // Validate has seen it
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host
}
