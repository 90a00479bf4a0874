package stripe

import (
	"embed"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"irc.now/shared/design"
	"irc.now/shared/web"
)

//go:embed pages/*.html
var pages embed.FS

const maxForm = 16 << 10

func (s *Server) routes() error {
	set, err := design.New(design.Site{Name: "stripe stand-in", Home: s.config.Portal.String()}, pages, "pages")
	if err != nil {
		return fmt.Errorf("parse the Stripe stand-in's pages: %w", err)
	}
	s.pages, s.site = set, web.New(web.Config{Log: s.config.Log, Pages: set})
	browser := http.NewServeMux()
	browser.Handle("GET /static/", design.Static())
	for pattern, handler := range map[string]web.Handler{
		"GET /{$}":             s.showEvents,
		"POST /delivery":       s.changeDelivery,
		"POST /events/{id}":    s.resendEvent,
		"GET /c/pay/{id}":      s.showCheckout,
		"POST /c/pay/{id}":     s.actOnCheckout,
		"GET /p/session/{id}":  s.showPortal,
		"POST /p/session/{id}": s.actOnPortal,
		"GET /i/{id}":          s.showInvoice,
		"POST /i/{id}":         s.actOnInvoice,
	} {
		browser.Handle(pattern, s.site.Handle(handler))
	}
	pageHandler, err := s.site.CrossOrigin(s.site.Mux(browser))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	s.apiRoutes(mux)
	mux.Handle("/", web.Secure(pageHandler, web.Policy{FormAction: s.origins(), HTTPS: s.config.URL.HTTPS()}))
	s.handler = mux
	return nil
}

// origins are where a form's answer may lead: back to who sent the customer here.
func (s *Server) origins() []string {
	if s.config.Portal == "" {
		return nil
	}
	u := s.config.Portal.Parsed()
	return []string{u.Scheme + "://" + u.Host}
}

type checkoutView struct {
	Lines     []line
	Total     string
	CancelURL string
	Declined  bool
}

func (s *Server) showCheckout(w http.ResponseWriter, r *http.Request) error {
	return s.renderCheckout(w, r, http.StatusOK, false)
}

func (s *Server) renderCheckout(w http.ResponseWriter, r *http.Request, status int, declined bool) error {
	view := checkoutView{Declined: declined}
	err := s.read(func(st *state) error {
		o, ok := st.Sessions[r.PathValue("id")]
		if !ok || o.Session.Status != "open" {
			return web.NotFound
		}
		var total int64
		for _, l := range o.Lines {
			amount := s.prices[l.Price].UnitAmount * l.Quantity
			total += amount
			view.Lines = append(view.Lines, line{
				Description: fmt.Sprintf("%d × %s", l.Quantity, s.prices[l.Price].Nickname), Amount: amount,
			})
		}
		view.Total, view.CancelURL = dollars(total), o.Session.CancelURL
		return nil
	})
	if err != nil {
		return err
	}
	return s.pages.Render(w, status, "checkout", design.Page{Title: "Pay", NoIndex: true, Body: view})
}

// Amount in dollars, for templates.
func (l line) Dollars() string { return dollars(l.Amount) }

func dollars(cents int64) string {
	if cents < 0 {
		return "-" + dollars(-cents)
	}
	return fmt.Sprintf("$%d.%02d", cents/100, cents%100)
}

