package stripe

// charge is the payment of an invoice; an invoice of nothing has none.
func (s *Server) charge(st *state, inv *invoice) {
	if inv.AmountDue == 0 {
		return
	}
	c := &charge{
		ID: newID("ch"), Object: "charge", Amount: inv.AmountDue, Created: s.now(), Currency: inv.Currency,
		Customer: inv.Customer, Invoice: &inv.ID, Paid: true, Status: "succeeded",
	}
	st.Charges[c.ID], inv.Charge = c, &c.ID
	s.emit(st, "charge.succeeded", c)
}

func (s *Server) getCharge(st *state, id string, f *form) (any, error) {
	whole := f.expands("invoice")
	if err := f.check(); err != nil {
		return nil, err
	}
	c, ok := st.Charges[id]
	switch {
	case !ok:
		return nil, noSuch("charge", id)
	case whole:
		return wholeCharge{*c, st.invoice(c.Invoice)}, nil
	default:
		return c, nil
	}
}

func (s *Server) getDispute(st *state, id string, f *form) (any, error) {
	withCharge, withInvoice := f.expands("charge"), f.expands("charge.invoice")
	if err := f.check(); err != nil {
		return nil, err
	}
	d, ok := st.Disputes[id]
	switch {
	case !ok:
		return nil, noSuch("dispute", id)
	case withCharge && withInvoice:
		c := st.Charges[d.Charge]
		return wholeDispute{*d, wholeCharge{*c, st.invoice(c.Invoice)}}, nil
	case withCharge:
		return wholeDispute{*d, st.Charges[d.Charge]}, nil
	default:
		return d, nil
	}
}

// refund gives cents of the subscription's latest payment back, or what is left of it.
func (s *Server) refund(st *state, sub *subscription, cents int64) {
	c := st.latestCharge(sub)
	if c == nil || c.Refunded {
		return
	}
	c.AmountRefunded = min(c.Amount, c.AmountRefunded+cents)
	c.Refunded = c.AmountRefunded == c.Amount
	s.emit(st, "charge.refunded", c)
}

// dispute is what the customer's bank does with the subscription's latest payment.
func (s *Server) dispute(st *state, sub *subscription) {
	c := st.latestCharge(sub)
	if c == nil || c.Disputed {
		return
	}
	c.Disputed = true
	d := &dispute{
		ID: newID("dp"), Object: "dispute", Amount: c.Amount, Charge: c.ID, Created: s.now(), Currency: c.Currency,
		Reason: "fraudulent", Status: "needs_response",
	}
	st.Disputes[d.ID] = d
	s.emit(st, "charge.dispute.created", d)
	s.emit(st, "charge.dispute.funds_withdrawn", d)
}

// decide ends the subscription's open dispute.
func (s *Server) decide(st *state, sub *subscription, status string) {
	c := st.latestCharge(sub)
	for _, d := range st.Disputes {
		if c != nil && d.Charge == c.ID && d.Status == "needs_response" {
			d.Status = status
			s.emit(st, "charge.dispute.closed", d)
		}
	}
}

func (s *state) latestCharge(sub *subscription) *charge {
	for i := len(s.Invoices) - 1; i >= 0; i-- {
		if inv := s.Invoices[i]; inv.Subscription == sub.ID && inv.Charge != nil {
			return s.Charges[*inv.Charge]
		}
	}
	return nil
}

const wholePayment = 1 << 40 // more cents than anybody pays

// reversalActions are the buttons of the customer's page for money that goes back.
var reversalActions = map[string]func(*Server, *state, *subscription){
	"refund":       func(s *Server, st *state, sub *subscription) { s.refund(st, sub, wholePayment) },
	"refund-part":  func(s *Server, st *state, sub *subscription) { s.refund(st, sub, 100) },
	"dispute":      (*Server).dispute,
	"dispute-won":  func(s *Server, st *state, sub *subscription) { s.decide(st, sub, "won") },
	"dispute-lost": func(s *Server, st *state, sub *subscription) { s.decide(st, sub, "lost") },
}
