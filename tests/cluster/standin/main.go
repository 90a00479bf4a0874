// Command standin is what the world around irc.now is on the test cluster: the identity provider and the Stripe stand-in
// of longrunning/local in one pod, told apart by the Host header. It keeps people in a database of its own and Stripe's
// side in a file.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"irc.now/longrunning/local/identity"
	"irc.now/longrunning/local/stripe"
	"irc.now/shared/config"
	"irc.now/shared/program"
	"irc.now/shared/telemetry"
)

// settings are the environment.
type settings struct {
	Issuer    config.URL `env:"ISSUER,required,notEmpty"`      // of the identity provider, as everybody reaches it
	StripeURL config.URL `env:"STRIPE_URL,required,notEmpty"`  // of the stand-in's pages, as browsers reach them
	PortalURL config.URL `env:"PORTAL_URL,required,notEmpty"`  // of the portal, where both lead back to
	Webhook   config.URL `env:"WEBHOOK_URL,required,notEmpty"` // where Stripe's events go

	DatabaseAdminURL config.Secret `env:"DATABASE_ADMIN_URL,required,notEmpty"` // of a role that may make databases

	PortalSecret     config.Secret `env:"PORTAL_CLIENT_SECRET,required,notEmpty"`
	IntrospectSecret config.Secret `env:"INTROSPECT_CLIENT_SECRET,required,notEmpty"`
	StripeKey        config.Secret `env:"STRIPE_KEY,required,notEmpty"`
	WebhookSecret    config.Secret `env:"STRIPE_WEBHOOK_SECRET,required,notEmpty"`
	SealKey          config.Secret `env:"SEAL_KEY,required,notEmpty"` // any text; another one ends all sign-ins

	StripeFile    string `env:"STRIPE_FILE"` // kept in memory where empty
	ListenAddress string `env:"LISTEN_ADDRESS" envDefault:":8080"`
}

func main() {
	log := telemetry.NewLogger(os.Stderr, "standin", slog.LevelInfo)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, config.Environ(), log); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, environ map[string]string, log *slog.Logger) error {
	var s settings
	if err := config.Load(environ, &s); err != nil {
		return err
	}
	people, err := s.identity(ctx, log)
	if err != nil {
		return err
	}
	defer people.Close()
	payments, err := stripe.New(s.stripe(log))
	if err != nil {
		return err
	}
	defer func() { _ = payments.Stop(context.WithoutCancel(ctx)) }()
	server := program.HTTPServer(byHost(s.Issuer, people, payments), log)
	server.Addr = s.ListenAddress
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.WithoutCancel(ctx))
	}()
	log.InfoContext(ctx, "serving", slog.String("address", s.ListenAddress))
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// byHost gives the identity provider what is for its host, and Stripe everything else.
func byHost(issuer config.URL, people, payments http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.Host, issuer.Parsed().Host) {
			people.ServeHTTP(w, r)
			return
		}
		payments.ServeHTTP(w, r)
	})
}

func (s settings) stripe(log *slog.Logger) stripe.Config {
	return stripe.Config{
		URL: s.StripeURL, Key: s.StripeKey, Webhook: s.Webhook.String(), Secrets: []config.Secret{s.WebhookSecret},
		Prices: stripe.PriceList(), Portal: s.PortalURL, File: s.StripeFile, Log: log.With(slog.String("part", "stripe")),
	}
}

func (s settings) clients() []identity.Client {
	portal := s.PortalURL.String()
	return []identity.Client{
		{ID: "portal", Name: "irc.now", Secret: s.PortalSecret, Redirects: []string{portal + "/auth/callback"}, PostLogout: []string{portal + "/"}},
		{ID: "introspect", Name: "introspection", Secret: s.IntrospectSecret, Introspects: true},
	}
}
