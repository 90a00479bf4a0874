package local

import (
	"maps"
	"strconv"
)

// localNetwork is what the picker calls the network that runs here.
const localNetwork = "irc.now local"

// introspectEnv configures functions/introspect as its own documentation says; nothing else reaches a function.
func (p *Platform) introspectEnv() map[string]string {
	return map[string]string{
		"BASE_URL":              p.internal.introspect,
		"ACCOUNTS_DATABASE_URL": p.accountsURL("introspect"),
		"OIDC_ISSUER":           p.urls.Identity,
		"OIDC_CLIENT_ID":        introspectClient,
		"OIDC_CLIENT_SECRET":    p.secrets.values.IntrospectClient,
		"INTROSPECT_CLIENTS":    bouncerClient + ":" + p.secrets.values.BouncerClient,
		"TOKEN_SEAL_KEY":        p.secrets.tokenSealKey(),
	}
}

func (p *Platform) revokeEnv() map[string]string {
	env := p.introspectEnv()
	maps.Copy(env, map[string]string{
		"BASE_URL":              p.internal.revoke,
		"ACCOUNTS_DATABASE_URL": p.accountsURL("revoke"),
		"BOUNCER_ADMIN_URL":     p.internal.bounceradmin,
		"BOUNCER_ADMIN_TOKEN":   p.secrets.values.BouncerAdmin,
	})
	return env
}

func (p *Platform) landingEnv() map[string]string {
	return map[string]string{
		"PRO_PRICE":  p.proPrice(),
		"BASE_URL":   p.urls.Landing,
		"PORTAL_URL": p.urls.Portal,
		"IRC_HOST":   "localhost",
		"IRC_PORT":   strconv.Itoa(p.ports.irc),
		"IRC_TLS":    "false",
	}
}

func (p *Platform) portalEnv() map[string]string {
	env := p.stripeEnv()
	maps.Copy(env, map[string]string{
		"BASE_URL":              p.urls.Portal,
		"LANDING_URL":           p.urls.Landing,
		"ACCOUNTS_DATABASE_URL": p.accountsURL("portal"),
		"OIDC_ISSUER":           p.urls.Identity,
		"OIDC_CLIENT_ID":        portalClient,
		"OIDC_CLIENT_SECRET":    p.secrets.values.PortalClient,
		"BOUNCER_ADMIN_URL":     p.internal.bounceradmin,
		"BOUNCER_ADMIN_TOKEN":   p.secrets.values.BouncerAdmin,
		"IRC_HOST":              "localhost",
		"IRC_PORT":              strconv.Itoa(p.ports.irc),
		"IRC_TLS":               "false",
		"EXTRA_NETWORKS":        p.ownNetworks(),
		"K_SINK":                p.internal.broker,
	})
	return env
}

func (p *Platform) billingEnv() map[string]string {
	env := p.stripeEnv()
	maps.Copy(env, map[string]string{
		"ACCOUNTS_DATABASE_URL": p.accountsURL("billing"),
		"K_SINK":                p.internal.broker,
	})
	return env
}

func (p *Platform) outboxEnv() map[string]string {
	return map[string]string{
		"OUTBOX_DATABASE_URLS": "accounts=" + p.accountsURL("outbox"),
		"K_SINK":               p.internal.broker,
	}
}

func (p *Platform) limitsEnv() map[string]string {
	return map[string]string{
		"ACCOUNTS_DATABASE_URL": p.accountsURL("limits"),
		"BOUNCER_ADMIN_URL":     p.internal.bounceradmin,
		"BOUNCER_ADMIN_TOKEN":   p.secrets.values.BouncerAdmin,
	}
}

// ownNetworks are the networks that may lie in private address space, as the portal and bounceradmin are told.
func (p *Platform) ownNetworks() string { return localNetwork + "=irc+insecure://" + p.urls.Network }
