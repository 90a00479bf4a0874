package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"irc.now/shared/account"
	"irc.now/shared/outbound"
)

const callTimeout = 15 * time.Second

// Client talks to Stripe. It is safe for concurrent use.
//
// Faults it returns: Unavailable when Stripe is away or busy, or has lost a price, Invalid when a card is declined,
// Conflict when a subscription or its card is in no state for what is asked. [ErrNoCustomer] is what a call about a
// customer returns who was deleted at Stripe. Everything else is internal.
type Client struct {
	stripe  *client.API
	catalog Catalog
	log     *slog.Logger

	mu     sync.Mutex
	offers map[Product]Offer
	asked  time.Time
}

// New makes a client from settings that have passed Validate. It calls nobody yet.
func New(settings Settings, log *slog.Logger) *Client {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(settings.API.String()), HTTPClient: outbound.Client(callTimeout),
		LeveledLogger: logger{log}, EnableTelemetry: stripe.Bool(false),
	})
	return &Client{
		stripe:  client.New(settings.Key.Reveal(), &stripe.Backends{API: backend, Connect: backend, Uploads: backend}),
		catalog: settings.Catalog(), log: log,
	}
}

// State asks what the customer has at this moment.
func (c *Client) State(ctx context.Context, customerID string) (State, error) {
	params := &stripe.SubscriptionListParams{Customer: stripe.String(customerID), Status: stripe.String("all")}
	params.Context = ctx
	params.Limit = stripe.Int64(100)
	var all []*stripe.Subscription
	list := c.stripe.Subscriptions.List(params)
	for list.Next() {
		all = append(all, list.Subscription())
	}
	if err := list.Err(); err != nil && !missing(err) {
		return State{}, faultOf(err, "list subscriptions of %s", customerID)
	}
	// A customer who was deleted at Stripe has nothing.
	return StateOf(all, c.catalog)
}

// CreateCustomer makes the user a customer, in the place of the one called gone where Stripe has deleted that; "" for a
// first one. Called again within a day for the same user, address and predecessor it gives the same customer, so that a
// crash before the id was recorded leaves nobody behind.
func (c *Client) CreateCustomer(ctx context.Context, user account.User, gone string) (id string, err error) {
	params := &stripe.CustomerParams{}
	if user.Email != "" {
		params.Email = stripe.String(user.Email)
	}
	params.AddMetadata("account", user.ID)
	params.Context = ctx
	// Without the predecessor in it, the key would give back the one that was deleted.
	key := sha256.Sum256([]byte(user.ID + "\x00" + user.Email + "\x00" + gone))
	params.SetIdempotencyKey("customer-" + hex.EncodeToString(key[:]))
	customer, err := c.stripe.Customers.New(params)
	if err != nil {
		return "", faultOf(err, "create the customer of %s", user.ID)
	}
	return customer.ID, nil
}

// Manage is the address of a page of Stripe's where the customer changes cards, pays what is open and cancels. It
// works for some minutes, for this customer alone. It is [ErrNoCustomer] where Stripe has deleted the customer.
func (c *Client) Manage(ctx context.Context, customerID, returnURL string) (string, error) {
	params := &stripe.BillingPortalSessionParams{
		Customer: stripe.String(customerID), ReturnURL: stripe.String(returnURL),
	}
	params.Context = ctx
	session, err := c.stripe.BillingPortalSessions.New(params)
	if err != nil {
		return "", faultOf(err, "open the portal of %s", customerID)
	}
	return session.URL, nil
}

// logger lets the Stripe library write to ours. It says at its own discretion what it sends, so only what went wrong
// is kept, and bodies never are.
type logger struct{ log *slog.Logger }

func (l logger) Debugf(string, ...any) {}
func (l logger) Infof(string, ...any)  {}
func (l logger) Warnf(format string, args ...any) {
	l.log.Warn("stripe library", "message", fmt.Sprintf(format, args...))
}

// Errorf is called for answers that come back as errors too, which their caller logs or returns.
func (l logger) Errorf(string, ...any) {}
