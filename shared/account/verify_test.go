package account_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"irc.now/shared/account"
	"irc.now/shared/fault"
)

func TestPasswordsCheckedAtTheSameTimeKeepTheirOwners(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for _, handle := range []account.Handle{"ada", "bob", "cyd"} {
		owner := w.named(t, handle)
		for range 8 {
			right, _ := w.password(t, owner, "irssi")
			revoked, password := w.password(t, owner, "old")
			if err := w.RevokePassword(t.Context(), owner.ID, password.ID); err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				for range 20 {
					if got, err := w.VerifyPassword(t.Context(), right.Reveal()); err != nil || got != owner {
						t.Errorf("VerifyPassword = %+v, %v; want %+v", got, err, owner)
					}
				}
			})
			wg.Go(func() {
				for range 20 {
					if _, err := w.VerifyPassword(t.Context(), revoked.Reveal()); !fault.Is(err, fault.Unauthenticated) {
						t.Errorf("a revoked password: %v", err)
					}
				}
			})
		}
	}
	wg.Wait()
}

func TestARevocationHoldsFromTheNextCheckOnAlsoInACrowd(t *testing.T) {
	w := newWorld(t)
	ada := w.named(t, "ada")
	crowds, _ := w.password(t, ada, "irssi")
	var crowd sync.WaitGroup
	defer crowd.Wait()
	done := make(chan struct{})
	defer close(done)
	for range 8 {
		crowd.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := w.VerifyPassword(t.Context(), crowds.Reveal()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		secret, password := w.password(t, ada, "weechat")
		if _, err := w.VerifyPassword(t.Context(), secret.Reveal()); err != nil {
			t.Fatal(err)
		}
		if err := w.RevokePassword(t.Context(), ada.ID, password.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.VerifyPassword(t.Context(), secret.Reveal()); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("after its revocation: %v", err)
		}
	}
}

func TestACrowdWithOnePasswordRecordsOneUse(t *testing.T) {
	w := newWorld(t)
	ada := w.named(t, "ada")
	secret, created := w.password(t, ada, "irssi")
	w.pass(time.Hour)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := w.VerifyPassword(t.Context(), secret.Reveal()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, err := w.Passwords(t.Context(), ada.ID)
	want := created.CreatedAt.Add(time.Hour)
	if err != nil || !slices.ContainsFunc(list, func(p account.ConnectionPassword) bool {
		return p.ID == created.ID && p.LastUsedAt != nil && p.LastUsedAt.Equal(want)
	}) {
		t.Errorf("passwords = %+v (%v), want one used at %v", list, err, want)
	}
}
