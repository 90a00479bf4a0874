package portal

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/operators/client"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/design"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
	"irc.now/shared/telemetry"
	"irc.now/shared/throttle"
	"irc.now/shared/web"
)

// all: takes _parts.html along, which go:embed would leave out.
//
//go:embed all:pages
var files embed.FS

// formLimit bounds a posted form; the largest, a network's, stays far below.
const formLimit = 64 << 10

// dependencies are what a portal is built on beside its settings.
type dependencies struct {
	pool     *pgxpool.Pool
	relay    *outbox.Relay // nil where there is no broker
	log      *slog.Logger
	identity *http.Client
	bouncer  *http.Client
	cluster  *client.Client  // nil where there is none
	leaving  <-chan struct{} // closed when the program is about to stop
}

// portal is a started portal. It is safe for concurrent use.
type portal struct {
	settings Settings
	log      *slog.Logger
	accounts *account.Store
	relay    *outbox.Relay
	auth     *auth.Auth
	bouncers *bouncers
	own      *ownBouncers    // nil where users cannot have a bouncer of their own
	payments *payment.Client // nil where nothing is for sale
	patience time.Duration   // how long a page waits for Stripe
	pages    *design.Set
	handler  http.Handler

	// Per user: the one bounds what can be stored or sent to IRC networks, the other the guessing of taken handles
	// and the making of credentials.
	writes      *throttle.Limiter
	credentials *throttle.Limiter

	streams      streams
	streamLength time.Duration
	leaving      <-chan struct{}
}

func newPortal(settings Settings, d dependencies) (*portal, error) {
	pages, err := design.New(siteOf(settings), files, "pages")
	if err != nil {
		return nil, fmt.Errorf("parse pages: %w", err)
	}
	p := &portal{
		settings: settings, log: d.log, pages: pages, accounts: account.NewStore(d.pool), relay: d.relay, patience: stripeDeadline,
		writes:      throttle.New(2*time.Second, 30),
		credentials: throttle.New(20*time.Second, 15),

		streamLength: streamLength, leaving: d.leaving,
	}
	if d.cluster != nil {
		p.own = newOwnBouncers(settings, d)
	}
	p.bouncers = newBouncers(settings.Bouncer.Admin(d.bouncer), p.own, d.log)
	if settings.Stripe.Configured() {
		p.payments = payment.New(settings.Stripe, d.log)
	}
	p.auth, err = auth.New(auth.Config{
		Issuer: settings.OIDCIssuer, ClientID: settings.OIDCClientID, ClientSecret: settings.OIDCClientSecret,
		BaseURL: settings.BaseURL.String(), Pool: d.pool, HTTP: d.identity, Admit: p.admit, Log: d.log,
		ClientIP: func(r *http.Request) string { return web.ClientIP(r, settings.TrustedProxies).String() },
	})
	if err != nil {
		return nil, fmt.Errorf("set up sign-in: %w", err)
	}
	p.handler, err = p.routes()
	return p, err
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

// navigation is what a signed-in user with a handle can reach.
func (p *portal) navigation() []design.Link {
	links := []design.Link{
		{Text: "Dashboard", URL: "/"}, {Text: "Networks", URL: "/networks"}, {Text: "Passwords", URL: "/passwords"},
		{Text: "Connect", URL: "/connect"},
	}
	if p.own != nil {
		links = append(links, design.Link{Text: "Bouncer", URL: bouncerPath})
	}
	if p.payments != nil {
		links = append(links, design.Link{Text: "Billing", URL: billingPath})
	}
	return append(links, design.Link{Text: "Account", URL: "/account"})
}

// plansPage is where plans are compared: where they can be bought, if they can.
func (p *portal) plansPage() string {
	if p.payments != nil {
		return billingPath
	}
	return p.settings.LandingURL.Join("/pricing")
}

func (p *portal) routes() (http.Handler, error) {
	site := web.New(web.Config{Log: p.log, Pages: p.pages, Page: p.surroundings})
	mux := http.NewServeMux()
	mux.Handle("GET /static/", design.Static())
	handle := func(pattern string, h auth.Handler) { mux.Handle(pattern, site.Handle(p.auth.Session(h))) }
	user := func(pattern string, h userHandler) { handle(pattern, p.auth.Require(p.forUser(h))) }

	handle("GET /{$}", p.showStart)
	handle("GET "+auth.SignInPath, p.auth.SignIn)
	handle("GET "+auth.CallbackPath, p.finishSignIn)
	handle("POST "+auth.SignOutPath, p.auth.SignOut)
	handle("GET /handle", p.auth.Require(p.showHandle))
	handle("POST /handle", p.auth.Require(p.chooseHandle))

	user("GET /networks", p.showNetworks)
	user("GET /networks/state", p.showNetworkStates)
	user("GET /networks/new", p.newNetwork)
	user("POST /networks", p.limited(p.createNetwork))
	user("GET /networks/{id}/edit", p.editNetwork)
	user("POST /networks/{id}", p.limited(p.updateNetwork))
	user("GET /networks/{id}/remove", p.confirmRemoveNetwork)
	user("POST /networks/{id}/remove", p.limited(p.removeNetwork))
	user("POST /networks/{id}/connect", p.limited(p.connectNetwork))
	user("POST /networks/{id}/disconnect", p.limited(p.disconnectNetwork))

	user("GET /passwords", p.showPasswords)
	user("POST /passwords", p.createPassword)
	user("GET /passwords/created", p.showCreatedPassword)
	user("GET /passwords/{id}/revoke", p.confirmRevokePassword)
	user("POST /passwords/{id}/revoke", p.limited(p.revokePassword))

	user("GET /connect", p.showConnect)
	user("GET /account", p.showAccount)
	user("POST /account/sign-out-everywhere", p.signOutEverywhere)
	if p.own != nil {
		p.bouncerRoutes(user)
	}
	if p.payments != nil {
		p.billingRoutes(user)
	}

	handler, err := site.CrossOrigin(telemetry.RecordRoute(site.Mux(mux)))
	if err != nil {
		return nil, fmt.Errorf("protect forms: %w", err)
	}
	// Signing out posts here and is redirected to the identity provider, which browsers count as form action.
	// The same goes for buttons that lead to where people pay.
	actions := append([]string{originOf(p.settings.OIDCIssuer)}, p.settings.StripePages...)
	policy := web.Policy{FormAction: actions, HTTPS: p.settings.BaseURL.HTTPS()}
	return web.Secure(withVisitor(handler), policy), nil
}

func originOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil { // Validate has seen it
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host
}

// userHandler serves a signed-in user who has a handle.
type userHandler func(http.ResponseWriter, *http.Request, account.User) error

// forUser finds the signed-in user; whoever has no handle yet picks one first.
func (p *portal) forUser(next userHandler) auth.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		user, err := p.user(r)
		if err != nil {
			return err
		}
		if user.Handle == "" {
			web.LocalRedirect(w, r, "/handle")
			return nil
		}
		return next(w, r, user)
	}
}

