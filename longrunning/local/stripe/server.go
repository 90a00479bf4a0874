package stripe

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"irc.now/shared/background"
	"irc.now/shared/design"
	"irc.now/shared/outbound"
	"irc.now/shared/web"
)

// Server is the stand-in. It is an http.Handler for API and pages, and sends webhooks until Stop.
type Server struct {
	config  Config
	prices  map[string]price
	client  *http.Client
	pages   *design.Set
	site    *web.Site
	handler http.Handler

	mu       sync.Mutex
	state    *state
	delivery Delivery
	webhook  string
	answers  map[string]keptAnswer // by idempotency key

	woken chan struct{} // something may have to be sent
	tasks background.Group
}

// New makes the stand-in with what an earlier one kept, and begins to send what is unsent.
func New(c Config) (*Server, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	kept, err := load(c.File)
	if err != nil {
		return nil, fmt.Errorf("start the Stripe stand-in: %w", err)
	}
	s := &Server{
		config: c, state: kept, client: outbound.Client(webhookTimeout), webhook: c.Webhook,
		prices: pricesOf(c.Prices), answers: map[string]keptAnswer{}, delivery: Delivery{Copies: 1},
		woken: make(chan struct{}, 1),
	}
	if err := s.routes(); err != nil {
		return nil, err
	}
	s.tasks.Go(func(ctx, _ context.Context) { s.deliver(ctx) })
	s.wake()
	return s, nil
}

// Stop ends the sending of webhooks and waits for it. What is unsent is kept.
func (s *Server) Stop(ctx context.Context) error { return s.tasks.Stop(ctx) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// SetWebhook changes where events go.
func (s *Server) SetWebhook(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhook = address
	s.wake()
}

// change runs do under the lock; when it returns nil, what it did is kept and its events are sent.
func (s *Server) change(do func(*state) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := do(s.state); err != nil {
		return err
	}
	s.wake()
	return s.state.save(s.config.File)
}

// read runs do under the lock.
func (s *Server) read(do func(*state) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return do(s.state)
}

func (s *Server) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

func (s *Server) now() int64 { return s.config.Now().Unix() }

func pricesOf(prices []Price) map[string]price {
	all := map[string]price{}
	for _, p := range prices {
		interval := "month"
		if p.Yearly {
			interval = "year"
		}
		all[p.ID] = price{
			ID: p.ID, Object: "price", Active: !p.Archived, Currency: "usd", Nickname: p.Name, Product: "prod_" + p.ID,
			Type: "recurring", UnitAmount: p.Amount,
			Recurring: recurring{Interval: interval, IntervalCount: 1, UsageType: "licensed"},
		}
	}
	return all
}
