package portal

import (
	"context"
	"net/http"
	"strconv"

	"irc.now/shared/account"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
	"irc.now/shared/web"
)

const billingPath = "/billing"

// billingRoutes are there only where something is for sale.
func (p *portal) billingRoutes(user func(pattern string, h userHandler)) {
	user("GET "+billingPath, p.showBilling)
	user("GET "+billingPath+"/state", p.showBillingState)
	user("POST "+billingPath+"/order", p.limited(p.placeOrder))
	user("POST "+billingPath+"/manage", p.limited(p.manageBilling))
}

func (p *portal) showBilling(w http.ResponseWriter, r *http.Request, user account.User) error {
	return p.renderBilling(w, r, http.StatusOK, user, nil)
}

// showBillingState is the live part alone, for the script that refreshes it.
func (p *portal) showBillingState(w http.ResponseWriter, r *http.Request, user account.User) error {
	billing, err := p.accounts.BillingOf(r.Context(), user.ID)
	if err != nil {
		return err
	}
	return p.pages.Fragment(w, http.StatusOK, "billing", "billing-standing", standingOf(user, billing, awaited(r)))
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

// placeOrder buys, changes or gives back something. What follows, Stripe tells functions/billing; nothing is given
// here.
func (p *portal) placeOrder(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := web.Form(w, r, formLimit); err != nil {
		return err
	}
	target, err := p.order(r, user)
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.Unavailable:
		return p.renderBilling(w, r, web.Status(err), user, err)
	}
	if err != nil {
		return err
	}
	return leave(w, r, target)
}

func (p *portal) order(r *http.Request, user account.User) (target string, err error) {
	product, known := payment.ParseProduct(r.PostForm.Get("product"))
	quantity, err := strconv.Atoi(r.PostForm.Get("quantity"))
	if !known || err != nil {
		return "", fault.Field("quantity", "Please choose what you want, and how many of it, as a whole number.")
	}
	billing, err := p.customer(r.Context(), user)
	if err != nil {
		return "", err
	}
	done := billingPath + "?after=" + strconv.FormatInt(billing.Version, 10)
	redirect, err := p.payments.Place(r.Context(), payment.Order{
		CustomerID: billing.CustomerID, AccountID: user.ID, Product: product, Quantity: quantity,
		SuccessURL: p.settings.BaseURL.Join(done), CancelURL: p.settings.BaseURL.Join(billingPath),
	})
	if redirect == "" {
		redirect = done
	}
	return redirect, err
}

// customer is the user as Stripe's customer, made at the first order.
func (p *portal) customer(ctx context.Context, user account.User) (account.Billing, error) {
	billing, err := p.accounts.BillingOf(ctx, user.ID)
	if err != nil || billing.CustomerID != "" {
		return billing, err
	}
	id, err := p.payments.CreateCustomer(ctx, user)
	if err != nil {
		return account.Billing{}, err
	}
	// Recorded before anything can be bought, so that every event about it finds whom it is about.
	return p.accounts.LinkCustomer(ctx, user.ID, id)
}

func (p *portal) manageBilling(w http.ResponseWriter, r *http.Request, user account.User) error {
	billing, err := p.customer(r.Context(), user)
	if err != nil {
		return err
	}
	page, err := p.payments.Manage(r.Context(), billing.CustomerID, p.settings.BaseURL.Join(billingPath))
	if fault.Is(err, fault.Unavailable) {
		return p.renderBilling(w, r, web.Status(err), user, err)
	}
	if err != nil {
		return err
	}
	return leave(w, r, page)
}

// leave sends the browser to target, a path of ours or an address that Stripe's API gave.
func leave(w http.ResponseWriter, r *http.Request, target string) error {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}
