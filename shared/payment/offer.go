package payment

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// offersLast is how long prices are remembered: they change less than once a year.
const offersLast = 10 * time.Minute

// Offer is what a product costs.
type Offer struct {
	Price    string // such as "$4.00"
	Interval string // "month", "year"
	PlusTax  bool   // tax comes on top
	Yearly   *Offer // by the year, where it is sold so too
}

// Offers are the prices of all products, as Stripe has them: what is shown is what will be charged. A price that Stripe
// does not know or has archived is not for sale, and no reason to sell nothing.
func (c *Client) Offers(ctx context.Context) (map[Product]Offer, error) {
	c.mu.Lock()
	offers, asked := c.offers, c.asked
	c.mu.Unlock()
	if offers != nil && time.Since(asked) < offersLast {
		return offers, nil
	}
	offers = map[Product]Offer{}
	for _, by := range []interval{month, year} {
		for product := range products {
			id, sold := c.catalog.sold[item{product: product, interval: by}]
			if !sold {
				continue
			}
			offer, found, err := c.offer(ctx, id)
			if err != nil {
				return nil, err
			}
			if found {
				offers[product] = offers[product].with(offer)
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offers, c.asked = offers, time.Now()
	return offers, nil
}

// with adds a second price, or is the first.
func (o Offer) with(other Offer) Offer {
	if o.Price == "" {
		return other
	}
	o.Yearly = &other
	return o
}

// offer asks Stripe for one price. found is false, and somebody is told, where it is not for sale there.
func (c *Client) offer(ctx context.Context, id string) (offer Offer, found bool, err error) {
	params := &stripe.PriceParams{}
	params.Context = ctx
	price, err := c.stripe.Prices.Get(id, params)
	switch {
	case missing(err):
		c.log.ErrorContext(ctx, "a price of the configuration is not at Stripe", "price", id)
		return Offer{}, false, nil
	case err != nil:
		return Offer{}, false, faultOf(err, "get price %s", id)
	case !price.Active:
		c.log.ErrorContext(ctx, "a price of the configuration is archived at Stripe", "price", id)
		return Offer{}, false, nil
	}
	return c.offerOf(price), true, nil
}

func (c *Client) offerOf(price *stripe.Price) Offer {
	o := Offer{
		Price:   Money(price.UnitAmount, string(price.Currency)),
		PlusTax: c.catalog.automaticTax && price.TaxBehavior != stripe.PriceTaxBehaviorInclusive,
	}
	if price.Recurring != nil {
		o.Interval = string(price.Recurring.Interval)
	}
	return o
}

// wholeCurrencies have no smaller unit (Stripe's "zero-decimal currencies"): 500 JPY are 500 yen.
const wholeCurrencies = " bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf "

var symbols = map[string]string{"usd": "$", "eur": "€", "gbp": "£"}

// Money writes an amount in the currency's smallest unit for people.
func Money(amount int64, currency string) string {
	currency = strings.ToLower(currency)
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	number := fmt.Sprintf("%d.%02d", amount/100, amount%100)
	if strings.Contains(wholeCurrencies, " "+currency+" ") {
		number = strconv.FormatInt(amount, 10)
	}
	if symbol, known := symbols[currency]; known {
		return sign + symbol + number
	}
	return sign + number + " " + strings.ToUpper(currency)
}

// Invoice is one bill, for showing.
type Invoice struct {
	Number string
	At     time.Time
	Total  string // such as "$4.00"
	Status string // Stripe's: "paid", "open", "void", "uncollectible"
	URL    string // Stripe's page with it; empty where there is none
}

const shownInvoices = 24

// Invoices are the customer's latest, newest first, without drafts.
func (c *Client) Invoices(ctx context.Context, customerID string) ([]Invoice, error) {
	params := &stripe.InvoiceListParams{Customer: stripe.String(customerID)}
	params.Context = ctx
	params.Limit = stripe.Int64(shownInvoices)
	params.Single = true // one page
	var invoices []Invoice
	list := c.stripe.Invoices.List(params)
	for list.Next() {
		i := list.Invoice()
		if i.Status == stripe.InvoiceStatusDraft {
			continue
		}
		invoices = append(invoices, Invoice{
			Number: i.Number, At: time.Unix(i.Created, 0).UTC(), Total: Money(i.Total, string(i.Currency)),
			Status: string(i.Status), URL: i.HostedInvoiceURL,
		})
	}
	if err := list.Err(); err != nil && !missing(err) {
		return nil, faultOf(err, "list invoices of %s", customerID)
	}
	return invoices, nil
}
