package stripe

// The objects of Stripe's API, version 2023-10-16, as far as stripe-go reads what we use of them.

type metadata map[string]string

type customer struct {
	ID       string   `json:"id"`
	Object   string   `json:"object"`
	Created  int64    `json:"created"`
	Email    *string  `json:"email"`
	LiveMode bool     `json:"livemode"`
	Metadata metadata `json:"metadata"`
	Deleted  bool     `json:"deleted,omitempty"`
}

type price struct {
	ID         string    `json:"id"`
	Object     string    `json:"object"`
	Active     bool      `json:"active"`
	Currency   string    `json:"currency"`
	Nickname   string    `json:"nickname"`
	Product    string    `json:"product"`
	Recurring  recurring `json:"recurring"`
	Type       string    `json:"type"`
	UnitAmount int64     `json:"unit_amount"`
}

type recurring struct {
	Interval      string `json:"interval"`
	IntervalCount int    `json:"interval_count"`
	UsageType     string `json:"usage_type"`
}

type list[T any] struct {
	Object  string `json:"object"`
	Data    []T    `json:"data"`
	HasMore bool   `json:"has_more"`
	URL     string `json:"url"`
}

func listOf[T any](url string, data []T) list[T] {
	if data == nil {
		data = []T{}
	}
	return list[T]{Object: "list", Data: data, URL: url}
}

type session struct {
	ID                string   `json:"id"`
	Object            string   `json:"object"`
	CancelURL         string   `json:"cancel_url"`
	ClientReferenceID *string  `json:"client_reference_id"`
	Created           int64    `json:"created"`
	Customer          string   `json:"customer"`
	ExpiresAt         int64    `json:"expires_at"`
	LiveMode          bool     `json:"livemode"`
	Metadata          metadata `json:"metadata"`
	Mode              string   `json:"mode"`
	PaymentStatus     string   `json:"payment_status"` // unpaid, paid
	Status            string   `json:"status"`         // open, complete, expired
	Subscription      *string  `json:"subscription"`
	SuccessURL        string   `json:"success_url"`
	URL               *string  `json:"url"`
}

type subscription struct {
	ID                 string        `json:"id"`
	Object             string        `json:"object"`
	CancelAt           *int64        `json:"cancel_at"`
	CancelAtPeriodEnd  bool          `json:"cancel_at_period_end"`
	CanceledAt         *int64        `json:"canceled_at"`
	CollectionMethod   string        `json:"collection_method"`
	Created            int64         `json:"created"`
	Currency           string        `json:"currency"`
	CurrentPeriodEnd   int64         `json:"current_period_end"`
	CurrentPeriodStart int64         `json:"current_period_start"`
	Customer           string        `json:"customer"`
	EndedAt            *int64        `json:"ended_at"`
	Items              list[subItem] `json:"items"`
	LatestInvoice      *string       `json:"latest_invoice"`
	LiveMode           bool          `json:"livemode"`
	Metadata           metadata      `json:"metadata"`
	PendingUpdate      *pending      `json:"pending_update"`
	Schedule           *string       `json:"schedule"`
	StartDate          int64         `json:"start_date"`
	Status             string        `json:"status"`
}

// expanded is a subscription with its latest invoice in it.
type expanded struct {
	subscription
	LatestInvoice *invoice `json:"latest_invoice"`
}

// pending is what becomes of a subscription once its latest invoice is paid.
type pending struct {
	ExpiresAt int64     `json:"expires_at"`
	Items     []subItem `json:"subscription_items"`
}

type subItem struct {
	ID           string   `json:"id"`
	Object       string   `json:"object"`
	Created      int64    `json:"created"`
	Metadata     metadata `json:"metadata"`
	Price        price    `json:"price"`
	Quantity     int64    `json:"quantity"`
	Subscription string   `json:"subscription"`
}

type invoice struct {
	ID               string     `json:"id"`
	Object           string     `json:"object"`
	AmountDue        int64      `json:"amount_due"`
	AmountPaid       int64      `json:"amount_paid"`
	AttemptCount     int        `json:"attempt_count"`
	BillingReason    string     `json:"billing_reason"`
	Created          int64      `json:"created"`
	Currency         string     `json:"currency"`
	Customer         string     `json:"customer"`
	HostedInvoiceURL string     `json:"hosted_invoice_url"`
	Lines            list[line] `json:"lines"`
	LiveMode         bool       `json:"livemode"`
	Number           string     `json:"number"`
	Paid             bool       `json:"paid"`
	Status           string     `json:"status"` // open, paid, uncollectible, void
	Subscription     string     `json:"subscription"`
	Total            int64      `json:"total"`
	Charge           *string    `json:"charge"`
}

type charge struct {
	ID             string  `json:"id"`
	Object         string  `json:"object"`
	Amount         int64   `json:"amount"`
	AmountRefunded int64   `json:"amount_refunded"`
	Created        int64   `json:"created"`
	Currency       string  `json:"currency"`
	Customer       string  `json:"customer"`
	Disputed       bool    `json:"disputed"`
	Invoice        *string `json:"invoice"`
	LiveMode       bool    `json:"livemode"`
	Paid           bool    `json:"paid"`
	Refunded       bool    `json:"refunded"`
	Status         string  `json:"status"`
}

type dispute struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Amount   int64  `json:"amount"`
	Charge   string `json:"charge"`
	Created  int64  `json:"created"`
	Currency string `json:"currency"`
	LiveMode bool   `json:"livemode"`
	Reason   string `json:"reason"`
	Status   string `json:"status"` // needs_response, won, lost
}

// wholeCharge and wholeDispute have what they are about in them.
type wholeCharge struct {
	charge
	Invoice *invoice `json:"invoice"`
}

type wholeDispute struct {
	dispute
	Charge any `json:"charge"`
}

type line struct {
	ID          string `json:"id"`
	Object      string `json:"object"`
	Amount      int64  `json:"amount"`
	Currency    string `json:"currency"`
	Description string `json:"description"`
}

type portalSession struct {
	ID        string `json:"id"`
	Object    string `json:"object"`
	Created   int64  `json:"created"`
	Customer  string `json:"customer"`
	LiveMode  bool   `json:"livemode"`
	ReturnURL string `json:"return_url"`
	URL       string `json:"url"`
}

type event struct {
	ID              string    `json:"id"`
	Object          string    `json:"object"`
	APIVersion      string    `json:"api_version"`
	Created         int64     `json:"created"`
	Data            eventData `json:"data"`
	LiveMode        bool      `json:"livemode"`
	PendingWebhooks int       `json:"pending_webhooks"`
	Type            string    `json:"type"`
}

type eventData struct {
	Object any `json:"object"`
}
