// Package billing is the portal's part for plans, add-ons and what was paid. It gives nothing itself: it leads to Stripe, and
// functions/billing writes what Stripe says has become of it.
package billing

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"irc.now/functions/portal/dedicated"
	"irc.now/functions/portal/page"
	"irc.now/functions/portal/state"
	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
	"irc.now/shared/web"
)

//go:embed pages/*.html
var files embed.FS

// Path is the area's page.
const Path = "/billing"

// Area is the pages of billing. All fields but Dedicated and Patience are needed.
type Area struct {
	Log       *slog.Logger
	Pages     *page.Pages
	Accounts  *account.Store
	States    *state.Cache
	Payments  *payment.Client
	Dedicated *dedicated.Bouncers // nil where users cannot have one
	BaseURL   config.URL          // where people reach the portal
	Patience  time.Duration       // optional; how long a page waits for Stripe
}

// Templates holds the area's pages.
func (a *Area) Templates() fs.FS { return files }

// Navigation is the area's entry.
func (a *Area) Navigation() design.Link { return design.Link{Text: "Billing", URL: Path} }

// Routes registers the area's routes.
func (a *Area) Routes(r *page.Router) {
	r.User("GET "+Path, a.showBilling)
	r.User("GET "+Path+"/state", a.showStanding)
	r.Change("POST "+Path+"/order", a.placeOrder)
	r.Change("POST "+Path+"/manage", a.manageBilling)
}

// GET /billing shows what the user has, what there is, and what was paid.
func (a *Area) showBilling(w http.ResponseWriter, r *http.Request, user account.User) error {
	return a.render(w, r, http.StatusOK, user, nil)
}

// GET /billing/state is the live part alone, for the script that refreshes it.
func (a *Area) showStanding(w http.ResponseWriter, r *http.Request, user account.User) error {
	billing, err := a.Accounts.BillingOf(r.Context(), user.ID)
	if err != nil {
		return err
	}
	return a.Pages.Fragment(w, "billing", "billing-standing", standingOf(user, billing, awaited(r)))
}

// awaited is the version that the billing had when something was ordered; -1 where nothing was. Whatever a stranger
// writes there, the page only shows the user's own state or says that it waits.
func awaited(r *http.Request) int64 {
	version, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil || version < 0 {
		return -1
	}
	return version
}

// POST /billing/order buys, changes or gives back something. What follows, Stripe tells functions/billing; nothing is given
// here.
func (a *Area) placeOrder(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := page.Form(w, r); err != nil {
		return err
	}
	target, err := a.order(r, user)
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.Unavailable:
		return a.render(w, r, web.Status(err), user, err)
	default: // nil, too: KindOf(nil) is Internal
	}
	if err != nil {
		return err
	}
	return leave(w, r, target)
}

func (a *Area) order(r *http.Request, user account.User) (target string, err error) {
	product, known := payment.ParseProduct(r.PostForm.Get("product"))
	quantity, err := strconv.Atoi(r.PostForm.Get("quantity"))
	if !known || err != nil {
		return "", fault.Field("quantity", "Please choose what you want, and how many of it, as a whole number.")
	}
	billing, err := a.customer(r.Context(), user)
	if err != nil {
		return "", err
	}
	done := Path + "?after=" + strconv.FormatInt(billing.Version, 10)
	redirect, err := a.Payments.Place(r.Context(), payment.Order{
		CustomerID: billing.CustomerID, AccountID: user.ID, Product: product, Quantity: quantity,
		SuccessURL: a.BaseURL.Join(done), CancelURL: a.BaseURL.Join(Path),
	})
	if redirect == "" {
		redirect = done
	}
	return redirect, err
}

// customer is the user as Stripe's customer, made at the first order.
func (a *Area) customer(ctx context.Context, user account.User) (account.Billing, error) {
	billing, err := a.Accounts.BillingOf(ctx, user.ID)
	if err != nil || billing.CustomerID != "" {
		return billing, err
	}
	id, err := a.Payments.CreateCustomer(ctx, user)
	if err != nil {
		return account.Billing{}, err
	}
	// Recorded before anything can be bought, so that every event about it finds whom it is about.
	return a.Accounts.LinkCustomer(ctx, user.ID, id)
}

// POST /billing/manage leads to where the user looks after cards, invoices and the subscription.
func (a *Area) manageBilling(w http.ResponseWriter, r *http.Request, user account.User) error {
	billing, err := a.customer(r.Context(), user)
	if err != nil {
		return err
	}
	address, err := a.Payments.Manage(r.Context(), billing.CustomerID, a.BaseURL.Join(Path))
	if fault.Is(err, fault.Unavailable) {
		return a.render(w, r, web.Status(err), user, err)
	}
	if err != nil {
		return err
	}
	return leave(w, r, address)
}

// leave sends the browser to target, a path of ours or an address that Stripe's API gave.
func leave(w http.ResponseWriter, r *http.Request, target string) error {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, target, http.StatusSeeOther) //nolint:gosec // see above: nothing of the request is in it
	return nil
}
