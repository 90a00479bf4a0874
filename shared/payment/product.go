package payment

import (
	"errors"
	"fmt"
	"strings"

	"irc.now/shared/account"
	"irc.now/shared/config"
)

// Product is something that is for sale.
type Product string

// The products.
const (
	Pro       Product = "pro"
	LogSearch Product = "log-search"
	Bot       Product = "bot"
	Starter   Product = "starter"
	Growth    Product = "growth"
)

// products are those above with what a quantity of each gives.
var products = map[Product]struct {
	title string
	give  func(h *account.Holdings, quantity int)
}{
	Pro:       {"Pro", func(h *account.Holdings, _ int) { h.Plan = account.Pro }},
	LogSearch: {"Log search", func(h *account.Holdings, _ int) { h.LogSearch = true }},
	Bot:       {"Extra bot", func(h *account.Holdings, quantity int) { h.ExtraBots += quantity }},
	Starter:   {"Starter hosting", giveHosting(account.Starter)},
	Growth:    {"Growth hosting", giveHosting(account.Growth)},
}

func giveHosting(hosting account.Hosting) func(*account.Holdings, int) {
	return func(h *account.Holdings, _ int) {
		if hosting.Better(h.Hosting) {
			h.Hosting = hosting
		}
	}
}

// ParseProduct checks a product's name, as a form has it.
func ParseProduct(name string) (Product, bool) {
	_, known := products[Product(name)]
	return Product(name), known
}

// Had is how many of p somebody with these holdings has.
func (p Product) Had(h account.Holdings) int {
	switch {
	case p == Bot:
		return h.ExtraBots
	case p == Starter && h.Hosting == account.Starter, p == Growth && h.Hosting == account.Growth,
		!p.Hosting() && p.Give(h, 1) == h:
		return 1
	default:
		return 0
	}
}

// Title is the product's name for people.
func (p Product) Title() string { return products[p].title }

// Hosting reports whether p is a hosting plan; a customer has one of them at most.
func (p Product) Hosting() bool { return p == Starter || p == Growth }

// Give is what h becomes when quantity of p is added.
func (p Product) Give(h account.Holdings, quantity int) account.Holdings {
	if known, ok := products[p]; ok && quantity > 0 {
		known.give(&h, quantity)
	}
	return h
}

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
	seen := map[string]Product{}
	for product, ids := range s.prices() {
		variable := "STRIPE_PRICE_" + strings.ToUpper(strings.ReplaceAll(string(product), "-", "_"))
		if len(ids) == 0 && product == Pro {
			all = append(all, fmt.Errorf("%s is not set", variable))
		}
		for _, id := range ids {
			if other, taken := seen[id]; id == "" || taken {
				all = append(all, fmt.Errorf("%s holds a price that is empty or that of %s too", variable, other))
			}
			seen[id] = product
		}
	}
	return errors.Join(all...)
}

func (s *Settings) prices() map[Product][]string {
	return map[Product][]string{
		Pro: s.Pro, LogSearch: s.LogSearch, Bot: s.Bot, Starter: s.Starter, Growth: s.Growth,
	}
}

// Catalog knows prices from products and back.
type Catalog struct {
	sold      map[Product]string
	byPriceID map[string]Product
}

// Catalog is that of the settings, which have passed Validate.
func (s *Settings) Catalog() Catalog {
	c := Catalog{sold: map[Product]string{}, byPriceID: map[string]Product{}}
	for product, ids := range s.prices() {
		for i, id := range ids {
			if i == 0 {
				c.sold[product] = id
			}
			c.byPriceID[id] = product
		}
	}
	return c
}
