package billing

import (
	"fmt"
	"strconv"
	"time"

	"irc.now/functions/portal/words"
	"irc.now/shared/account"
	"irc.now/shared/payment"
)

// limitRow compares one limit.
type limitRow struct{ Name, Free, Pro string }

// here is what of e there is in this place: where nobody can have a dedicated bouncer, everybody has what the shared one
// gives.
func here(e account.Entitlements, cluster bool) account.Entitlements {
	if !cluster {
		e.DedicatedBouncers, e.CustomHostname, e.Scrollback = 0, false, account.Holdings{}.Entitlements().Scrollback
	}
	return e
}

// limits compares what the plans give.
func limits(cluster bool) []limitRow {
	free, pro := here(account.Holdings{}.Entitlements(), cluster), here(payment.Pro.Give(account.Holdings{}, 1).Entitlements(), cluster)
	row := func(name string, show func(account.Entitlements) string) limitRow {
		return limitRow{name, show(free), show(pro)}
	}
	return []limitRow{
		row("Networks", func(e account.Entitlements) string { return words.Networks(e.UpstreamNetworks) }),
		row("Scrollback", func(e account.Entitlements) string { return words.Scrollback(e.Scrollback) }),
		row("Bouncer", func(e account.Entitlements) string { return words.Bouncer(e.DedicatedBouncers) }),
		row("Host name of your own", func(e account.Entitlements) string { return yesNo(e.CustomHostname) }),
		row("May host IRC networks", func(e account.Entitlements) string { return yesNo(e.Networks) }),
		row("Bots", func(e account.Entitlements) string { return countInWords(e.Bots) }),
		row("Pastes", func(e account.Entitlements) string { return countInWords(e.Pastes) }),
		row("Pastes are kept", func(e account.Entitlements) string { return lifetimeInWords(e.PasteLifetime) }),
		row("Images", func(e account.Entitlements) string { return bytesInWords(e.ImageBytes) }),
	}
}

// givesInWords says what a product gives by comparing what is allowed with it and without.
func givesInWords(product payment.Product, cluster bool) string {
	// Everything else that is bought is bought with Pro or beside it.
	before := payment.Pro.Give(account.Holdings{}, 1)
	if product == payment.Pro {
		before = account.Holdings{}
	}
	was, is := here(before.Entitlements(), cluster), here(product.Give(before, 1).Entitlements(), cluster)
	switch {
	case product == payment.Pro && is.Scrollback == was.Scrollback:
		return words.Networks(is.UpstreamNetworks)
	case product == payment.Pro:
		return words.Networks(is.UpstreamNetworks) + "; " + words.Scrollback(is.Scrollback)
	case is.HostedNetworks > 0:
		return fmt.Sprintf("%s of your own for up to %d people, and %d more bots",
			words.Networks(is.HostedNetworks), is.NetworkUsers, is.Bots-was.Bots)
	case is.LogSearch:
		return "Find what was said in everything your bouncer keeps"
	default:
		return "Each runs one more script of yours"
	}
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func countInWords(count int) string {
	if count == account.Unlimited {
		return "as many as you like"
	}
	return strconv.Itoa(count)
}

func lifetimeInWords(length time.Duration) string {
	if length == account.Forever {
		return "for good"
	}
	return fmt.Sprintf("%d hours", length/time.Hour)
}

func bytesInWords(bytes int64) string {
	if bytes >= 1<<30 {
		return fmt.Sprintf("%d GB", bytes>>30)
	}
	return fmt.Sprintf("%d MB", bytes>>20)
}
