package soju

import (
	"fmt"
	"sync"
	"testing"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/store"
	"irc.now/shared/tenant"
)

// BenchmarkDatabases makes databases of new bouncers, as many at a time as the operator does, and then asks for them
// again, which is what each later pass does. PostgreSQL copies 8 MB for each one, so that this is a figure of the server
// more than of ours: it is what a real platform's bouncers take longer to come up than those of BenchmarkBouncers. The
// tests' server does not wait for the disk; one that does is slower.
func BenchmarkDatabases(b *testing.B) {
	const count = 50
	pool, err := store.Open(b.Context(), storetest.Server(b).URL("postgres"))
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	prefix := storetest.Name()
	database := func(i int) string { return fmt.Sprintf("%s_%d", prefix, i) }
	var all sync.WaitGroup
	slots := make(chan struct{}, workers)
	each := func(do func(i int) error) {
		for i := range count {
			slots <- struct{}{}
			all.Go(func() {
				if err := do(i); err != nil {
					b.Error(err)
				}
				<-slots
			})
		}
		all.Wait()
	}
	ensure := func(i int) error {
		_, err := tenant.EnsureOwned(b.Context(), pool, database(i), fmt.Sprintf("owner-%d", i), tenant.Passwords{Owner: "a password", Reader: "another password"})
		return err
	}
	for b.Loop() {
		began := b.Elapsed()
		each(ensure)
		made := b.Elapsed()
		each(ensure)
		b.ReportMetric(count/(made-began).Seconds(), "made/s")
		b.ReportMetric(count/(b.Elapsed()-made).Seconds(), "kept/s")
		b.StopTimer()
		each(func(i int) error { return tenant.Drop(b.Context(), pool, database(i)) })
		b.StartTimer()
	}
}
