package admission_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// BenchmarkAdmission measures, warm and one after the other, reviews of a creation that is let in and claimed
// (review-…), creations through the API server that ask the webhook (asked-…), and creations of the same size that do
// not, of the shared bouncer (unasked-…); the latter two as dry runs, which store nothing but are reviewed alike.
// Databases, API server and etcd are on the same machine.
func BenchmarkAdmission(b *testing.B) {
	w := newWorld(b)
	w.user("ada", pro)
	body := w.review()
	var reviews, asked, unasked latencies
	shared := func() error { return w.try(w.shared(), client.DryRunAll) }
	through := func() error { return w.try(w.bouncer("ada", "ada"), client.DryRunAll) }
	review := func() error {
		if got := w.decided(body, ""); !got.Allowed {
			return fmt.Errorf("refused: %s", got.Result.Message)
		}
		return nil
	}
	for range 20 { // connections, prepared statements
		new(latencies).add(b, review, through, shared)
	}
	for b.Loop() {
		reviews.add(b, review)
		asked.add(b, through)
		unasked.add(b, shared)
	}
	b.ReportMetric(reviews.share(0.5), "review-p50-ms")
	b.ReportMetric(reviews.share(0.99), "review-p99-ms")
	b.ReportMetric(asked.share(0.5), "asked-p50-ms")
	b.ReportMetric(asked.share(0.99), "asked-p99-ms")
	b.ReportMetric(unasked.share(0.5), "unasked-p50-ms")
	b.ReportMetric(unasked.share(0.99), "unasked-p99-ms")
}

type latencies []time.Duration

func (l *latencies) add(b *testing.B, calls ...func() error) {
	b.Helper()
	for _, call := range calls {
		began := time.Now()
		if err := call(); err != nil {
			b.Fatal(err)
		}
		*l = append(*l, time.Since(began))
	}
}

// share is how many milliseconds that share of the calls took at most.
func (l latencies) share(part float64) float64 {
	slices.Sort(l)
	return float64(l[int(part*float64(len(l)-1))].Microseconds()) / 1000
}
