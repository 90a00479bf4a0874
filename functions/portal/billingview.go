package portal

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"irc.now/shared/account"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
)

// billingPage is what a user has, what there is, and what was paid.
type billingPage struct {
	Standing standingView
	Problem  string // why the order was not carried out
	Away     bool   // Stripe does not answer: no prices, nothing to buy
	Over     *overView
	Left     *leftView // of a bouncer of one's own
	Limits   []limitRow
	Kept     string       // of what was said, by the shared bouncer
	Cluster  bool         // users can have a bouncer of their own
	Plan     *productView // Pro, where it is for sale
	AddOns   []productView
	Hosting  []productView
	Invoices []payment.Invoice
	Customer bool // was one ever: there is something to manage
}

// standingView is where the subscription stands, in words.
type standingView struct {
	Plan    string
	Extras  []string // "Log search", "3 extra bots", "Growth hosting"
	State   string   // of the status dot
	Word    string
	Text    string
	End     *time.Time // goes with Text
	After   int64      // what the page waits for; -1 where it does not wait
	Waiting bool
	Arrived bool // what was waited for is here
}

// productView is something for sale and how many of it the user has.
type productView struct {
	payment.Product
	payment.Offer
	Name     string
	Gives    string
	Have     int
	Most     int // 1 where it is had or not
	Possible bool
}

// limitRow compares one limit.
type limitRow struct{ Name, Free, Pro string }

// overView says what a downgrade left above the limits.
type overView struct {
	Have, Allowed string
	Until         *time.Time
	Passed        bool
}

func (p *portal) renderBilling(w http.ResponseWriter, r *http.Request, status int, user account.User, problem error) error {
	billing, err := p.accounts.BillingOf(r.Context(), user.ID)
	if err != nil {
		return err
	}
	page := billingPage{
		Standing: standingOf(user, billing, awaited(r)), Limits: limits(),
		Kept: scrollbackInWords(account.Holdings{}.Entitlements().Scrollback), Cluster: p.own != nil, Customer: billing.CustomerID != "",
		Left: p.leftOf(r.Context(), user, billing),
		Over: overOf(user, billing, p.bouncers.State(r.Context(), user)),
	}
	if problem != nil {
		page.Problem = fault.Sentence(problem)
	}
	p.addOffers(r, &page, user)
	p.addInvoices(r, &page, billing)
	return p.render(w, r, status, "billing", "Plan and billing", user, page)
}

// stripeDeadline is how long a page waits for what only Stripe knows, before it is shown without.
const stripeDeadline = 4 * time.Second

// addOffers and addInvoices leave out what Stripe does not tell: the rest of the page is worth showing.
func (p *portal) addOffers(r *http.Request, page *billingPage, user account.User) {
	ctx, cancel := context.WithTimeout(r.Context(), p.patience)
	defer cancel()
	offers, err := p.payments.Offers(ctx)
	if err != nil {
		p.log.WarnContext(r.Context(), "no prices", "error", err)
		page.Away = true
		return
	}
	holdings := user.Holdings()
	view := func(product payment.Product) (productView, bool) {
		offer, sold := offers[product]
		return productView{
			Product: product, Offer: offer, Name: product.Title(), Gives: givesInWords(product), Most: 1,
			Have: product.Had(holdings), Possible: !product.Hosting() || user.Entitlements().Networks,
		}, sold
	}
	if plan, sold := view(payment.Pro); sold {
		page.Plan = &plan
	}
	for _, product := range []payment.Product{payment.LogSearch, payment.Bot} {
		if v, sold := view(product); sold {
			if product == payment.Bot {
				v.Most = account.MaxExtraBots
			}
			page.AddOns = append(page.AddOns, v)
		}
	}
	for _, product := range []payment.Product{payment.Starter, payment.Growth} {
		if v, sold := view(product); sold {
			page.Hosting = append(page.Hosting, v)
		}
	}
}

func (p *portal) addInvoices(r *http.Request, page *billingPage, billing account.Billing) {
	if billing.CustomerID == "" || page.Away {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), p.patience)
	defer cancel()
	invoices, err := p.payments.Invoices(ctx, billing.CustomerID)
	if err != nil {
		p.log.WarnContext(r.Context(), "no invoices", "user", billing.AccountID, "error", err)
		page.Away = true
	}
	page.Invoices = invoices
}

