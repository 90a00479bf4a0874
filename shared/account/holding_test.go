package account_test

import (
	"reflect"
	"testing"
	"time"

	"irc.now/shared/account"
)

func free() account.Entitlements {
	return account.Entitlements{
		UpstreamNetworks: 1, Scrollback: 48 * time.Hour, Bots: 1,
		Pastes: 5, PasteLifetime: 24 * time.Hour, ImageBytes: 50 << 20,
	}
}

func pro() account.Entitlements {
	return account.Entitlements{
		UpstreamNetworks: account.Unlimited, Scrollback: account.Forever, DedicatedBouncers: 1,
		CustomHostname: true, Networks: true, Bots: 5,
		Pastes: account.Unlimited, PasteLifetime: account.Forever, ImageBytes: 1 << 30,
	}
}

func with(e account.Entitlements, change func(*account.Entitlements)) account.Entitlements {
	change(&e)
	return e
}

func TestHoldingsGiveTheLimitsOfTheDesign(t *testing.T) {
	for name, row := range map[string]struct {
		holdings account.Holdings
		want     account.Entitlements
	}{
		"nothing bought":  {account.Holdings{}, free()},
		"free":            {account.Holdings{Plan: account.Free}, free()},
		"pro":             {account.Holdings{Plan: account.Pro}, pro()},
		"an unknown plan": {account.Holdings{Plan: "platinum"}, free()},
		"free with a bot": {account.Holdings{ExtraBots: 1}, with(free(), func(e *account.Entitlements) { e.Bots = 2 })},
		"free with log search": {
			account.Holdings{LogSearch: true}, with(free(), func(e *account.Entitlements) { e.LogSearch = true }),
		},
		"pro with three bots": {
			account.Holdings{Plan: account.Pro, ExtraBots: 3}, with(pro(), func(e *account.Entitlements) { e.Bots = 8 }),
		},
		"pro with starter": {
			account.Holdings{Plan: account.Pro, Hosting: account.Starter}, with(pro(), func(e *account.Entitlements) {
				e.HostedNetworks, e.NetworkUsers, e.Bots = 1, 50, 8
			}),
		},
		"pro with growth and everything else": {
			account.Holdings{Plan: account.Pro, Hosting: account.Growth, ExtraBots: 2, LogSearch: true},
			with(pro(), func(e *account.Entitlements) {
				e.HostedNetworks, e.NetworkUsers, e.Bots, e.LogSearch = 3, 200, 17, true
			}),
		},
		"hosting without pro":     {account.Holdings{Hosting: account.Growth}, free()},
		"an unknown hosting":      {account.Holdings{Plan: account.Pro, Hosting: "galaxy"}, pro()},
		"fewer bots than nothing": {account.Holdings{ExtraBots: -3}, free()},
		"bots past the bound": {
			account.Holdings{ExtraBots: 1e6},
			with(free(), func(e *account.Entitlements) { e.Bots = 1 + account.MaxExtraBots }),
		},
	} {
		if got := row.holdings.Entitlements(); got != row.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, row.want)
		}
	}
}

func TestCoversNoticesEverythingThatIsTakenAway(t *testing.T) {
	most := account.Holdings{Plan: account.Pro, Hosting: account.Growth, LogSearch: true}.Entitlements()
	if !most.Covers(most) || !most.Covers(free()) || free().Covers(most) {
		t.Fatal("Covers is not an order")
	}
	// A limit that Covers forgets would be lowered without anybody being told.
	value := reflect.ValueOf(&most).Elem()
	for i := range value.NumField() {
		less := most
		field := reflect.ValueOf(&less).Elem().Field(i)
		switch field.Kind() {
		case reflect.Bool:
			field.SetBool(false)
		default:
			field.SetInt(0)
		}
		if less.Covers(most) {
			t.Errorf("Covers does not look at %s", value.Type().Field(i).Name)
		}
		if !most.Covers(less) {
			t.Errorf("more of %s counts as less", value.Type().Field(i).Name)
		}
	}
}

func TestHostingOrder(t *testing.T) {
	if !account.Growth.Better(account.Starter) || !account.Starter.Better(account.NoHosting) ||
		account.Starter.Better(account.Growth) || account.Starter.Better(account.Starter) {
		t.Error("the order of hosting plans is wrong")
	}
}
