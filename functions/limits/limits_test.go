package limits_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/functions/limits"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/event"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// world is the function with a database, one user and a bouncer that writes down what it is told.
type world struct {
	*limits.Function

	t    *testing.T
	pool *pgxpool.Pool
	user account.User

	mu   sync.Mutex // held while the bouncer answers
	told []int
	away bool
	// before runs once before the next answer of the bouncer.
	before func()
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var body bouncer.MaxNetworks
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || w.away || !strings.HasSuffix(r.URL.Path, "/users/ada") {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.told = append(w.told, body.MaxNetworks)
	if w.before != nil {
		w.before()
		w.before = nil
	}
	rw.WriteHeader(http.StatusNoContent)
}

func newWorld(t *testing.T, change ...map[string]string) *world {
	t.Helper()
	w := &world{t: t, Function: limits.New()}
	admin := httptest.NewServer(w)
	t.Cleanup(admin.Close)
	sets := []store.Set{account.Migrations, outbox.Migrations}
	url := storetest.Migrated(t, sets...)
	env := map[string]string{"ACCOUNTS_DATABASE_URL": storetest.Role(t, url, limits.Grants, sets...), "BOUNCER_ADMIN_URL": admin.URL, "BOUNCER_ADMIN_TOKEN": "token"}
	for _, more := range change {
		maps.Copy(env, more)
	}
	err := w.Start(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Stop(context.Background()) })
	if w.pool, err = store.Open(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.pool.Close)
	if w.user, _, err = account.NewStore(w.pool).SignIn(t.Context(), "ada", ""); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) set(column, value string) {
	w.t.Helper()
	if _, err := w.pool.Exec(context.Background(), `UPDATE account SET `+column+` = $1`, value); err != nil {
		w.t.Error(err)
	}
}

func (w *world) handle(payload event.Payload) error {
	w.t.Helper()
	e, err := event.NewWithID("1", time.Now(), event.SourceAccounts, payload)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.Handle(w.t.Context(), e)
	return err
}

func (w *world) upgraded() error {
	return w.handle(event.PlanChanged{Account: w.user.ID, From: "free", To: "pro"})
}

func (w *world) wantTold(want ...int) {
	w.t.Helper()
	if !slices.Equal(w.told, want) {
		w.t.Errorf("the bouncer was told %v, want %v", w.told, want)
	}
}

func TestTheBouncerIsToldWhatThePresentPlanAllows(t *testing.T) {
	w := newWorld(t)
	w.set("handle", "ada")
	w.set("plan", "pro")
	if err := w.upgraded(); err != nil {
		t.Error(err)
	}
	w.wantTold(account.Unlimited)
	w.set("plan", "free") // the event of the upgrade comes again, late
	if err := w.upgraded(); err != nil {
		t.Error(err)
	}
	w.wantTold(account.Unlimited, 1)
}

func TestAPlanThatChangesMeanwhileIsToldAsWell(t *testing.T) {
	w := newWorld(t)
	w.set("handle", "ada")
	w.set("plan", "pro")
	w.before = func() { w.set("plan", "free") }
	if err := w.upgraded(); err != nil {
		t.Error(err)
	}
	w.wantTold(account.Unlimited, 1)
}

func TestABouncerThatIsAwayIsToldLater(t *testing.T) {
	w := newWorld(t)
	w.set("handle", "ada")
	w.away = true
	if err := w.upgraded(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
}

func TestWhoIsNotAtTheBouncerIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	if err := w.upgraded(); err != nil { // no handle yet
		t.Error(err)
	}
	if err := w.handle(event.PlanChanged{Account: "0c2d6f6e-5b0e-4c55-9d6f-0f6f3f1f2a10", From: "a", To: "b"}); err != nil {
		t.Error(err)
	}
	w.wantTold()
}

func TestAMalformedEventIsFinal(t *testing.T) {
	w := newWorld(t)
	e, err := event.New(event.SourceAccounts, event.PlanChanged{Account: w.user.ID, From: "a", To: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.SetData("application/json", []byte(`{"account":7}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Handle(t.Context(), e); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v, want Invalid", err)
	}
}
