package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stripe/stripe-go/v76/webhook"

	"irc.now/functions/billing"
	bridge "irc.now/functions/stripe"
	"irc.now/knative"
	"irc.now/longrunning/local/broker"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/event/inbox"
	"irc.now/shared/event/outbox"
	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
	"irc.now/shared/outbound"
	"irc.now/shared/store"
)

const (
	webhookSecret  = "whsec_load"
	webhookSenders = 16
	webhookBatch   = 400
	batchPatience  = time.Minute
)

// paying is the whole way from Stripe's webhook to a changed plan, all of it real but Stripe, which answers at once.
type paying struct {
	b       *testing.B
	pool    *pgxpool.Pool
	webhook string
	bare    string
	client  *http.Client
	events  int

	mu   sync.Mutex
	sent map[string]time.Time // by event id, until it is applied
	took []time.Duration
	done chan struct{} // gets one for each event that was applied
	pro  int           // customers whose plan has changed
}

// BenchmarkWebhookToPlan measures webhooks from the first byte sent until the plan's change is committed and the
// consumer says so, each for a customer who had nothing, against a bare handler that inserts one row and answers. The
// ratio is of events per second; p99-ratio is of the 99th percentile of the time that one takes.
//
// Both use one server, with the same durability and pools of the same size. Ours includes all that follows a webhook:
// six requests over HTTP (the bare one has one), two databases, and what the benchmark plays of Stripe.
func BenchmarkWebhookToPlan(b *testing.B) {
	p := newPaying(b)
	p.payAll() // connections and caches are warm
	p.batch(p.insert)
	var ours, bare batchTimes
	for b.Loop() {
		ours.add(p.payAll())
		bare.add(p.batch(p.insert))
	}
	b.ReportMetric(0, "ns/op") // the sum of both means nothing
	b.ReportMetric(ours.rate(), "events/s")
	b.ReportMetric(bare.rate(), "bare-events/s")
	b.ReportMetric(ours.rate()/bare.rate(), "ratio")
	b.ReportMetric(milli(ours.p99()), "p99-ms")
	b.ReportMetric(milli(bare.p99()), "bare-p99-ms")
	b.ReportMetric(float64(ours.p99())/float64(bare.p99()), "p99-ratio")
}

// batchTimes are what batches took, and each of their events.
type batchTimes struct {
	total time.Duration
	each  []time.Duration
}

func (t *batchTimes) add(more batchTimes) {
	t.total += more.total
	t.each = append(t.each, more.each...)
}

func (t *batchTimes) rate() float64 { return float64(len(t.each)) / t.total.Seconds() }

func (t *batchTimes) p99() time.Duration {
	slices.Sort(t.each)
	return t.each[len(t.each)*99/100]
}

func (t *batchTimes) median() time.Duration {
	slices.Sort(t.each)
	return t.each[len(t.each)/2]
}

func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func newPaying(b *testing.B) *paying {
	b.Helper()
	p := payingOn(b)
	p.connect(&late{}, storetest.Migrated(b, account.Migrations, outbox.Migrations, inbox.Migrations))
	return p
}

func payingOn(b *testing.B) *paying {
	return &paying{
		b: b, client: outbound.Client(time.Minute), sent: map[string]time.Time{}, done: make(chan struct{}, webhookBatch),
	}
}

// late is a handler that has its address before it is made.
type late struct{ http.Handler }

// connect starts all between Stripe's webhook and the accounts, with the broker behind to.
func (p *paying) connect(to *late, accounts string) {
	b := p.b
	b.Helper()
	stripe, sink := serve(b, http.HandlerFunc(everybodyHasPro)), serve(b, to)
	consumer := serve(b, p.noting(mounted(b, "billing", cloudevent.Function(billing.New()), map[string]string{
		"ACCOUNTS_DATABASE_URL": accounts, "K_SINK": sink, "STRIPE_KEY": "sk_test", "STRIPE_API_URL": stripe,
		"STRIPE_PRICE_PRO": "price_pro",
	})))
	events, err := broker.New(broker.Config{
		Manifests: knative.Base(), DatabaseURL: storetest.URL(b), Log: slog.New(slog.DiscardHandler),
		Subscribers: map[string]config.URL{"billing": config.URL(consumer), "limits": config.URL(consumer), "revoke": config.URL(consumer), "outbox": config.URL(consumer)},
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := events.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = events.Stop(context.Background()) })
	to.Handler = events
	p.webhook = serve(b, mounted(b, "stripe", bridge.New(), map[string]string{
		"STRIPE_WEBHOOK_SECRETS": webhookSecret, "K_SINK": sink,
	})) + "/webhook"
	p.openDatabase(accounts)
	p.bare = serve(b, http.HandlerFunc(p.insertOne))
}

func serve(b *testing.B, handler http.Handler) string {
	server := httptest.NewServer(handler)
	b.Cleanup(server.Close)
	return server.URL
}

func mounted(b *testing.B, name string, f function.Handler, env map[string]string) http.Handler {
	b.Helper()
	instance := function.New(name, f, slog.New(slog.DiscardHandler))
	if err := instance.Start(b.Context(), env); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = instance.Stop(context.Background()) })
	return instance
}

