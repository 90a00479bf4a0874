package account_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// world is a migrated database with a clock that tests set.
type world struct {
	*account.Store
	pool *pgxpool.Pool
	mu   sync.Mutex
	time time.Time
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	address := storetest.Migrated(t, account.Migrations, outbox.Migrations)
	pool, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := &world{pool: pool, time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	w.Store = account.NewStore(pool, account.WithClock(w.now))
	return w
}

func (w *world) user(t testing.TB, subject string) account.User {
	t.Helper()
	user, _, err := w.SignIn(t.Context(), subject, subject+"@example.org")
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// named is a user who has picked a handle.
func (w *world) named(t testing.TB, handle account.Handle) account.User {
	t.Helper()
	user, err := w.ChooseHandle(t.Context(), w.user(t, string(handle)).ID, handle)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func TestSignInMakesAnAccountOnceAndKeepsTheEmailFresh(t *testing.T) {
	w := newWorld(t)
	first, created, err := w.SignIn(t.Context(), "sub-1", "old@example.org")
	if err != nil || !created || first.Plan != account.Free || first.Handle != "" || !first.CreatedAt.Equal(w.now()) {
		t.Fatalf("first sign-in: %+v, created %v, %v", first, created, err)
	}
	again, created, err := w.SignIn(t.Context(), "sub-1", "new@example.org")
	if err != nil || created || again.ID != first.ID || again.Email != "new@example.org" {
		t.Fatalf("second sign-in: %+v, created %v, %v", again, created, err)
	}
	if _, _, err := w.SignIn(t.Context(), "", "x@example.org"); err == nil {
		t.Error("an empty subject is accepted")
	}
}

func TestUsersAreFoundByIDSubjectAndHandle(t *testing.T) {
	w := newWorld(t)
	ada := w.named(t, "ada")
	byID, err1 := w.ByID(t.Context(), ada.ID)
	bySubject, err2 := w.BySubject(t.Context(), "ada")
	byHandle, err3 := w.ByHandle(t.Context(), "ada")
	if err1 != nil || err2 != nil || err3 != nil || byID != ada || bySubject != ada || byHandle != ada {
		t.Errorf("%+v %+v %+v %v %v %v", byID, bySubject, byHandle, err1, err2, err3)
	}
	for _, id := range []string{"", "not a uuid", "00000000-0000-0000-0000-000000000000"} {
		if _, err := w.ByID(t.Context(), id); !fault.Is(err, fault.NotFound) {
			t.Errorf("ByID(%q): %v", id, err)
		}
	}
	if _, err := w.ByHandle(t.Context(), ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("no handle is found as a handle: %v", err)
	}
}

func TestAHandleIsPickedOnceAndBelongsToOne(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.named(t, "ada"), w.user(t, "bob")
	_, err := w.ChooseHandle(t.Context(), bob.ID, "ada")
	if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.FieldsOf(err)["handle"], "taken") {
		t.Errorf("a taken handle: %v", err)
	}
	if _, err := w.ChooseHandle(t.Context(), ada.ID, "lovelace"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second handle: %v", err)
	}
	if again, err := w.ChooseHandle(t.Context(), ada.ID, "ada"); err != nil || again != ada {
		t.Errorf("the same handle again: %+v, %v", again, err)
	}
	if _, err := w.ChooseHandle(t.Context(), bob.ID, "Not Parsed"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a handle that breaks the rules: %v", err)
	}
	if _, err := w.ChooseHandle(t.Context(), "00000000-0000-0000-0000-000000000000", "eve"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown user: %v", err)
	}
}

func TestOnlyOneOfManyGetsAHandle(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for _, subject := range []string{"a", "b", "c", "d", "e"} {
		user := w.user(t, subject)
		wg.Go(func() {
			_, err := w.ChooseHandle(t.Context(), user.ID, "wanted")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d users have the handle", won)
	}
}

func TestADatabaseThatIsAwayIsUnavailable(t *testing.T) {
	w := newWorld(t)
	pool, err := store.Open(t.Context(), "postgres://nobody@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	away := account.NewStore(pool)
	ada := w.named(t, "ada")
	secret, _, err := w.CreatePassword(t.Context(), ada.ID, "irssi")
	if err != nil {
		t.Fatal(err)
	}
	_, _, signIn := away.SignIn(t.Context(), "s", "e")
	_, byID := away.ByID(t.Context(), ada.ID)
	_, verify := away.VerifyPassword(t.Context(), secret.Reveal())
	_, list := away.Passwords(t.Context(), ada.ID)
	_, _, create := away.CreatePassword(t.Context(), ada.ID, "x")
	revoke := away.RevokePassword(t.Context(), ada.ID, "x")
	for _, err := range []error{signIn, byID, verify, list, create, revoke} {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("err = %v, want unavailable", err)
		}
	}
}
