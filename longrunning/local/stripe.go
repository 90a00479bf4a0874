package local

import (
	"context"
	"net/http"
	"strings"

	bridge "irc.now/functions/stripe"
	"irc.now/longrunning/local/stripe"
	"irc.now/shared/config"
	"irc.now/shared/payment"
)

// StripeConfig makes the platform use Stripe itself. Its zero value means the stand-in.
type StripeConfig struct {
	Settings payment.Settings
	// WebhookSecrets are what Stripe signs with: those that `stripe listen` or the dashboard shows.
	WebhookSecrets []string
}

// proPrice is what the public site says that Pro costs.
func (p *Platform) proPrice() string {
	if p.config.Stripe.Settings.Configured() {
		return "priced in the portal" // Stripe has the number, and the portal asks for it
	}
	return payment.Money(stripe.PriceList()[0].Amount, "usd") + " a month"
}

// Stripe is the stand-in; nil where Stripe itself is used.
func (p *Platform) Stripe() *stripe.Server { return p.stripe }

// Webhook is where Stripe's webhooks are taken, for parts on this machine.
func (p *Platform) Webhook() string { return p.internal.webhook + "/webhook" }

// startStripe starts the stand-in, unless there are keys for Stripe itself.
func (p *Platform) startStripe(handler *late) error {
	if p.config.Stripe.Settings.Configured() {
		handler.set(http.NotFoundHandler())
		return nil
	}
	server, err := stripe.New(stripe.Config{
		URL: config.URL(p.urls.Stripe), Key: config.Secret(p.secrets.values.StripeKey), Webhook: p.Webhook(),
		Secrets: []config.Secret{config.Secret(p.secrets.values.StripeWebhook)}, Prices: stripe.PriceList(),
		Portal: config.URL(p.urls.Portal), File: p.dir("stripe.json"), Log: p.logOf("stripe stand-in"),
	})
	if err != nil {
		return err
	}
	p.atStop(server.Stop)
	p.stripe = server
	handler.set(server)
	return nil
}

// startBridge starts the function that takes Stripe's webhooks.
func (p *Platform) startBridge(ctx context.Context, handler *late) error {
	secrets := p.config.Stripe.WebhookSecrets
	if !p.config.Stripe.Settings.Configured() {
		secrets = []string{p.secrets.values.StripeWebhook}
	}
	return p.mount(ctx, "stripe", bridge.New(), map[string]string{
		"STRIPE_WEBHOOK_SECRETS": strings.Join(secrets, ","), "K_SINK": p.internal.broker,
	}, handler)
}

// stripeEnv is what every part needs that talks to Stripe.
func (p *Platform) stripeEnv() map[string]string {
	if own := p.config.Stripe.Settings; own.Configured() {
		return map[string]string{
			"STRIPE_KEY":              own.Key.Reveal(),
			"STRIPE_API_URL":          own.API.String(),
			"STRIPE_PRICE_PRO":        strings.Join(own.Pro, ","),
			"STRIPE_PRICE_LOG_SEARCH": strings.Join(own.LogSearch, ","),
			"STRIPE_PRICE_BOT":        strings.Join(own.Bot, ","),
			"STRIPE_PRICE_STARTER":    strings.Join(own.Starter, ","),
			"STRIPE_PRICE_GROWTH":     strings.Join(own.Growth, ","),
		}
	}
	return map[string]string{
		"STRIPE_KEY":              p.secrets.values.StripeKey,
		"STRIPE_API_URL":          p.internal.stripe,
		"STRIPE_PAGES":            p.urls.Stripe,
		"STRIPE_PRICE_PRO":        "price_pro",
		"STRIPE_PRICE_LOG_SEARCH": "price_log_search",
		"STRIPE_PRICE_BOT":        "price_bot",
		"STRIPE_PRICE_STARTER":    "price_starter",
		"STRIPE_PRICE_GROWTH":     "price_growth",
	}
}
