package local

import (
	"maps"
	"strconv"
	"strings"

	"irc.now/functions"
)

// localNetwork is what the picker calls the network that runs here.
const localNetwork = "irc.now local"

// settings are one environment for all functions: each reads of it what its own settings name, and nothing else
// (config.Load). What differs from part to part has the part's name before it; see functions.Part.Settings.
func (p *Platform) settings() map[string]string {
	all := map[string]string{
		"BASE_URL": p.urls.Landing, "LANDING_URL": p.urls.Landing, "PORTAL_URL": p.urls.Portal, "PRO_PRICE": p.proPrice(),
		"IRC_HOST": "localhost", "IRC_PORT": strconv.Itoa(p.ports.ircPort), "IRC_TLS": "false",
		"OIDC_ISSUER":         p.urls.Identity,
		"BOUNCER_ADMIN_URL":   p.address(adminDoor),
		"BOUNCER_ADMIN_TOKEN": p.secrets.bouncerAdmin().Reveal(),
		"EXTRA_NETWORKS":      p.ownNetworks(),
		"INTROSPECT_CLIENTS":  bouncerClient + ":" + p.secrets.client(bouncerClient).Reveal(),
		"TOKEN_SEAL_KEY":      p.secrets.tokenSealKey(),
		"K_SINK":              p.brokerAddress(),
	}
	maps.Copy(all, p.stripeSettings())
	for _, part := range functions.Table() {
		if part.Client != "" {
			all[part.Variable("OIDC_CLIENT_ID")] = part.Client
			all[part.Variable("OIDC_CLIENT_SECRET")] = p.secrets.client(part.Client).Reveal()
		}
		if internal(part) {
			all[part.Variable("BASE_URL")] = p.address(part.Name)
		}
		for variable, address := range part.Addresses(p.databaseOf(part)) {
			all[part.Variable(variable)] = address
		}
	}
	return all
}

// databaseOf tells where databases are for a part's role.
func (p *Platform) databaseOf(part functions.Part) func(database string) string {
	return func(database string) string { return p.tenants.programs.URL(part.Name, database).Reveal() }
}

// stripeSettings are what every part needs that talks to Stripe, or takes its webhooks.
func (p *Platform) stripeSettings() map[string]string {
	if own := p.config.Stripe.Settings; own.Configured() {
		return map[string]string{
			"STRIPE_KEY":              own.Key.Reveal(),
			"STRIPE_API_URL":          own.API.String(),
			"STRIPE_PRICE_PRO":        strings.Join(own.Pro, ","),
			"STRIPE_PRICE_LOG_SEARCH": strings.Join(own.LogSearch, ","),
			"STRIPE_PRICE_BOT":        strings.Join(own.Bot, ","),
			"STRIPE_PRICE_STARTER":    strings.Join(own.Starter, ","),
			"STRIPE_PRICE_GROWTH":     strings.Join(own.Growth, ","),
			"STRIPE_WEBHOOK_SECRETS":  strings.Join(p.config.Stripe.WebhookSecrets, ","),

			"STRIPE_PRICE_PRO_YEARLY":        strings.Join(own.ProYearly, ","),
			"STRIPE_PRICE_LOG_SEARCH_YEARLY": strings.Join(own.LogSearchYearly, ","),
			"STRIPE_PRICE_BOT_YEARLY":        strings.Join(own.BotYearly, ","),
			"STRIPE_PRICE_STARTER_YEARLY":    strings.Join(own.StarterYearly, ","),
			"STRIPE_PRICE_GROWTH_YEARLY":     strings.Join(own.GrowthYearly, ","),
			"STRIPE_AUTOMATIC_TAX":           strconv.FormatBool(own.AutomaticTax),
			"STRIPE_PROMOTION_CODES":         strconv.FormatBool(own.PromotionCodes),
		}
	}
	return map[string]string{
		"STRIPE_KEY":              p.secrets.values.StripeKey,
		"STRIPE_API_URL":          p.address(stripeDoor),
		"STRIPE_PAGES":            p.urls.Stripe,
		"STRIPE_PRICE_PRO":        "price_pro",
		"STRIPE_PRICE_LOG_SEARCH": "price_log_search",
		"STRIPE_PRICE_BOT":        "price_bot",
		"STRIPE_PRICE_STARTER":    "price_starter",
		"STRIPE_PRICE_GROWTH":     "price_growth",
		"STRIPE_WEBHOOK_SECRETS":  p.secrets.values.StripeWebhook,
	}
}

// ownNetworks are the networks that may lie in private address space, as the portal and bounceradmin are told.
func (p *Platform) ownNetworks() string { return localNetwork + "=irc+insecure://" + p.urls.Network }
