package stripe

import (
	"errors"
	"log/slog"
	"time"

	"irc.now/shared/config"
)

// Config is what the stand-in needs.
type Config struct {
	URL     config.URL      // where browsers reach it
	Key     config.Secret   // the API key that callers must have
	Webhook string          // where events go; may be set later with SetWebhook
	Secrets []config.Secret // that sign webhooks; several while one is being replaced, as at Stripe
	Prices  []Price
	Portal  config.URL // whose pages customers come back to
	File    string     // where everything is kept; empty keeps it in memory
	Log     *slog.Logger
	Now     func() time.Time // time.Now when nil
}

// Price is something that is for sale, by the month or the year.
type Price struct {
	ID       string
	Name     string
	Amount   int64 // in cents
	Yearly   bool
	Archived bool // sold no longer
}

func (c *Config) fill() error {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.URL == "" || c.Key == "" || len(c.Secrets) == 0 || len(c.Prices) == 0 {
		return errors.New("the Stripe stand-in needs an address, a key, a webhook secret and prices")
	}
	return nil
}

// PriceList is what the stand-in sells; the amounts are those of the public price list, in cents.
func PriceList() []Price {
	return []Price{
		{ID: "price_pro", Name: "Pro", Amount: 400},
		{ID: "price_log_search", Name: "Log search", Amount: 200},
		{ID: "price_bot", Name: "Extra bot", Amount: 200},
		{ID: "price_starter", Name: "Starter hosting", Amount: 1200},
		{ID: "price_growth", Name: "Growth hosting", Amount: 2400},
	}
}
