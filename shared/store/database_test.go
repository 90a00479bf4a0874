package store_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/store"
	"irc.now/shared/store/migrate"
)

// set makes a set with as many migrations that do nothing.
func set(name string, migrations int) store.Set {
	files := fstest.MapFS{}
	for i := range migrations {
		files[fmt.Sprintf("migrations/%05d_step.sql", i+1)] = &fstest.MapFile{Data: []byte("-- +goose Up\nSELECT 1;\n")}
	}
	return store.Set{Name: name, Files: files}
}

func TestADatabaseThatHasWhatIsNeededCostsOneConnection(t *testing.T) {
	address := storetest.Migrated(t, set("one", 2), set("two", 1))
	d, err := store.OpenDatabase(t.Context(), config.Secret(address), "things", set("one", 1), set("two", 1)) // newer is fine
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if ready, err := d.Ready(t.Context()); !ready || d.Stat().NewConnsCount() != 1 {
		t.Errorf("ready %v (%v) with %d connections, want one", ready, err, d.Stat().NewConnsCount())
	}
}

func TestADatabaseThatIsBehindSaysWhatToDo(t *testing.T) {
	address := storetest.Migrated(t, set("one", 2))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := store.OpenDatabase(ctx, config.Secret(address), "things", set("one", 3), set("two", 1))
	const want = "the database things is at version 2 of set one, this program needs 3; " +
		"at version 0 of set two, this program needs 1: run the schema job first"
	if err == nil || !strings.HasSuffix(err.Error(), want) || !fault.Is(err, fault.Unavailable) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	storetest.WaitUntilUnused(t, address)
}

// lines is a log that tells when something was said.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	said chan struct{}
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.said <- struct{}{}:
	default:
	}
	return l.text.Write(line)
}

func TestADatabaseThatIsBehindIsWaitedFor(t *testing.T) {
	address := storetest.Migrated(t, set("one", 1))
	log := &lines{said: make(chan struct{}, 1)}
	d := store.NewDatabase("things", set("one", 2))
	d.LogTo(slog.New(slog.NewTextHandler(log, nil)))
	if err := d.Open(t.Context(), config.Secret(address)); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	<-log.said
	if ready, err := d.Ready(t.Context()); ready || err == nil || !strings.Contains(err.Error(), "this program needs 2") {
		t.Errorf("ready %v: %v", ready, err)
	}
	if err := migrate.Up(t.Context(), address, set("one", 2)); err != nil {
		t.Fatal(err)
	}
	if err := d.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ready, err := d.Ready(t.Context()); !ready {
		t.Error(err)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if said := log.text.String(); strings.Count(said, "waiting for the database's schema") != 1 || !strings.Contains(said, "at version 1 of set one") {
		t.Errorf("logged %s", said)
	}
}

func TestADatabaseThatIsNotThereYetIsWaitedFor(t *testing.T) {
	absent := storetest.Server(t).URL(storetest.Name())
	forbidden := storetest.Role(t, storetest.Migrated(t, set("one", 1)), nil) // may not read the versions
	for _, address := range []string{absent, forbidden} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := store.OpenDatabase(ctx, config.Secret(address), "things", set("one", 1))
		if err == nil || !strings.Contains(err.Error(), "run the schema job first") {
			t.Errorf("err = %v", err)
		}
	}
}

func TestADatabaseThatIsAwayIsNotWaitedFor(t *testing.T) {
	d := store.NewDatabase("things", set("one", 1))
	for range 2 { // it can be tried again
		if ready, err := d.Ready(t.Context()); ready || err == nil {
			t.Error("ready before it is open")
		}
		if err := d.Open(t.Context(), "postgres://127.0.0.1:1/x"); err != nil {
			t.Fatal(err)
		}
		if err := d.Wait(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("err = %v", err)
		}
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := store.OpenDatabase(t.Context(), "postgres://u:hunter2@host:notaport/db", "things"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("err = %v", err)
	}
}

func TestADatabaseCanBeMeasuredBeforeItIsOpen(t *testing.T) {
	d := store.NewDatabase("things", set("one", 1))
	registry := prometheus.NewRegistry()
	registry.MustRegister(d.Collector())
	if n, err := testutil.GatherAndCount(registry); n != 0 || err != nil {
		t.Errorf("%d metrics of nothing (%v)", n, err)
	}
	if err := d.Open(t.Context(), config.Secret(storetest.Migrated(t, set("one", 1)))); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := testutil.GatherAndCount(registry, "postgres_pool_connections"); n != 1 || err != nil {
		t.Errorf("%d gauges of connections (%v)", n, err)
	}
}
