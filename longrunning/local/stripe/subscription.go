package stripe

import (
	"maps"
	"slices"
)

func (s *Server) listSubscriptions(st *state, _ string, f *form) (any, error) {
	customerID := f.text("customer")
	status := f.oneOf("status", "all", "active", "past_due", "unpaid", "canceled", "incomplete", "incomplete_expired",
		"trialing", "paused", "ended")
	var found []*subscription
	for _, sub := range st.Subscriptions {
		wanted := status == "all" || status == sub.Status || status == "" && !sub.ended() || status == "ended" && sub.ended()
		if wanted && (customerID == "" || sub.Customer == customerID) {
			found = append(found, sub)
		}
	}
	result := page(f, "/v1/subscriptions", found, func(sub *subscription) string { return sub.ID })
	return result, f.check()
}

// createSubscription is what somebody does by hand in Stripe's dashboard: a second subscription beside the one of the
// checkout, or one to something else altogether. It is paid by the card on file.
func (s *Server) createSubscription(st *state, _ string, f *form) (any, error) {
	o := &openSession{Session: session{Customer: f.required("customer")}, Metadata: f.metadata("metadata")}
	for _, prefix := range f.entries("items") {
		l := orderLine{Price: f.required(prefix + "[price]"), Quantity: f.number(prefix+"[quantity]", 1)}
		if _, known := s.prices[l.Price]; !known {
			f.fail(noSuchIn(prefix+"[price]", "price", l.Price))
		}
		o.Lines = append(o.Lines, l)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	if err := st.checkCustomer(o.Session.Customer); err != nil {
		return nil, err
	}
	sub := s.newSubscription(o)
	st.Subscriptions = append(st.Subscriptions, sub)
	s.emit(st, "customer.subscription.created", sub)
	s.payInvoice(st, s.bill(st, sub, sub.total(), "subscription_create"))
	return sub, nil
}

func (s *Server) getSubscription(st *state, id string, f *form) (any, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if sub := st.subscription(id); sub != nil {
		return sub, nil
	}
	return nil, noSuch("subscription", id)
}

func (s *Server) cancelSubscription(st *state, id string, f *form) (any, error) {
	sub := st.subscription(id)
	switch {
	case sub == nil, sub.ended():
		return nil, noSuch("subscription", id)
	case f.check() != nil:
		return nil, f.check()
	}
	s.end(st, sub)
	return sub, nil
}

// updateSubscription changes lines and cancellation. It works on a copy: a call that fails changes nothing.
func (s *Server) updateSubscription(st *state, id string, f *form) (any, error) {
	sub := st.subscription(id)
	if sub == nil {
		return nil, noSuch("subscription", id)
	}
	changed := *sub
	changed.Items.Data, changed.Metadata = slices.Clone(sub.Items.Data), maps.Clone(sub.Metadata)
	if f.has("cancel_at_period_end") {
		s.cancelAtEnd(&changed, f.yes("cancel_at_period_end"))
	}
	for _, prefix := range f.entries("items") {
		s.updateItem(&changed, f, prefix)
	}
	whole := f.expands("latest_invoice")
	proration := f.oneOf("proration_behavior", "always_invoice", "create_prorations", "none")
	behaviour := f.oneOf("payment_behavior", "allow_incomplete", "default_incomplete", "error_if_incomplete",
		"pending_if_incomplete")
	for key, value := range f.metadata("metadata") {
		changed.Metadata[key] = value
	}
	if len(changed.Items.Data) == 0 {
		f.fail(invalid("items", "", "A subscription must have at least one active plan."))
	}
	s.checkUpdate(sub, &changed, f)
	if err := f.check(); err != nil {
		return nil, err
	}
	waits, err := s.prorate(st, sub, &changed, proration, behaviour)
	if err != nil {
		return nil, err
	}
	if !waits {
		*sub = changed
	}
	s.emit(st, "customer.subscription.updated", sub)
	if whole {
		return expanded{*sub, st.invoice(sub.LatestInvoice)}, nil
	}
	return sub, nil
}

// checkUpdate refuses what the present subscription, or the one to be, does not allow.
func (s *Server) checkUpdate(sub, changed *subscription, f *form) {
	if sub.ended() {
		f.fail(invalid("", "", "A canceled subscription can only update its cancellation_details and metadata."))
	}
	if sub.Schedule != nil {
		f.fail(invalid("", "", "The subscription is managed by the subscription schedule `%s`, and updating it directly is not allowed.", *sub.Schedule))
	}
	for _, item := range changed.Items.Data {
		if item.Price.Recurring.Interval != changed.interval() {
			f.fail(invalid("items", "", "Currency and interval fields must match across all plans on this subscription."))
		}
	}
}

func (s *Server) updateItem(sub *subscription, f *form, prefix string) {
	id, priceID := f.text(prefix+"[id]"), f.text(prefix+"[price]")
	quantity, gone := f.number(prefix+"[quantity]", -1), f.yes(prefix+"[deleted]")
	if _, known := s.prices[priceID]; priceID != "" && !known {
		f.fail(noSuchIn(prefix+"[price]", "price", priceID))
		return
	}
	at := slices.IndexFunc(sub.Items.Data, func(item subItem) bool { return item.ID == id })
	switch {
	case id == "":
		s.addItem(sub, f, prefix, priceID, quantity)
	case at < 0:
		f.fail(noSuchIn(prefix+"[id]", "subscription_item", id))
	case gone:
		sub.Items.Data = slices.Delete(sub.Items.Data, at, at+1)
	default:
		if priceID != "" {
			sub.Items.Data[at].Price = s.prices[priceID]
		}
		if quantity >= 0 {
			sub.Items.Data[at].Quantity = quantity
		}
	}
}

func (s *Server) addItem(sub *subscription, f *form, prefix, priceID string, quantity int64) {
	if priceID == "" {
		f.fail(invalid(prefix+"[price]", "parameter_missing", "Missing required param: %s[price].", prefix))
		return
	}
	for _, item := range sub.Items.Data {
		if item.Price.ID == priceID {
			f.fail(invalid(prefix+"[price]", "", "Cannot add multiple subscription items with the same plan: %s", priceID))
			return
		}
	}
	if quantity < 0 {
		quantity = 1
	}
	sub.Items.Data = append(sub.Items.Data, s.newItem(sub, priceID, quantity))
}

// prorate bills what the rest of the period costs more, or credits what it costs less. waits is true where before is to
// stay until the bill is paid.
func (s *Server) prorate(st *state, before, after *subscription, proration, behaviour string) (waits bool, err error) {
	difference := after.total() - before.total()
	if difference == 0 || proration == "none" {
		return false, nil
	}
	period := max(after.CurrentPeriodEnd-after.CurrentPeriodStart, 1)
	amount := difference * max(after.CurrentPeriodEnd-s.now(), 0) / period
	if proration != "always_invoice" || amount <= 0 {
		st.Credits[after.ID] -= amount
		return false, nil
	}
	switch card := st.Cards[after.Customer]; {
	case card == cardNone:
		return false, noCard()
	case card == cardAsks && behaviour == "error_if_incomplete":
		return false, requiresAction()
	case card == cardDeclined && behaviour == "error_if_incomplete":
		return false, declined()
	case card != cardWorks && behaviour == "pending_if_incomplete":
		inv := s.bill(st, after, amount, "subscription_update")
		before.PendingUpdate = &pending{ExpiresAt: s.now() + pendingLasts, Items: after.Items.Data}
		before.LatestInvoice = &inv.ID
		s.failInvoice(st, inv)
		return true, nil
	case card != cardWorks:
		s.failInvoice(st, s.bill(st, after, amount, "subscription_update"))
		after.Status = "past_due"
		return false, nil
	}
	s.payInvoice(st, s.bill(st, after, amount, "subscription_update"))
	return false, nil
}

// pendingLasts is how long a change waits to be paid, in seconds.
const pendingLasts = 23 * 60 * 60

// settle makes true what waited for the invoice to be paid.
func (s *Server) settle(st *state, inv *invoice) {
	sub := st.subscription(inv.Subscription)
	switch {
	case sub == nil || sub.ended():
	case sub.PendingUpdate != nil && sub.LatestInvoice != nil && *sub.LatestInvoice == inv.ID:
		sub.Items.Data, sub.PendingUpdate = sub.PendingUpdate.Items, nil
		s.emit(st, "customer.subscription.pending_update_applied", sub)
		s.emit(st, "customer.subscription.updated", sub)
	case sub.Status != "active" && st.openInvoice(sub.ID) == nil:
		sub.Status = "active"
		s.emit(st, "customer.subscription.updated", sub)
	}
}

func (s *Server) cancelAtEnd(sub *subscription, on bool) {
	sub.CancelAtPeriodEnd = on
	sub.CancelAt, sub.CanceledAt = nil, nil
	if on {
		at, end := s.now(), sub.CurrentPeriodEnd
		sub.CancelAt, sub.CanceledAt = &end, &at
	}
}

// end cancels at once.
func (s *Server) end(st *state, sub *subscription) {
	at := s.now()
	sub.Status, sub.EndedAt = "canceled", &at
	if sub.CanceledAt == nil {
		sub.CanceledAt = &at
	}
	s.emit(st, "customer.subscription.deleted", sub)
}

// renew lets the period end: the next one is billed, or the subscription ends if that was asked for.
func (s *Server) renew(st *state, sub *subscription) {
	if sub.CancelAtPeriodEnd {
		s.end(st, sub)
		return
	}
	sub.CurrentPeriodStart, sub.CurrentPeriodEnd = sub.CurrentPeriodEnd, sub.periodEnd(sub.CurrentPeriodEnd)
	inv := s.bill(st, sub, sub.total(), "subscription_cycle")
	if st.Cards[sub.Customer] != cardWorks {
		s.failInvoice(st, inv)
		sub.Status = "past_due"
	} else {
		s.payInvoice(st, inv)
	}
	s.emit(st, "customer.subscription.updated", sub)
}

// giveUp is what Stripe does when the last try to collect a payment failed.
func (s *Server) giveUp(st *state, sub *subscription) {
	sub.Status = "unpaid"
	s.emit(st, "customer.subscription.updated", sub)
}

// payOpen pays what is open with a card that works.
func (s *Server) payOpen(st *state, sub *subscription) {
	delete(st.Cards, sub.Customer)
	for inv := st.openInvoice(sub.ID); inv != nil; inv = st.openInvoice(sub.ID) {
		s.payInvoice(st, inv)
		s.settle(st, inv)
	}
	sub.Status = "active"
	s.emit(st, "customer.subscription.updated", sub)
}
