package billing

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"irc.now/functions/portal/page"
	"irc.now/shared/account"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
	"irc.now/shared/web"
)

// wish is what somebody wants to have: that many of the product in all.
type wish struct {
	product  payment.Product
	quantity int
	yearly   bool
}

func wishOf(form url.Values) (wish, error) {
	product, known := payment.ParseProduct(form.Get("product"))
	quantity, err := strconv.Atoi(form.Get("quantity"))
	if !known || err != nil {
		return wish{}, fault.Field("quantity", "Please choose what you want, and how many of it, as a whole number.")
	}
	return wish{product, quantity, form.Get("yearly") == "yes"}, nil
}

// fulfilled reports whether the user has it, as far as we know.
func (w wish) fulfilled(user account.User) bool { return w.product.Had(user.Holdings()) == w.quantity }

// POST /billing/order buys, changes or gives back something. What follows, Stripe tells functions/billing; nothing is given
// here.
func (a *Area) placeOrder(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := page.Form(w, r); err != nil {
		return err
	}
	wanted, err := wishOf(r.PostForm)
	if err != nil {
		return a.render(w, r, web.Status(err), user, err)
	}
	placed, err := a.order(r.Context(), user, wanted)
	switch {
	case err != nil:
		return a.refuse(w, r, user, err)
	case placed.Redirect != "":
		return leave(w, r, placed.Redirect)
	case !placed.Changed && wanted.fulfilled(user):
		return a.Pages.Inform(w, r, Path, "Nothing has changed: you have what you asked for already, and nothing was charged.")
	default:
		return a.await(w, r, user)
	}
}

// disputed reports whether a payment is, and nobody has decided yet.
func disputed(back []account.Reversal) bool {
	return slices.ContainsFunc(back, func(r account.Reversal) bool { return r.Status == account.Open })
}

// refuse shows why something was not done where that is no fault of ours. What Stripe said goes to the log.
func (a *Area) refuse(w http.ResponseWriter, r *http.Request, user account.User, problem error) error {
	level := slog.LevelInfo
	switch fault.KindOf(problem) {
	case fault.Invalid, fault.Conflict:
	case fault.Unavailable:
		level = slog.LevelWarn
	default:
		return problem
	}
	a.Log.Log(r.Context(), level, "billing: not done", "user", user.ID, "error", problem)
	return a.render(w, r, web.Status(problem), user, problem)
}

func (a *Area) order(ctx context.Context, user account.User, wanted wish) (placed payment.Placed, err error) {
	reversals, err := a.Accounts.ReversalsOf(ctx, user.ID)
	if err != nil {
		return payment.Placed{}, err
	}
	if disputed(reversals) && wanted.quantity > wanted.product.Had(user.Holdings()) {
		return payment.Placed{}, fault.New(fault.Conflict,
			"A payment of yours is disputed at your bank. Once that is decided you can buy more; you can give things back at any time.")
	}
	back := url.Values{"product": {string(wanted.product)}, "quantity": {strconv.Itoa(wanted.quantity)}}
	err = a.asCustomer(ctx, user, func(customerID string) (err error) {
		placed, err = a.Payments.Place(ctx, payment.Order{
			CustomerID: customerID, AccountID: user.ID, Product: wanted.product, Quantity: wanted.quantity, Yearly: wanted.yearly,
			SuccessURL: a.BaseURL.Join(backPath + "?" + back.Encode()), CancelURL: a.BaseURL.Join(Path),
		})
		return err
	})
	return placed, err
}

// asCustomer does something as Stripe's customer that the user is. Where Stripe has deleted that one, it makes the user a
// new one and does it again.
func (a *Area) asCustomer(ctx context.Context, user account.User, do func(customerID string) error) error {
	billing, err := a.customer(ctx, user)
	if err != nil {
		return err
	}
	err = do(billing.CustomerID)
	if !errors.Is(err, payment.ErrNoCustomer) {
		return err
	}
	gone := billing.CustomerID
	id, err := a.Payments.CreateCustomer(ctx, user, gone)
	if err != nil {
		return err
	}
	if billing, err = a.Accounts.ReplaceCustomer(ctx, user.ID, gone, id); err != nil {
		return err
	}
	a.wake()
	a.Log.WarnContext(ctx, "a customer was deleted at Stripe", "user", user.ID, "gone", gone, "customer", billing.CustomerID)
	return do(billing.CustomerID)
}

// customer is the user as Stripe's customer, made at the first order.
func (a *Area) customer(ctx context.Context, user account.User) (account.Billing, error) {
	billing, err := a.Accounts.BillingOf(ctx, user.ID)
	if err != nil || billing.CustomerID != "" {
		return billing, err
	}
	id, err := a.Payments.CreateCustomer(ctx, user, "")
	if err != nil {
		return account.Billing{}, err
	}
	// Recorded before anything can be bought, so that every event about it finds whom it is about.
	return a.Accounts.LinkCustomer(ctx, user.ID, id)
}

// POST /billing/manage leads to where the user looks after cards, invoices and the subscription.
func (a *Area) manageBilling(w http.ResponseWriter, r *http.Request, user account.User) error {
	var address string
	err := a.asCustomer(r.Context(), user, func(customerID string) (err error) {
		address, err = a.Payments.Manage(r.Context(), customerID, a.BaseURL.Join(Path))
		return err
	})
	if err != nil {
		return a.refuse(w, r, user, err)
	}
	return leave(w, r, address)
}

func (a *Area) wake() {
	if a.Relay != nil {
		a.Relay.Wake()
	}
}

// leave sends the browser to target, a path of ours or an address that Stripe's API gave: nothing of the request is in it.
func leave(w http.ResponseWriter, r *http.Request, target string) error {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}
