package client_test

import (
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client"
	"irc.now/operators/operatortest"
	"irc.now/shared/fault"
)

// following pulls what a Watch tells, one by one.
type following struct {
	t    *testing.T
	next func() (*v1alpha1.SojuBouncer, error, bool)
}

func follow(t *testing.T, bouncers *client.Bouncers, name string) *following {
	t.Helper()
	next, stop := iter.Pull2(bouncers.Watch(within(t), name))
	t.Cleanup(stop)
	return &following{t, next}
}

// host is that of the next state; "-" where there is no bouncer.
func (f *following) host() string {
	f.t.Helper()
	b, err, open := f.next()
	switch {
	case !open:
		f.t.Fatal("the watch has ended")
	case err != nil:
		f.t.Fatal(err)
	case b == nil:
		return "-"
	}
	return b.Status.Host
}

func (f *following) wants(host string) {
	f.t.Helper()
	if got := f.host(); got != host {
		f.t.Errorf("told %q, want %q", got, host)
	}
}

func TestAWatchTellsTheStateAndEachChange(t *testing.T) {
	w := newTenants(t)
	f := follow(t, w.Bouncers(), "ada")
	f.wants("-")
	w.create("ada", "ada")
	f.wants("")
	w.create("eve", "eve")
	w.answer("eve", "eve.irc.test") // not the one that is watched
	w.answer("ada", "ada.irc.test")
	f.wants("ada.irc.test")
	if err := w.Bouncers().Delete(t.Context(), "ada", ""); err != nil {
		t.Fatal(err)
	}
	f.wants("-")
	w.create("ada", "ada")
	f.wants("")
}

func TestAWatchEndsWithItsContext(t *testing.T) {
	w := newTenants(t)
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	turns := 0
	for _, err := range w.Bouncers().Watch(ctx, "ada") {
		if err != nil {
			t.Error(err)
		}
		turns++
		cancel()
	}
	if turns != 1 || ctx.Err() == nil {
		t.Errorf("%d turns, %v", turns, ctx.Err())
	}
}

// front stands before the API server and gets in the way of watches.
type front struct {
	http.Handler

	away    atomic.Bool  // nothing is answered
	forget  atomic.Bool  // the next watch asks for what the API server has forgotten
	lists   atomic.Int32 // questions that were no watch
	watches atomic.Int32
	cut     func() // ends the running watches
}

// through is a client of the same API server with a front before it.
func (w *tenants) through(t *testing.T) (*client.Bouncers, *front) {
	t.Helper()
	config := rest.CopyConfig(operatortest.Shared(t).Config())
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(server)
	proxy.Transport, proxy.FlushInterval = transport, -1
	f := &front{Handler: proxy}
	listener := httptest.NewServer(f)
	f.cut = listener.CloseClientConnections
	t.Cleanup(func() { f.cut(); listener.Close() })
	c, err := client.New(&rest.Config{Host: listener.URL}, w.Settings.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	return c.Bouncers(), f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.away.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.FormValue("watch") == "" {
		f.lists.Add(1)
		f.Handler.ServeHTTP(w, r)
		return
	}
	f.watches.Add(1)
	if f.forget.CompareAndSwap(true, false) {
		query := r.URL.Query()
		query.Set("resourceVersion", "1")
		r.URL.RawQuery = query.Encode()
	}
	f.Handler.ServeHTTP(w, r)
}

func TestAWatchGoesOnWhereItWasCut(t *testing.T) {
	w := newTenants(t)
	bouncers, front := w.through(t)
	w.create("ada", "ada")
	f := follow(t, bouncers, "ada")
	f.wants("")
	w.answer("ada", "one")
	f.wants("one")
	front.cut()
	w.answer("ada", "two")
	f.wants("two") // the state before is not told again
	if got := front.lists.Load(); got != 1 {
		t.Errorf("listed %d times: what was seen is asked for again", got)
	}
}

func TestAWatchListsAnewWhenTheServerHasForgotten(t *testing.T) {
	w := newTenants(t)
	bouncers, front := w.through(t)
	front.forget.Store(true)
	w.create("ada", "ada")
	f := follow(t, bouncers, "ada")
	f.wants("")
	w.answer("ada", "after")
	f.wants("after")
	w.answer("ada", "again")
	f.wants("again")
	if lists, watches := front.lists.Load(), front.watches.Load(); lists != 2 || watches != 2 {
		t.Errorf("%d lists and %d watches; a version that is gone takes one more of each", lists, watches)
	}
}

func TestAWatchTellsOfAnAPIServerThatIsAwayAndGoesOn(t *testing.T) {
	w := newTenants(t)
	bouncers, front := w.through(t)
	w.create("ada", "ada")
	front.away.Store(true)
	f := follow(t, bouncers, "ada")
	began := time.Now()
	for range 3 {
		_, err, open := f.next()
		if !open {
			t.Fatal("the watch has ended")
		}
		wantKind(t, err, fault.Unavailable, "does not answer")
	}
	if waited := time.Since(began); waited < 250*time.Millisecond {
		t.Errorf("three tries took %v: there is no pause between them", waited)
	}
	w.answer("ada", "back")
	front.away.Store(false)
	for {
		b, err, open := f.next()
		if !open {
			t.Fatal("the watch has ended")
		}
		if err == nil {
			if b == nil || b.Status.Host != "back" {
				t.Errorf("told %+v", b)
			}
			return
		}
	}
}
