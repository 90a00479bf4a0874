package stripe

import "fmt"

// bill makes an open invoice of amount, less the credit there is.
func (s *Server) bill(st *state, sub *subscription, amount int64, reason string) *invoice {
	amount -= st.Credits[sub.ID]
	delete(st.Credits, sub.ID)
	if amount < 0 {
		st.Credits[sub.ID], amount = -amount, 0
	}
	inv := &invoice{
		ID: newID("in"), Object: "invoice", AmountDue: amount, BillingReason: reason, Created: s.now(), Currency: "usd",
		Customer: sub.Customer, Number: fmt.Sprintf("LOCAL-%04d", len(st.Invoices)+1), Status: "open",
		Subscription: sub.ID, Total: amount,
	}
	inv.HostedInvoiceURL = s.config.URL.Join("/i/" + inv.ID)
	var lines []line
	for _, item := range sub.Items.Data {
		lines = append(lines, line{
			ID: newID("il"), Object: "line_item", Amount: item.Price.UnitAmount * item.Quantity, Currency: "usd",
			Description: fmt.Sprintf("%d × %s", item.Quantity, item.Price.Nickname),
		})
	}
	inv.Lines = listOf("/v1/invoices/"+inv.ID+"/lines", lines)
	st.Invoices = append(st.Invoices, inv)
	sub.LatestInvoice = &inv.ID
	s.emit(st, "invoice.created", inv)
	s.emit(st, "invoice.finalized", inv)
	return inv
}

func (s *Server) payInvoice(st *state, inv *invoice) {
	inv.Status, inv.Paid, inv.AmountPaid = "paid", true, inv.AmountDue
	inv.AttemptCount++
	s.charge(st, inv)
	s.emit(st, "invoice.paid", inv)
	s.emit(st, "invoice.payment_succeeded", inv)
}

func (s *Server) failInvoice(st *state, inv *invoice) {
	inv.AttemptCount++
	s.emit(st, "invoice.payment_failed", inv)
}

func (s *Server) listInvoices(st *state, _ string, f *form) (any, error) {
	customerID, subID := f.text("customer"), f.text("subscription")
	status := f.oneOf("status", "draft", "open", "paid", "uncollectible", "void")
	var found []*invoice
	for _, inv := range st.Invoices {
		if (customerID == "" || inv.Customer == customerID) && (subID == "" || inv.Subscription == subID) &&
			(status == "" || inv.Status == status) {
			found = append(found, inv)
		}
	}
	result := page(f, "/v1/invoices", found, func(inv *invoice) string { return inv.ID })
	return result, f.check()
}
