package payment

import "irc.now/shared/account"

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
