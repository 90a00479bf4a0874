package local

import (
	"net/http"

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
func (p *Platform) Webhook() string { return p.address(webhookDoor) + "/webhook" }

// stripeSite is the stand-in's pages; nothing where Stripe itself is used.
func (p *Platform) stripeSite() http.Handler {
	if p.stripe == nil {
		return http.NotFoundHandler()
	}
	return p.stripe
}

// startStripe starts the stand-in, unless there are keys for Stripe itself.
func (p *Platform) startStripe() error {
	if p.config.Stripe.Settings.Configured() {
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
	p.answer(stripeDoor, server)
	return nil
}
