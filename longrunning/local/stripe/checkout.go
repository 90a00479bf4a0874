package stripe

import (
	"net/url"
	"slices"
	"strings"
)

// checkoutLasts is how long a checkout stays open, in seconds.
const checkoutLasts = 24 * 60 * 60

func (s *Server) createSession(st *state, _ string, f *form) (any, error) {
	o := &openSession{Metadata: f.metadata("subscription_data[metadata]"), Session: session{
		ID: newID("cs_test"), Object: "checkout.session", Created: s.now(), ExpiresAt: s.now() + checkoutLasts,
		Mode: f.required("mode"), Customer: f.required("customer"), Metadata: f.metadata("metadata"),
		SuccessURL: f.required("success_url"), CancelURL: f.text("cancel_url"),
		PaymentStatus: "unpaid", Status: "open",
	}}
	if f.has("client_reference_id") {
		reference := f.text("client_reference_id")
		o.Session.ClientReferenceID = &reference
	}
	s.readLines(o, f)
	readTerms(f, o.Session.Customer)
	if o.Session.Mode != "subscription" {
		f.fail(invalid("mode", "", "The stand-in sells subscriptions only."))
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	if err := st.checkCustomer(o.Session.Customer); err != nil {
		return nil, err
	}
	address := s.config.URL.Join("/c/pay/" + o.Session.ID)
	o.Session.URL = &address
	st.Sessions[o.Session.ID] = o
	return o.Session, nil
}

func (s *Server) readLines(o *openSession, f *form) {
	for _, prefix := range f.entries("line_items") {
		l := orderLine{Price: f.required(prefix + "[price]"), Quantity: f.number(prefix+"[quantity]", 1)}
		switch p, ok := s.prices[l.Price]; {
		case !ok:
			f.fail(noSuchIn(prefix+"[price]", "price", l.Price))
		case !p.Active:
			f.fail(invalid(prefix+"[price]", "", "The price specified is inactive. This field only accepts active prices."))
		}
		o.Lines = append(o.Lines, l)
	}
	if len(o.Lines) == 0 {
		f.fail(invalid("line_items", "parameter_missing", "Missing required param: line_items."))
	}
}

// readTerms takes what changes nothing here: nobody is asked for an address or a code, and there is no tax.
func readTerms(f *form, customer string) {
	if f.yes("automatic_tax[enabled]") && f.oneOf("customer_update[address]", "auto", "never") != "auto" && customer != "" {
		f.fail(invalid("automatic_tax", "customer_tax_location_invalid",
			"Automatic tax calculation in Checkout requires a valid address on the Customer. Set customer_update[address] to auto."))
	}
	f.yes("allow_promotion_codes")
}

func (s *Server) listSessions(st *state, _ string, f *form) (any, error) {
	customerID, status := f.text("customer"), f.oneOf("status", "open", "complete", "expired")
	var found []session
	for _, o := range st.Sessions {
		if (customerID == "" || o.Session.Customer == customerID) && (status == "" || o.Session.Status == status) {
			found = append(found, o.Session)
		}
	}
	slices.SortFunc(found, func(a, b session) int {
		return int(a.Created-b.Created)*2 + strings.Compare(a.ID, b.ID)
	})
	result := page(f, "/v1/checkout/sessions", found, func(o session) string { return o.ID })
	return result, f.check()
}

func (s *Server) getSession(st *state, id string, f *form) (any, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	o, ok := st.Sessions[id]
	if !ok {
		return nil, noSuch("checkout.session", id)
	}
	return o.Session, nil
}

func (s *Server) expireSession(st *state, id string, f *form) (any, error) {
	o, ok := st.Sessions[id]
	switch {
	case !ok:
		return nil, noSuch("checkout.session", id)
	case f.check() != nil:
		return nil, f.check()
	case o.Session.Status != "open":
		return nil, invalid("", "", "Only Checkout Sessions with a status in [\"open\"] can be expired.")
	}
	o.Session.Status, o.Session.URL = "expired", nil
	s.emit(st, "checkout.session.expired", o.Session)
	return o.Session, nil
}

// pay completes a checkout: what pressing "Pay" does. It returns where the browser goes.
func (s *Server) pay(st *state, o *openSession) string {
	sub := s.newSubscription(o)
	st.Subscriptions = append(st.Subscriptions, sub)
	delete(st.Cards, sub.Customer)
	s.emit(st, "customer.subscription.created", sub)
	inv := s.bill(st, sub, sub.total(), "subscription_create")
	s.payInvoice(st, inv)
	o.Session.Status, o.Session.PaymentStatus = "complete", "paid"
	o.Session.Subscription, o.Session.URL = &sub.ID, nil
	s.emit(st, "checkout.session.completed", o.Session)
	return strings.ReplaceAll(o.Session.SuccessURL, "{CHECKOUT_SESSION_ID}", url.QueryEscape(o.Session.ID))
}

func (s *Server) newSubscription(o *openSession) *subscription {
	now := s.now()
	sub := &subscription{
		ID: newID("sub"), Object: "subscription", CollectionMethod: "charge_automatically", Created: now, Currency: "usd",
		CurrentPeriodStart: now, Customer: o.Session.Customer, Metadata: o.Metadata, StartDate: now, Status: "active",
	}
	var items []subItem
	for _, l := range o.Lines {
		items = append(items, s.newItem(sub, l.Price, l.Quantity))
	}
	sub.Items = listOf("/v1/subscription_items?subscription="+sub.ID, items)
	sub.CurrentPeriodEnd = sub.periodEnd(now)
	return sub
}

func (s *Server) newItem(sub *subscription, priceID string, quantity int64) subItem {
	return subItem{
		ID: newID("si"), Object: "subscription_item", Created: s.now(), Metadata: metadata{},
		Price: s.prices[priceID], Quantity: quantity, Subscription: sub.ID,
	}
}