func (s *Server) actOnCheckout(w http.ResponseWriter, r *http.Request) error {
	if err := web.Form(w, r, maxForm); err != nil {
		return err
	}
	if r.PostForm.Get("action") == "decline" {
		return s.renderCheckout(w, r, http.StatusUnprocessableEntity, true)
	}
	var target string
	err := s.change(func(st *state) error {
		o, ok := st.Sessions[r.PathValue("id")]
		if !ok || o.Session.Status != "open" || r.PostForm.Get("action") != "pay" {
			return web.NotFound
		}
		target = s.pay(st, o)
		return nil
	})
	if err != nil {
		return err
	}
	// The address is the one that the caller of the API gave, who has the key.
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

type portalView struct {
	ReturnURL     string
	Subscriptions []subscriptionView
	Invoices      []invoiceView
}

type subscriptionView struct {
	subscription
	Total   string
	Ends    time.Time
	Open    bool // an invoice is open
	IsEnded bool
	Card    card
}

type invoiceView struct {
	invoice
	At    time.Time
	Money string
}

func (s *Server) showPortal(w http.ResponseWriter, r *http.Request) error {
	var view portalView
	err := s.read(func(st *state) error {
		p, ok := st.Portals[r.PathValue("id")]
		if !ok {
			return web.NotFound
		}
		view.ReturnURL = p.ReturnURL
		for _, sub := range st.subscriptionsOf(p.Customer) {
			copied := *sub
			copied.Items.Data = slices.Clone(sub.Items.Data)
			view.Subscriptions = append(view.Subscriptions, subscriptionView{
				subscription: copied, Total: dollars(sub.total()), Ends: time.Unix(sub.CurrentPeriodEnd, 0).UTC(),
				Open: st.openInvoice(sub.ID) != nil, IsEnded: sub.ended(), Card: st.Cards[sub.Customer],
			})
		}
		for _, inv := range st.Invoices {
			if inv.Customer == p.Customer {
				view.Invoices = append(view.Invoices, viewOf(inv))
			}
		}
		slices.Reverse(view.Subscriptions)
		slices.Reverse(view.Invoices)
		return nil
	})
	if err != nil {
		return err
	}
	return s.pages.Render(w, http.StatusOK, "portal", design.Page{Title: "Your subscription", NoIndex: true, Body: view})
}

func viewOf(inv *invoice) invoiceView {
	return invoiceView{invoice: *inv, At: time.Unix(inv.Created, 0).UTC(), Money: dollars(inv.Total)}
}

// portalActions are the buttons of the customer's page, and what time and banks do at Stripe.
var portalActions = map[string]func(*Server, *state, *subscription){
	"cancel": func(s *Server, st *state, sub *subscription) {
		s.cancelAtEnd(sub, true)
		s.emit(st, "customer.subscription.updated", sub)
	},
	"keep": func(s *Server, st *state, sub *subscription) {
		s.cancelAtEnd(sub, false)
		s.emit(st, "customer.subscription.updated", sub)
	},
	"cancel-now": (*Server).end,
	"renew":      (*Server).renew,
	"fail": func(s *Server, st *state, sub *subscription) {
		st.Cards[sub.Customer] = cardDeclined
		sub.CancelAtPeriodEnd = false
		s.renew(st, sub)
	},
	"give-up": (*Server).giveUp,
	"pay":     (*Server).payOpen,

	"card-works":    setCard(cardWorks),
	"card-declined": setCard(cardDeclined),
	"card-asks":     setCard(cardAsks),
	"card-none":     setCard(cardNone),
	"schedule": func(s *Server, st *state, sub *subscription) {
		id := newID("sub_sched")
		sub.Schedule = &id
		s.emit(st, "customer.subscription.updated", sub)
	},
	"delete-customer": func(s *Server, st *state, sub *subscription) { s.forget(st, st.Customers[sub.Customer]) },
}

func setCard(c card) func(*Server, *state, *subscription) {
	return func(_ *Server, st *state, sub *subscription) { st.Cards[sub.Customer] = c }
}

func (s *Server) actOnPortal(w http.ResponseWriter, r *http.Request) error {
	if err := web.Form(w, r, maxForm); err != nil {
		return err
	}
	id := r.PathValue("id")
	err := s.change(func(st *state) error {
		p, ok := st.Portals[id]
		act, known := portalActions[r.PostForm.Get("action")]
		if !known {
			act, known = reversalActions[r.PostForm.Get("action")]
		}
		sub := st.subscription(r.PostForm.Get("subscription"))
		if !ok || !known || sub == nil || sub.Customer != p.Customer || sub.ended() {
			return web.NotFound
		}
		act(s, st, sub)
		return nil
	})
	if err != nil {
		return err
	}
	web.LocalRedirect(w, r, "/p/session/"+id)
	return nil
}

func (s *Server) showInvoice(w http.ResponseWriter, r *http.Request) error {
	var view invoiceView
	err := s.read(func(st *state) error {
		at := slices.IndexFunc(st.Invoices, func(inv *invoice) bool { return inv.ID == r.PathValue("id") })
		if at < 0 {
			return web.NotFound
		}
		view = viewOf(st.Invoices[at])
		return nil
	})
	if err != nil {
		return err
	}
	return s.pages.Render(w, http.StatusOK, "invoice", design.Page{Title: "Invoice", NoIndex: true, Body: view})
}

// actOnInvoice pays an invoice, and confirms the payment at the bank where that is wanted.
func (s *Server) actOnInvoice(w http.ResponseWriter, r *http.Request) error {
	if err := web.Form(w, r, maxForm); err != nil {
		return err
	}
	id := r.PathValue("id")
	err := s.change(func(st *state) error {
		inv := st.invoice(&id)
		if inv == nil || inv.Status != "open" || r.PostForm.Get("action") != "pay" {
			return web.NotFound
		}
		s.payInvoice(st, inv)
		s.settle(st, inv)
		return nil
	})
	if err != nil {
		return err
	}
	web.LocalRedirect(w, r, "/i/"+id)
	return nil
}

type eventsView struct {
	Delivery Delivery
	Webhook  string
	Events   []delivery
}

func (s *Server) showEvents(w http.ResponseWriter, _ *http.Request) error {
	var view eventsView
	_ = s.read(func(st *state) error {
		view.Delivery, view.Webhook = s.delivery, s.webhook
		for _, d := range slices.Backward(st.Events) {
			view.Events = append(view.Events, *d)
		}
		return nil
	})
	return s.pages.Render(w, http.StatusOK, "events", design.Page{Title: "Webhooks", NoIndex: true, Body: view})
}

// At is when the event happened, for templates.
func (d delivery) At() time.Time { return time.Unix(d.Event.Created, 0).UTC() }

func (s *Server) changeDelivery(w http.ResponseWriter, r *http.Request) error {
	if err := web.Form(w, r, maxForm); err != nil {
		return err
	}
	copies, _ := strconv.Atoi(r.PostForm.Get("copies"))
	s.SetDelivery(Delivery{
		Hold: r.PostForm.Has("hold"), Reverse: r.PostForm.Has("reverse"), Copies: min(max(copies, 1), 10),
	})
	web.LocalRedirect(w, r, "/")
	return nil
}

func (s *Server) resendEvent(w http.ResponseWriter, r *http.Request) error {
	if err := web.Form(w, r, maxForm); err != nil {
		return err
	}
	if err := s.Resend(r.Context(), r.PathValue("id"), 1); err != nil {
		s.config.Log.WarnContext(r.Context(), "webhook not taken again", "error", err)
	}
	web.LocalRedirect(w, r, "/")
	return nil
}
