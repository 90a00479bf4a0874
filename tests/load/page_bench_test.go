package load_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/account"
)

const (
	webhookPace  = 20 * time.Millisecond // 50 a second, all of customers who had nothing
	watchers     = 4                     // people who pay meanwhile, one payment after the other
	watcherPays  = 25                    // so often each
	paceSenders  = 64
	paidCustomer = 100_000 // the numbers of webhooks that nobody watches begin at 0

	// How often the page looks, as shared/design/static/js/live.js has it.
	pageSoon  = 150 * time.Millisecond
	pageEvery = 3 * time.Second
)

// watched is the way from a payment to the page of who has paid, and a bare program of the same shape.
type watched struct {
	*paying

	till     *portaltest.Till
	people   []*payer
	bareRead string // where the bare program shows what it has
	number   atomic.Int64
}

type payer struct {
	*portaltest.Person

	id       string
	customer string
}

// BenchmarkPaymentToPage measures what a payer feels: from the moment at which Stripe has the payment, when its webhook and
// the payer's browser set out, until the plan is on the payer's page, while 50 other webhooks a second go the same way. The
// bare program inserts a row for each webhook and shows it; its page looks as often. p99-ratio is of the 99th percentiles.
// Both are bounded below by the pause after which a page looks for the first time, 150 ms.
func BenchmarkPaymentToPage(b *testing.B) {
	w := newWatched(b)
	w.measure(w.pay, 1) // connections and caches are warm
	w.measure(w.insertAndLook, 1)
	var ours, bare batchTimes
	for b.Loop() {
		ours.add(w.measure(w.pay, watcherPays))
		bare.add(w.measure(w.insertAndLook, watcherPays))
	}
	b.ReportMetric(0, "ns/op") // the sum of both means nothing
	b.ReportMetric(milli(ours.p99()), "p99-ms")
	b.ReportMetric(milli(ours.median()), "median-ms")
	b.ReportMetric(milli(bare.p99()), "bare-p99-ms")
	b.ReportMetric(float64(ours.p99())/float64(bare.p99()), "p99-ratio")
}

func newWatched(b *testing.B) *watched {
	b.Helper()
	w := &watched{paying: payingOn(b)}
	broker := &late{}
	rig := portaltest.Start(b, portaltest.With(map[string]string{
		"STRIPE_KEY": "sk_test", "STRIPE_API_URL": serve(b, http.HandlerFunc(everybodyHasPro)), "STRIPE_PRICE_PRO": "price_pro",
		"K_SINK": serve(b, broker),
	}))
	w.connect(broker, rig.Database)
	w.till = portaltest.TillOf(rig, portaltest.Shop{})
	w.bareRead = serve(b, http.HandlerFunc(w.showOne))
	w.newCustomers(0, paidCustomer/5)
	for i := range watchers {
		handle := fmt.Sprintf("payer%d", i)
		someone := &payer{Person: rig.User(b, handle), customer: fmt.Sprintf("cus_watched_%d", i)}
		someone.id = w.till.Account(b, account.Handle(handle)).ID
		if _, err := w.till.Accounts.LinkCustomer(b.Context(), someone.id, someone.customer); err != nil {
			b.Fatal(err)
		}
		w.people = append(w.people, someone)
	}
	return w
}

// measure has each of the people pay so often while webhooks of others come at their pace.
func (w *watched) measure(once func(*payer) time.Duration, times int) batchTimes {
	w.b.Helper()
	stop := w.load()
	defer stop()
	var mu sync.Mutex
	var all sync.WaitGroup
	var took batchTimes
	for _, someone := range w.people {
		all.Go(func() {
			for range times {
				one := once(someone)
				mu.Lock()
				took.each = append(took.each, one)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return took
}

// load sends the webhooks of others at their pace, whether earlier ones are answered or not, until stop is called.
func (w *watched) load() (stop func()) {
	done, places := make(chan struct{}), make(chan struct{}, paceSenders)
	var all sync.WaitGroup
	all.Go(func() {
		ticks := time.NewTicker(webhookPace)
		defer ticks.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticks.C:
			}
			_, body := notice(int(w.number.Add(1)))
			select {
			case places <- struct{}{}:
				all.Go(func() {
					defer func() { <-places }()
					w.tell(body)
				})
			default:
				w.b.Error("webhooks pile up")
			}
		}
	})
	return func() {
		close(done)
		all.Wait()
	}
}

// pay is one payment of someone who has nothing, until the page shows what it gave.
func (w *watched) pay(someone *payer) time.Duration {
	w.b.Helper()
	// What is still under way of the payment before must not be taken for this one's: it belongs to a version that is over.
	if _, err := w.pool.Exec(w.b.Context(), `
		WITH over AS (UPDATE billing SET version = version + 1 WHERE account_id = $1)
		UPDATE account SET plan = 'free' WHERE id = $1`, someone.id); err != nil {
		w.b.Error(err)
	}
	began := time.Now()
	go w.tell(fmt.Sprintf(`{"id":"evt_w%d","object":"event","type":"checkout.session.completed","created":1795348800,
		"livemode":false,"data":{"object":{"id":"cs_1","object":"checkout.session","customer":%q}}}`, w.number.Add(1), someone.customer))
	page := someone.Get("/billing/back?product=pro&quantity=1")
	live, waits := page.Find("[data-live]").Attr("data-live")
	for pause := pageSoon; waits; pause = min(pause*3/2, pageEvery) {
		time.Sleep(pause)
		page = someone.Get(live)
		waits = page.Find("[data-live-done]").Length() == 0
	}
	took := time.Since(began)
	if badge := page.Find(".badge").First().Text(); badge != "Pro" {
		w.b.Errorf("the page shows %q", badge)
	}
	return took
}

// insertAndLook is the bare program's turn.
func (w *watched) insertAndLook(*payer) time.Duration {
	began := time.Now()
	id := fmt.Sprintf("evt_b%d", w.number.Add(1))
	go w.post(w.bare, fmt.Sprintf(`{"id":%q}`, id), "")
	for pause := pageSoon; ; pause = min(pause*3/2, pageEvery) {
		time.Sleep(pause)
		response, err := w.client.Get(w.bareRead + "/?id=" + id) //nolint:noctx // the client has a deadline
		if err != nil {
			w.b.Error(err)
			return 0
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return time.Since(began)
		}
	}
}

func (w *watched) showOne(answer http.ResponseWriter, r *http.Request) {
	var body string
	err := w.pool.QueryRow(r.Context(), `SELECT body::text FROM bare WHERE id = $1`, r.FormValue("id")).Scan(&body)
	if err != nil {
		http.Error(answer, "not yet", http.StatusNotFound)
		return
	}
	_, _ = strings.NewReader(body).WriteTo(answer)
}
