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
}

// Offers are the prices of all products, as Stripe has them: what is shown is what will be charged.
func (c *Client) Offers(ctx context.Context) (map[Product]Offer, error) {
	c.mu.Lock()
	offers, asked := c.offers, c.asked
	c.mu.Unlock()
	if offers != nil && time.Since(asked) < offersLast {
		return offers, nil
	}
	offers = map[Product]Offer{}
	for product, id := range c.catalog.sold {
		params := &stripe.PriceParams{}
		params.Context = ctx
		price, err := c.stripe.Prices.Get(id, params)
		if err != nil {
			return nil, faultOf(err, "get price %s", id)
		}
		offers[product] = offerOf(price)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offers, c.asked = offers, time.Now()
	return offers, nil
}

func offerOf(price *stripe.Price) Offer {
	o := Offer{Price: Money(price.UnitAmount, string(price.Currency))}
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