// standings say each standing in words. Where a date belongs to it, it follows.
var standings = map[account.Standing]struct{ state, word, text string }{
	account.NeverPaid:  {"off", "Free", "You pay nothing."},
	account.Trial:      {"ok", "Trial", "Your trial ends, and the first payment is due, on"},
	account.Paid:       {"ok", "Paid", "It renews by itself on"},
	account.Ending:     {"busy", "Cancelled", "You keep everything that you paid for until"},
	account.PastDue:    {"bad", "Payment failed", "Your last payment failed and is tried again for some days. You keep everything meanwhile. Choose Manage to use another card."},
	account.Unpaid:     {"bad", "Not paid", "Your payments failed, so what you paid for is switched off. Choose Manage to pay the open invoice, and it is back at once."},
	account.Unfinished: {"off", "Not finished", "Your first payment was not finished. Nothing was charged; you can simply try again."},
	account.Paused:     {"off", "Paused", "Your trial is over and there is no card to charge. Choose Manage to add one."},
	account.Ended:      {"off", "Ended", "Your subscription ended on"},
}

// dated are the standings whose text is followed by the period's end.
func dated(s account.Standing) bool {
	return s == account.Trial || s == account.Paid || s == account.Ending || s == account.Ended
}

func standingOf(user account.User, billing account.Billing, after int64) standingView {
	words := standings[billing.Standing]
	view := standingView{
		Plan: user.Plan.Title(), Extras: extrasOf(user.Holdings()), State: words.state, Word: words.word, Text: words.text,
		After: after, Waiting: after >= 0 && billing.Version <= after, Arrived: after >= 0 && billing.Version > after,
	}
	if dated(billing.Standing) {
		view.End = billing.PeriodEnd
	}
	return view
}

func extrasOf(h account.Holdings) (extras []string) {
	if h.LogSearch {
		extras = append(extras, payment.LogSearch.Title())
	}
	switch {
	case h.ExtraBots == 1:
		extras = append(extras, "1 extra bot")
	case h.ExtraBots > 1:
		extras = append(extras, fmt.Sprintf("%d extra bots", h.ExtraBots))
	}
	if title := h.Hosting.Title(); title != "" {
		extras = append(extras, title+" hosting")
	}
	return extras
}

// overOf is nil where nothing is above the limits, or the bouncer is away and nobody can tell.
func overOf(user account.User, billing account.Billing, state bouncerState) *overView {
	allowed := user.Entitlements().UpstreamNetworks
	if !state.Up() || allowed == account.Unlimited || len(state.Networks) <= allowed {
		return nil
	}
	return &overView{
		Have: networksInWords(len(state.Networks)), Allowed: networksInWords(allowed), Until: billing.KeepUntil,
		Passed: billing.KeepUntil != nil && time.Now().After(*billing.KeepUntil),
	}
}

// givesInWords says what a product gives by comparing what is allowed with it and without.
func givesInWords(product payment.Product) string {
	// Everything else that is bought is bought with Pro or beside it.
	before := payment.Pro.Give(account.Holdings{}, 1)
	if product == payment.Pro {
		before = account.Holdings{}
	}
	was, is := before.Entitlements(), product.Give(before, 1).Entitlements()
	switch {
	case product == payment.Pro:
		return networksInWords(is.UpstreamNetworks) + "; " + scrollbackInWords(is.Scrollback)
	case is.HostedNetworks > 0:
		return fmt.Sprintf("%s of your own for up to %d people, and %d more bots",
			networksInWords(is.HostedNetworks), is.NetworkUsers, is.Bots-was.Bots)
	case is.LogSearch:
		return "Find what was said in everything your bouncer keeps"
	default:
		return "Each runs one more script of yours"
	}
}

// limits compares what the plans give.
func limits() []limitRow {
	free, pro := account.Holdings{}.Entitlements(), payment.Pro.Give(account.Holdings{}, 1).Entitlements()
	row := func(name string, show func(account.Entitlements) string) limitRow {
		return limitRow{name, show(free), show(pro)}
	}
	return []limitRow{
		row("Networks", func(e account.Entitlements) string { return networksInWords(e.UpstreamNetworks) }),
		row("Scrollback", func(e account.Entitlements) string { return scrollbackInWords(e.Scrollback) }),
		row("Bouncer", func(e account.Entitlements) string { return bouncerInWords(e.DedicatedBouncers) }),
		row("Host name of your own", func(e account.Entitlements) string { return yesNo(e.CustomHostname) }),
		row("May host IRC networks", func(e account.Entitlements) string { return yesNo(e.Networks) }),
		row("Bots", func(e account.Entitlements) string { return countInWords(e.Bots) }),
		row("Pastes", func(e account.Entitlements) string { return countInWords(e.Pastes) }),
		row("Pastes are kept", func(e account.Entitlements) string { return lifetimeInWords(e.PasteLifetime) }),
		row("Images", func(e account.Entitlements) string { return bytesInWords(e.ImageBytes) }),
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
