package payment_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"irc.now/shared/account"
	"irc.now/shared/payment"
)

const periodEnd = 1795348800

func settings() payment.Settings {
	return payment.Settings{
		Key: "sk_test", Pro: []string{"price_pro", "price_pro_2024"}, LogSearch: []string{"price_log"},
		Bot: []string{"price_bot"}, Starter: []string{"price_starter"}, Growth: []string{"price_growth"},
	}
}

// subscription has one line per price; a price may be followed by a quantity.
func subscription(status stripe.SubscriptionStatus, lines ...any) *stripe.Subscription {
	s := &stripe.Subscription{
		ID: "sub_" + string(status), Status: status, CurrentPeriodEnd: periodEnd, Items: &stripe.SubscriptionItemList{},
	}
	for _, line := range lines {
		switch line := line.(type) {
		case string:
			s.Items.Data = append(s.Items.Data, &stripe.SubscriptionItem{
				ID: "si_" + line, Quantity: 1, Price: &stripe.Price{ID: line},
			})
		case int:
			s.Items.Data[len(s.Items.Data)-1].Quantity = int64(line)
		}
	}
	return s
}

func TestEveryStateOfStripesMeansSomething(t *testing.T) {
	pro := account.Holdings{Plan: account.Pro}
	free := account.Holdings{Plan: account.Free}
	for status, want := range map[stripe.SubscriptionStatus]struct {
		standing account.Standing
		holdings account.Holdings
	}{
		"trialing":           {account.Trial, pro},
		"active":             {account.Paid, pro},
		"past_due":           {account.PastDue, pro},
		"unpaid":             {account.Unpaid, free},
		"canceled":           {account.Ended, free},
		"incomplete":         {account.Unfinished, free},
		"incomplete_expired": {account.NeverPaid, free},
		"paused":             {account.Paused, free},
	} {
		state, err := payment.StateOf([]*stripe.Subscription{subscription(status, "price_pro")}, catalog())
		if err != nil || state.Standing != want.standing || state.Holdings != want.holdings {
			t.Errorf("%s: got %+v, %v", status, state, err)
		}
		if state.PeriodEnd == nil || !state.PeriodEnd.Equal(time.Unix(periodEnd, 0)) {
			t.Errorf("%s: the period ends at %v", status, state.PeriodEnd)
		}
	}
}

func catalog() payment.Catalog {
	s := settings()
	return s.Catalog()
}

func TestAStateThatIsNewToUsTakesNothingAway(t *testing.T) {
	if state, err := payment.StateOf([]*stripe.Subscription{subscription("hibernating")}, catalog()); err == nil {
		t.Errorf("got %+v", state)
	}
}

func TestWhatWasCancelledIsKeptUntilItEnds(t *testing.T) {
	atEnd := subscription("active", "price_pro")
	atEnd.CancelAtPeriodEnd = true
	atDate := subscription("active", "price_pro")
	atDate.CancelAt = periodEnd + 60
	for _, s := range []*stripe.Subscription{atEnd, atDate} {
		state, err := payment.StateOf([]*stripe.Subscription{s}, catalog())
		if err != nil || state.Standing != account.Ending || state.Holdings.Plan != account.Pro {
			t.Errorf("got %+v, %v", state, err)
		}
	}
	late := subscription("past_due", "price_pro")
	late.CancelAtPeriodEnd = true
	if state, _ := payment.StateOf([]*stripe.Subscription{late}, catalog()); state.Standing != account.PastDue {
		t.Errorf("a failed payment is hidden by the cancellation: %+v", state)
	}
}

func TestLinesBecomeHoldings(t *testing.T) {
	for name, row := range map[string]struct {
		lines []any
		want  account.Holdings
	}{
		"nothing":       {nil, account.Holdings{Plan: account.Free}},
		"an old price":  {[]any{"price_pro_2024"}, account.Holdings{Plan: account.Pro}},
		"bots":          {[]any{"price_bot", 3}, account.Holdings{Plan: account.Free, ExtraBots: 3}},
		"none of a bot": {[]any{"price_bot", 0}, account.Holdings{Plan: account.Free}},
		"everything": {
			[]any{"price_pro", "price_bot", 2, "price_log", "price_starter", "price_growth"},
			account.Holdings{Plan: account.Pro, ExtraBots: 2, LogSearch: true, Hosting: account.Growth},
		},
	} {
		state, err := payment.StateOf([]*stripe.Subscription{subscription("active", row.lines...)}, catalog())
		if err != nil || state.Holdings != row.want {
			t.Errorf("%s: got %+v, %v", name, state, err)
		}
	}
	state, err := payment.StateOf([]*stripe.Subscription{subscription("active", "price_other")}, catalog())
	if err != nil || !slices.Equal(state.Unknown, []string{"price_other"}) || state.Holdings.Plan != account.Free {
		t.Errorf("a stranger's price: %+v, %v", state, err)
	}
}

func TestSeveralSubscriptionsAddUp(t *testing.T) {
	all := []*stripe.Subscription{
		subscription("canceled", "price_pro"), subscription("active", "price_bot"), subscription("past_due", "price_bot", 2),
	}
	for range all {
		all = append(all[1:], all[0])
		state, err := payment.StateOf(all, catalog())
		if err != nil || state.Standing != account.PastDue || state.Holdings != (account.Holdings{Plan: account.Free, ExtraBots: 3}) {
			t.Errorf("got %+v, %v", state, err)
		}
	}
	state, err := payment.StateOf(nil, catalog())
	if err != nil || state.Standing != account.NeverPaid || state.Holdings != (account.Holdings{Plan: account.Free}) {
		t.Errorf("without any: %+v, %v", state, err)
	}
}

func TestHadIsWhatWasGiven(t *testing.T) {
	var none account.Holdings
	for _, product := range []payment.Product{payment.Pro, payment.LogSearch, payment.Bot, payment.Starter, payment.Growth} {
		if n := product.Had(none.Normal()); n != 0 {
			t.Errorf("who has nothing has %d of %s", n, product)
		}
		if n := product.Had(product.Give(none, 1).Normal()); n != 1 {
			t.Errorf("who was given %s has %d of it", product, n)
		}
	}
	if n := payment.Bot.Had(payment.Bot.Give(none, 7)); n != 7 {
		t.Errorf("7 bots are %d", n)
	}
}

func TestSettingsNeedAPriceOfTheirOwn(t *testing.T) {
	if s := settings(); s.Validate() != nil {
		t.Error(s.Validate())
	}
	for name, change := range map[string]func(*payment.Settings){
		"no key":             func(s *payment.Settings) { s.Key = "" },
		"no price of Pro":    func(s *payment.Settings) { s.Pro = nil },
		"one price of two":   func(s *payment.Settings) { s.Bot = s.Pro },
		"an empty old price": func(s *payment.Settings) { s.Pro = []string{"price_pro", ""} },
	} {
		s := settings()
		change(&s)
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
