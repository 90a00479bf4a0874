package payment

import (
	"errors"
	"fmt"
	"strings"

	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// Settings are what a program needs to talk to Stripe; embed them in its own.
type Settings struct {
	Key config.Secret `env:"STRIPE_KEY"`                                         // Stripe's secret key; without it nothing is for sale
	API config.URL    `env:"STRIPE_API_URL" envDefault:"https://api.stripe.com"` // where Stripe, or a stand-in, is asked
	// Each price is Stripe's id. Several may be given: the first is sold, the others are what earlier customers have.
	Pro       []string `env:"STRIPE_PRICE_PRO"`
	LogSearch []string `env:"STRIPE_PRICE_LOG_SEARCH"`
	Bot       []string `env:"STRIPE_PRICE_BOT"`
	Starter   []string `env:"STRIPE_PRICE_STARTER"`
	Growth    []string `env:"STRIPE_PRICE_GROWTH"`
	// The same by the year. Who pays for Pro by the year can have beside it what has such a price, too.
	ProYearly       []string `env:"STRIPE_PRICE_PRO_YEARLY"`
	LogSearchYearly []string `env:"STRIPE_PRICE_LOG_SEARCH_YEARLY"`
	BotYearly       []string `env:"STRIPE_PRICE_BOT_YEARLY"`
	StarterYearly   []string `env:"STRIPE_PRICE_STARTER_YEARLY"`
	GrowthYearly    []string `env:"STRIPE_PRICE_GROWTH_YEARLY"`

	AutomaticTax   bool `env:"STRIPE_AUTOMATIC_TAX"`   // Stripe computes tax on new subscriptions; set up Stripe Tax in its dashboard first
	PromotionCodes bool `env:"STRIPE_PROMOTION_CODES"` // the checkout has a field for promotion codes
}

// Configured reports whether anything is for sale here.
func (s *Settings) Configured() bool { return s.Key != "" }

// Validate reports what is missing, one line each. Pro needs a price; what has none is not for sale, so that nothing
// is sold before it is there. No price may be two products'.
func (s *Settings) Validate() error {
	if !s.Configured() {
		return errors.New("STRIPE_KEY is not set")
	}
	var all []error
	seen := map[string]item{}
	for sold, ids := range s.prices() {
		variable := "STRIPE_PRICE_" + strings.ToUpper(strings.ReplaceAll(string(sold.product), "-", "_"))
		if sold.interval == year {
			variable += "_YEARLY"
		}
		if len(ids) == 0 && sold == (item{product: Pro, interval: month}) {
			all = append(all, fmt.Errorf("%s is not set", variable))
		}
		for _, id := range ids {
			if other, taken := seen[id]; id == "" || taken {
				all = append(all, fmt.Errorf("%s holds a price that is empty or that of %s too", variable, other.product))
			}
			seen[id] = sold
		}
	}
	return errors.Join(all...)
}

// interval is for how long a price pays.
type interval string

const (
	month interval = "month"
	year  interval = "year"
)

func intervalOf(yearly bool) interval {
	if yearly {
		return year
	}
	return month
}

// prices are Stripe's ids by what they sell.
func (s *Settings) prices() map[item][]string {
	return map[item][]string{
		{product: Pro, interval: month}: s.Pro, {product: Pro, interval: year}: s.ProYearly,
		{product: LogSearch, interval: month}: s.LogSearch, {product: LogSearch, interval: year}: s.LogSearchYearly,
		{product: Bot, interval: month}: s.Bot, {product: Bot, interval: year}: s.BotYearly,
		{product: Starter, interval: month}: s.Starter, {product: Starter, interval: year}: s.StarterYearly,
		{product: Growth, interval: month}: s.Growth, {product: Growth, interval: year}: s.GrowthYearly,
	}
}

// Catalog knows prices from products and back, and on what terms is sold.
type Catalog struct {
	sold      map[item]string // by product and interval
	byPriceID map[string]item // product and interval

	automaticTax, promotionCodes bool
}

// Catalog is that of the settings, which have passed Validate.
func (s *Settings) Catalog() Catalog {
	c := Catalog{
		sold: map[item]string{}, byPriceID: map[string]item{},
		automaticTax: s.AutomaticTax, promotionCodes: s.PromotionCodes,
	}
	for sold, ids := range s.prices() {
		for i, id := range ids {
			if i == 0 {
				c.sold[sold] = id
			}
			c.byPriceID[id] = sold
		}
	}
	return c
}

// sells reports whether p is for sale at all.
func (c *Catalog) sells(p Product) bool {
	_, monthly := c.sold[item{product: p, interval: month}]
	_, yearly := c.sold[item{product: p, interval: year}]
	return monthly || yearly
}

// price is Stripe's id of p's price for the interval.
func (c *Catalog) price(p Product, by interval) (string, error) {
	if id, sold := c.sold[item{product: p, interval: by}]; sold {
		return id, nil
	}
	return "", fault.New(fault.Conflict, "We do not sell %s by the %s, and one subscription cannot have both.", p.Title(), by)
}
