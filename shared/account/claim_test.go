package account_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"irc.now/shared/account"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

var errRefused = errors.New("one is enough")

func claimOf(user account.User, name string) account.Claim {
	return account.Claim{UserID: user.ID, Kind: "SojuBouncer", Namespace: "tenants", Name: name}
}

// atMostOne refuses whoever finds another claim.
func atMostOne(open []account.OpenClaim) error {
	if len(open) > 0 {
		return errRefused
	}
	return nil
}

// open lists the names that a claim under another name is shown.
func (w *world) open(t testing.TB, user account.User) []string {
	t.Helper()
	names := []string{}
	err := w.TryClaim(t.Context(), claimOf(user, "onlooker"), func(open []account.OpenClaim) error {
		for _, c := range open {
			if c.Left <= 0 || c.Left > time.Hour {
				t.Errorf("%s is left %v", c.Name, c.Left)
			}
			names = append(names, c.Kind+"/"+c.Namespace+"/"+c.Name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestAClaimIsSeenByItsOwnersNextOnes(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.named(t, "ada"), w.named(t, "bob")
	if err := w.Claim(t.Context(), claimOf(ada, "first"), atMostOne); err != nil {
		t.Fatal(err)
	}
	if err := w.Claim(t.Context(), claimOf(ada, "second"), atMostOne); !errors.Is(err, errRefused) {
		t.Errorf("a second one: %v", err)
	}
	if err := w.Claim(t.Context(), claimOf(ada, "first"), atMostOne); err != nil {
		t.Errorf("the same one again: %v", err)
	}
	if got, want := w.open(t, ada), []string{"SojuBouncer/tenants/first"}; !slices.Equal(got, want) {
		t.Errorf("open claims %q, want %q", got, want)
	}
	if got := w.open(t, bob); len(got) != 0 {
		t.Errorf("another user is shown %q", got)
	}
}

func TestATrialClaimsNothing(t *testing.T) {
	w := newWorld(t)
	ada := w.named(t, "ada")
	if err := w.TryClaim(t.Context(), claimOf(ada, "first"), atMostOne); err != nil {
		t.Fatal(err)
	}
	if got := w.open(t, ada); len(got) != 0 {
		t.Errorf("open claims %q", got)
	}
}

func TestAStaleClaimCountsForNothingAndIsDropped(t *testing.T) {
	w := newWorld(t)
	ada := w.named(t, "ada")
	if err := w.Claim(t.Context(), claimOf(ada, "lost"), atMostOne); err != nil {
		t.Fatal(err)
	}
	if _, err := w.pool.Exec(t.Context(), `UPDATE claim SET expires_at = expires_at - interval '2 minutes'`); err != nil {
		t.Fatal(err)
	}
	if err := w.Claim(t.Context(), claimOf(ada, "next"), atMostOne); err != nil {
		t.Errorf("beside a stale claim: %v", err)
	}
	var rows int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM claim`).Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d claims are kept, want the new one alone (%v)", rows, err)
	}
}

func TestOneOfManyRacingClaimsWins(t *testing.T) {
	w := newWorld(t)
	ada := w.named(t, "ada")
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := w.Claim(t.Context(), claimOf(ada, fmt.Sprintf("racer-%d", i)), atMostOne)
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, errRefused) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won", won.Load())
	}
}

// A cluster that is away is not the database being away.
func TestARefusalIsPassedOnAsItIs(t *testing.T) {
	w := newWorld(t)
	away := fault.Wrap(context.DeadlineExceeded, fault.Unavailable, "The cluster is away.")
	err := w.Claim(t.Context(), claimOf(w.named(t, "ada"), "first"), func([]account.OpenClaim) error { return away })
	if !errors.Is(err, away) || fault.Sentence(err) != "The cluster is away." {
		t.Errorf("err = %v", err)
	}
}

// Whoever decides long holds up nobody but the same user, and those no longer than they want to wait.
func TestWhoWaitsForAClaimGivesUpInTime(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.named(t, "ada"), w.named(t, "bob")
	var others, same error
	err := w.Claim(t.Context(), claimOf(ada, "slow"), func([]account.OpenClaim) error {
		others = w.Claim(t.Context(), claimOf(bob, "quick"), atMostOne)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		same = w.Claim(ctx, claimOf(ada, "late"), atMostOne)
		return nil
	})
	if err != nil || others != nil {
		t.Errorf("the slow one: %v; another user's: %v", err, others)
	}
	if !fault.Is(same, fault.Unavailable) {
		t.Errorf("the one that waited: %v, want unavailable", same)
	}
}

func TestADatabaseThatIsAwayClaimsNothing(t *testing.T) {
	pool, err := store.Open(t.Context(), "postgres://nobody@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	err = account.NewStore(pool).Claim(t.Context(), claimOf(account.User{ID: "x"}, "x"), func([]account.OpenClaim) error {
		t.Error("it was decided without the database")
		return nil
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("err = %v, want unavailable", err)
	}
}
