package billing

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"irc.now/functions/portal/dedicated"
	"irc.now/functions/portal/fragment"
	"irc.now/functions/portal/page"
	"irc.now/functions/portal/words"
	"irc.now/shared/account"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
)

// billingPage is what a user has, what there is, and what was paid.
type billingPage struct {
	Standing standingView
	Problem  string // why the order was not carried out
	Away     bool   // Stripe does not answer: no prices, nothing to buy
	Over     *fragment.OverQuota
	Left     *left // of a dedicated bouncer
	Limits   []limitRow
	Kept     string       // of what was said, by the shared bouncer
	Cluster  bool         // users can have a dedicated bouncer
	Plan     *productView // Pro, where it is for sale
	AddOns   []productView
	Hosting  []productView
	Invoices []payment.Invoice
	Open     *payment.Invoice // the newest that waits to be paid, or confirmed at the bank
	Customer bool             // was one ever: there is something to manage
	Back     []reversalView   // money that went back
	Disputed bool             // a payment is, and not decided yet
}

// reversalView is money that went back, in words.
type reversalView struct {
	What  string
	Word  string
	State string // of the status dot
	At    time.Time
}

// reversals say each status in words.
var reversals = map[account.ReversalStatus]struct{ what, state, word string }{
	account.Part:  {"Refund", "ok", "given back"},
	account.Whole: {"Refund of a whole payment", "ok", "given back"},
	account.Open:  {"Disputed payment", "busy", "your bank looks into it"},
	account.Won:   {"Disputed payment", "ok", "the payment stands"},
	account.Lost:  {"Disputed payment", "off", "the payment went back to you"},
}

// standingView is where the subscription stands, in words.
type standingView struct {
	Plan    string
	Extras  []string // "Log search", "3 extra bots", "Growth hosting"
	State   string   // of the status dot
	Word    string
	Text    string
	End     *time.Time // goes with Text
	Outcome string     // of what the page waits for
	Wait    string     // the query of a page that waits for the same
	Waiting bool
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

func (a *Area) render(w http.ResponseWriter, r *http.Request, status int, user account.User, problem error) error {
	user, billing, err := a.payer(r, user)
	if err != nil {
		return err
	}
	back, err := a.Accounts.ReversalsOf(r.Context(), user.ID)
	if err != nil {
		return err
	}
	body := billingPage{
		Disputed: disputed(back),
		Standing: a.standing(r, user, billing), Limits: limits(a.Dedicated != nil),
		Kept: words.Scrollback(account.Holdings{}.Entitlements().Scrollback), Cluster: a.Dedicated != nil, Customer: billing.CustomerID != "",
		Left: a.leftOf(r.Context(), user, billing),
		Over: fragment.OverQuotaOf(user, billing, a.States.Of(r.Context(), user)),
	}
	if problem != nil {
		body.Problem = fault.Sentence(problem)
	}
	for _, reversal := range back {
		words := reversals[reversal.Status]
		body.Back = append(body.Back, reversalView{
			What: words.what + ": " + payment.Money(reversal.Amount, reversal.Currency), Word: words.word, State: words.state, At: reversal.UpdatedAt,
		})
	}
	a.addOffers(r, &body, user)
	a.addInvoices(r, &body, billing)
	return a.Pages.Render(w, r, user, page.View{Name: "billing", Title: "Plan and billing", Status: status, Live: true, Body: body})
}

// left is what a downgrade left of a dedicated bouncer, for the page on which the plan is bought again.
type left struct {
	Ends    *dedicated.End
	Stopped bool
}

// leftOf is nil where there is nothing left, or the cluster does not tell.
func (a *Area) leftOf(ctx context.Context, user account.User, billing account.Billing) *left {
	covered := dedicated.CoverageOf(user, billing)
	if a.Dedicated == nil || covered.Allowed {
		return nil
	}
	found, err := a.Dedicated.Find(ctx, user.Handle)
	if err != nil || found == nil {
		return nil
	}
	l := &left{Ends: covered.EndOf(found), Stopped: found.Spec.OverPlan && found.DeletionTimestamp == nil}
	if l.Ends == nil && !l.Stopped {
		return nil
	}
	return l
}

// stripeDeadline is how long a page waits for what only Stripe knows, before it is shown without.
const stripeDeadline = 4 * time.Second

func (a *Area) patience() time.Duration {
	if a.Patience == 0 {
		return stripeDeadline
	}
	return a.Patience
}

// addOffers and addInvoices leave out what Stripe does not tell: the rest of the page is worth showing.
func (a *Area) addOffers(r *http.Request, body *billingPage, user account.User) {
	ctx, cancel := context.WithTimeout(r.Context(), a.patience())
	defer cancel()
	offers, err := a.Payments.Offers(ctx)
	if err != nil {
		a.Log.WarnContext(r.Context(), "no prices", "error", err)
		body.Away = true
		return
	}
	holdings := user.Holdings()
	view := func(product payment.Product) (productView, bool) {
		offer, sold := offers[product]
		return productView{
			Product: product, Offer: offer, Name: product.Title(), Gives: givesInWords(product, a.Dedicated != nil), Most: 1,
			Have: product.Had(holdings), Possible: !product.Hosting() || user.Entitlements().Networks,
		}, sold
	}
	if plan, sold := view(payment.Pro); sold {
		body.Plan = &plan
	}
	for _, product := range []payment.Product{payment.LogSearch, payment.Bot} {
		if v, sold := view(product); sold {
			if product == payment.Bot {
				v.Most = account.MaxExtraBots
			}
			body.AddOns = append(body.AddOns, v)
		}
	}
	for _, product := range []payment.Product{payment.Starter, payment.Growth} {
		if v, sold := view(product); sold {
			body.Hosting = append(body.Hosting, v)
		}
	}
}

func (a *Area) addInvoices(r *http.Request, body *billingPage, billing account.Billing) {
	if billing.CustomerID == "" || body.Away {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.patience())
	defer cancel()
	invoices, err := a.Payments.Invoices(ctx, billing.CustomerID)
	if err != nil {
		a.Log.WarnContext(r.Context(), "no invoices", "user", billing.AccountID, "error", err)
		body.Away = true
	}
	body.Invoices = invoices
	if at := slices.IndexFunc(invoices, func(i payment.Invoice) bool { return i.Status == "open" && i.URL != "" }); at >= 0 {
		body.Open = &invoices[at]
	}
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

func (a *Area) standing(r *http.Request, user account.User, billing account.Billing) standingView {
	words, w := standings[billing.Standing], waitOf(r)
	view := standingView{
		Plan: user.Plan.Title(), Extras: extrasOf(user.Holdings()), State: words.state, Word: words.word, Text: words.text,
		Outcome: a.outcome(r, user, billing, w), Wait: w.query(),
	}
	view.Waiting = view.Outcome == awaited
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
