package broker_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/outbound"
	"irc.now/shared/store"
)

const benchSenders = 16

// flood sends n events over benchSenders connections.
func flood(b *testing.B, address config.URL, n int) {
	b.Helper()
	sink := event.NewSink(address, outbound.Client(time.Minute))
	work := make(chan struct{}, n)
	for range n {
		work <- struct{}{}
	}
	close(work)
	var wg sync.WaitGroup
	for range benchSenders {
		wg.Go(func() {
			for range work {
				e, err := event.New(event.SourceAccounts, upgrade)
				if err != nil {
					b.Error(err)
					return
				}
				if err := sink.Send(context.Background(), e); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkDelivery is what an event costs from its sender to its subscriber's answer, through the broker.
func BenchmarkDelivery(b *testing.B) {
	var mu sync.Mutex
	var delays []time.Duration
	all := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		e, err := cehttp.NewEventFromHTTPRequest(r)
		if err != nil {
			b.Error(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if delays = append(delays, time.Since(e.Time())); len(delays) == b.N {
			close(all)
		}
	}))
	defer server.Close()
	w := newBroker(b, manifests(triggerYAML("all", ours+quick)), map[string]config.URL{"all": config.URL(server.URL)})
	b.ResetTimer()
	flood(b, w.address, b.N)
	<-all
	b.StopTimer()
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(delays)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkBareInsert is the measure for BenchmarkDelivery: a handler that stores the event in one statement, and
// delivers it to nobody.
func BenchmarkBareInsert(b *testing.B) {
	pool, err := store.Open(b.Context(), storetest.URL(b))
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(b.Context(), `CREATE TABLE event (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text, data bytea)`); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		e, err := cehttp.NewEventFromHTTPRequest(r)
		if err == nil {
			_, err = pool.Exec(r.Context(), `INSERT INTO event (id, data) VALUES ($1, $2)`, e.ID(), e.Data())
		}
		if err != nil {
			b.Error(err)
		}
	}))
	defer server.Close()
	b.ResetTimer()
	flood(b, config.URL(server.URL), b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