// user is the account behind the session. A session whose account is gone is no session.
func (p *portal) user(r *http.Request) (account.User, error) {
	user, err := p.accounts.ByID(r.Context(), p.auth.UserID(r.Context()))
	if fault.Is(err, fault.NotFound) {
		p.auth.Forget(r.Context())
		return account.User{}, fault.Wrap(err, fault.Unauthenticated, "This account no longer exists. Sign in again to make a new one.")
	}
	if err != nil {
		return account.User{}, err
	}
	visitorOf(r.Context()).user = &user
	return user, nil
}

// limited bounds how often a user may change things.
func (p *portal) limited(next userHandler) userHandler {
	return func(w http.ResponseWriter, r *http.Request, user account.User) error {
		if !p.writes.Allow(user.ID) {
			return fault.New(fault.RateLimited, "That was a lot of changes in a short time. Please wait a minute and try again.")
		}
		return next(w, r, user)
	}
}

// visitor tells the error page, which is made outside the handlers, who is looking at it.
type visitor struct{ user *account.User }

type visitorKey struct{}

func withVisitor(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, &visitor{})))
	})
}

func visitorOf(ctx context.Context) *visitor {
	if v, ok := ctx.Value(visitorKey{}).(*visitor); ok {
		return v
	}
	return &visitor{}
}

// surroundings is the frame of an error page.
func (p *portal) surroundings(r *http.Request) design.Page {
	page := design.Page{Path: r.URL.Path, NoIndex: true}
	if user := visitorOf(r.Context()).user; user != nil {
		p.frame(&page, *user)
	}
	return page
}

func (p *portal) frame(page *design.Page, user account.User) {
	page.User = &design.User{Handle: string(user.Handle), Email: user.Email, SignOut: auth.SignOutPath}
	page.Nav = []design.Link{}
	if user.Handle != "" {
		page.Nav = p.navigation()
	}
}

// scripts are what pages need beside what all have.
var scripts = map[string][]string{"dashboard": {"live"}, "networks": {"live"}, "billing": {"live"}, "bouncer": {"live"}}

// render writes a page for a signed-in user, with the note that the request before left.
func (p *portal) render(w http.ResponseWriter, r *http.Request, status int, name, title string, user account.User, body any) error {
	page := design.Page{Title: title, Path: r.URL.Path, NoIndex: true, Body: body}
	p.frame(&page, user)
	if kind, text, found := strings.Cut(p.auth.TakeNote(r.Context(), "flash"), " "); found {
		page.Flash = &design.Flash{Kind: kind, Text: text}
	}
	page.Scripts = scripts[name]
	return p.pages.Render(w, status, name, page)
}

// done sends the browser on and has the next page say what happened.
func (p *portal) done(w http.ResponseWriter, r *http.Request, target, format string, args ...any) error {
	p.auth.Note(r.Context(), "flash", "ok "+fmt.Sprintf(format, args...))
	web.LocalRedirect(w, r, target)
	return nil
}
