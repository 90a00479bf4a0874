package stripe

import "maps"

func (s *Server) createCustomer(st *state, _ string, f *form) (any, error) {
	c := &customer{ID: newID("cus"), Object: "customer", Created: s.now(), Metadata: f.metadata("metadata")}
	c.setEmail(f)
	if err := f.check(); err != nil {
		return nil, err
	}
	st.Customers[c.ID] = c
	s.emit(st, "customer.created", c)
	return c, nil
}

func (c *customer) setEmail(f *form) {
	if f.has("email") {
		email := f.text("email")
		c.Email = &email
	}
}

func (s *Server) getCustomer(st *state, id string, f *form) (any, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if c, ok := st.Customers[id]; ok {
		return c, nil // a deleted one, too: Stripe keeps its history
	}
	return nil, noSuch("customer", id)
}

// checkCustomer looks for the one that the parameter customer names.
func (s *state) checkCustomer(id string) error {
	if c, ok := s.Customers[id]; ok && !c.Deleted {
		return nil
	}
	return noSuchIn("customer", "customer", id)
}

func (s *Server) deleteCustomer(st *state, id string, f *form) (any, error) {
	c, ok := st.Customers[id]
	switch {
	case !ok || c.Deleted:
		return nil, noSuch("customer", id)
	case f.check() != nil:
		return nil, f.check()
	}
	s.forget(st, c)
	return c, nil
}

// forget deletes a customer, which ends all that they have.
func (s *Server) forget(st *state, c *customer) {
	for _, sub := range st.subscriptionsOf(c.ID) {
		if !sub.ended() {
			s.end(st, sub)
		}
	}
	c.Deleted, c.Email = true, nil
	s.emit(st, "customer.deleted", c)
}

func (s *Server) updateCustomer(st *state, id string, f *form) (any, error) {
	c, ok := st.Customers[id]
	if !ok || c.Deleted {
		return nil, noSuch("customer", id)
	}
	changed := *c
	changed.Metadata = maps.Clone(c.Metadata)
	changed.setEmail(f)
	for key, value := range f.metadata("metadata") {
		changed.Metadata[key] = value
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	*c = changed
	s.emit(st, "customer.updated", c)
	return c, nil
}

func (s *Server) getPrice(_ *state, id string, f *form) (any, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	p, ok := s.prices[id]
	if !ok {
		return nil, noSuch("price", id)
	}
	return p, nil
}

func (s *Server) createPortal(st *state, _ string, f *form) (any, error) {
	p := &portalSession{
		ID: newID("bps"), Object: "billing_portal.session", Created: s.now(),
		Customer: f.required("customer"), ReturnURL: f.text("return_url"),
	}
	p.URL = s.config.URL.Join("/p/session/" + p.ID)
	if err := f.check(); err != nil {
		return nil, err
	}
	if err := st.checkCustomer(p.Customer); err != nil {
		return nil, err
	}
	st.Portals[p.ID] = p
	return p, nil
}