func everybodyHasPro(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/v1/prices/") {
		fmt.Fprint(w, `{"id":"price_pro","object":"price","active":true,"currency":"usd","unit_amount":400,"recurring":{"interval":"month"}}`)
		return
	}
	fmt.Fprint(w, `{"object":"list","has_more":false,"data":[{"id":"sub_1","object":"subscription","status":"active",
		"current_period_end":1795348800,
		"items":{"object":"list","data":[{"id":"si_1","quantity":1,"price":{"id":"price_pro"}}]}}]}`)
}

func (p *paying) openDatabase(url string) {
	p.b.Helper()
	pool, err := store.Open(p.b.Context(), url)
	if err != nil {
		p.b.Fatal(err)
	}
	p.b.Cleanup(pool.Close)
	p.pool = pool
	p.exec(`CREATE TABLE bare (id text PRIMARY KEY, body jsonb NOT NULL, at timestamptz NOT NULL DEFAULT now())`)
}

func (p *paying) exec(sql string, args ...any) {
	p.b.Helper()
	if _, err := p.pool.Exec(p.b.Context(), sql, args...); err != nil {
		p.b.Fatal(err)
	}
}

// noting notes when the consumer says that it applied an event, which it says once that is committed. A trigger in
// the database would know a little earlier, and be a part of what is measured.
func (p *paying) noting(consumer http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Ce-Id")
		answer := &answered{ResponseWriter: w}
		consumer.ServeHTTP(answer, r)
		if answer.status/100 == 2 {
			p.applied(id)
		}
	})
}

type answered struct {
	http.ResponseWriter
	status int
}

func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (p *paying) applied(id string) {
	p.mu.Lock()
	began, waiting := p.sent[id]
	if waiting {
		delete(p.sent, id)
		p.took = append(p.took, time.Since(began))
	}
	p.mu.Unlock()
	if waiting {
		p.done <- struct{}{}
	}
}

// checkApplied fails where fewer customers have a plan than events were said to be applied.
func (p *paying) checkApplied(want int) {
	p.b.Helper()
	var pro int
	err := p.pool.QueryRow(p.b.Context(), `SELECT count(*) FROM account WHERE plan = 'pro'`).Scan(&pro)
	if err != nil {
		p.b.Fatal(err)
	}
	if pro != want {
		p.b.Fatalf("%d customers have Pro, want %d", pro, want)
	}
}

func (p *paying) payAll() batchTimes {
	p.b.Helper()
	times := p.batch(p.apply)
	p.pro += webhookBatch
	p.checkApplied(p.pro)
	return times
}

// batch has do handle new customers' events, several at once, and waits until all have been handled.
func (p *paying) batch(do func(number int)) batchTimes {
	p.b.Helper()
	first := p.events
	p.events += webhookBatch
	p.newCustomers(first, p.events)
	p.took = nil
	numbers := make(chan int)
	var senders sync.WaitGroup
	began := time.Now()
	for range webhookSenders {
		senders.Go(func() {
			for number := range numbers {
				do(number)
			}
		})
	}
	for number := first; number < p.events; number++ {
		numbers <- number
	}
	close(numbers)
	late := time.After(batchPatience)
	for range webhookBatch {
		select {
		case <-p.done:
		case <-late:
			p.b.Fatal("some events were not handled")
		}
	}
	total := time.Since(began)
	senders.Wait()
	return batchTimes{total: total, each: p.took}
}

func (p *paying) newCustomers(from, to int) {
	p.b.Helper()
	p.exec(`WITH made AS (
			INSERT INTO account (subject, email, created_at)
			SELECT 'payer-' || n, '', now() FROM generate_series($1::int, $2::int - 1) n RETURNING id, subject)
		INSERT INTO billing (account_id, customer_id, updated_at)
		SELECT id, replace(subject, 'payer-', 'cus_'), now() FROM made`, from, to)
}

// apply sends one webhook; noting tells when it was applied.
func (p *paying) apply(number int) {
	id, body := notice(number)
	p.mu.Lock()
	p.sent[id] = time.Now()
	p.mu.Unlock()
	p.tell(body)
}

// tell sends a webhook as Stripe does.
func (p *paying) tell(body string) {
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{
		Payload: []byte(body), Secret: webhookSecret, Timestamp: time.Now(),
	})
	p.post(p.webhook, body, signed.Header)
}

func notice(number int) (id, body string) {
	id = fmt.Sprintf("evt_%d", number)
	return id, fmt.Sprintf(`{"id":%q,"object":"event","type":"customer.subscription.created","created":1795348800,
		"livemode":false,"data":{"object":{"id":"sub_1","object":"subscription","customer":"cus_%d"}}}`, id, number)
}

// insert is the bare program's turn.
func (p *paying) insert(number int) {
	_, body := notice(number)
	began := time.Now()
	p.post(p.bare, body, "")
	p.mu.Lock()
	p.took = append(p.took, time.Since(began))
	p.mu.Unlock()
	p.done <- struct{}{}
}

func (p *paying) insertOne(w http.ResponseWriter, r *http.Request) {
	var e struct {
		ID string `json:"id"`
	}
	var body json.RawMessage
	if json.NewDecoder(r.Body).Decode(&body) != nil || json.Unmarshal(body, &e) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if _, err := p.pool.Exec(r.Context(), `INSERT INTO bare (id, body) VALUES ($1, $2)`, e.ID, body); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (p *paying) post(address, body, signature string) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		p.b.Error(err)
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Stripe-Signature", signature)
	response, err := p.client.Do(request)
	if err != nil {
		p.b.Error(err)
		return
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		p.b.Errorf("%s answered %d", address, response.StatusCode)
	}
}
