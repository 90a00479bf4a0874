package account_test

import (
	"bytes"
	"encoding/base64"
	"testing"
	"time"

	"irc.now/shared/account"
	"irc.now/shared/fault"
)

func (w *world) tokens(t testing.TB, fill byte) *account.Tokens {
	t.Helper()
	var key account.SealKey
	ok(t, key.UnmarshalText([]byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, account.SealKeyBytes)))))
	return account.NewTokens(w.Store, key)
}

func (w *world) pending(t testing.TB) []account.Disconnect {
	t.Helper()
	pending, err := w.PendingDisconnects(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	return pending
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAUsedPasswordThatIsRevokedAsksForADisconnect(t *testing.T) {
	w := newWorld(t)
	ada := w.named(t, "ada")
	used, first := w.password(t, ada, "used")
	_, unused := w.password(t, ada, "unused")
	_, err := w.VerifyPassword(t.Context(), used.Reveal())
	ok(t, err)
	ok(t, w.RevokePassword(t.Context(), ada.ID, first.ID))
	ok(t, w.RevokePassword(t.Context(), ada.ID, unused.ID))
	if got := w.pending(t); len(got) != 0 {
		t.Errorf("a sign-in that is under way gets no time to finish: %+v", got)
	}
	w.pass(2 * time.Second)
	got := w.pending(t)
	if len(got) != 1 || got[0].Handle != "ada" || got[0].UserID != ada.ID || len(got[0].PasswordIDs) != 1 ||
		got[0].PasswordIDs[0] != first.ID {
		t.Fatalf("pending = %+v", got)
	}
	ok(t, w.Disconnected(t.Context(), got[0]))
	if got := w.pending(t); len(got) != 0 {
		t.Errorf("still pending: %+v", got)
	}
}

// soju gives a client thirty seconds from connecting to the end of its registration. One that has authenticated and
// dawdles has no connection yet that could be closed, and must not outlive its password.
// disconnects lets two minutes pass and counts how often connections are closed.
func (w *world) disconnects(t testing.TB) (times int) {
	t.Helper()
	for range 60 {
		w.pass(2 * time.Second)
		for _, pending := range w.pending(t) {
			times++
			ok(t, w.Disconnected(t.Context(), pending))
		}
	}
	return times
}

// A second time hurts: some clients stay away for minutes then.
func TestACredentialThatDiesDisconnectsItsUserOnceWhereNoSignInIsUnderWay(t *testing.T) {
	for since, want := range map[time.Duration]int{time.Hour: 1, 2 * time.Minute: 1, 90 * time.Second: 2, 0: 2} {
		w := newWorld(t)
		ada := w.named(t, "ada")
		secret, password := w.password(t, ada, "old laptop")
		_, err := w.VerifyPassword(t.Context(), secret.Reveal())
		ok(t, err)
		w.pass(since)
		ok(t, w.RevokePassword(t.Context(), ada.ID, password.ID))
		if times := w.disconnects(t); times != want {
			t.Errorf("a password, revoked %s after its last use: %d times, want %d", since, times, want)
		}

		tokens := w.tokens(t, 1)
		record := func() { ok(t, recorded(tokens.Record(t.Context(), ada.ID, "access-token", w.now().Add(24*time.Hour)))) }
		record()
		w.pass(3 * time.Hour)
		record() // what counts is the last time
		w.pass(since)
		found, err := tokens.ToCheck(t.Context(), 0, 10)
		ok(t, err)
		ok(t, tokens.MarkDead(t.Context(), found[0].Hash))
		if times := w.disconnects(t); times != want {
			t.Errorf("a token that died %s after its last use: %d times, want %d", since, times, want)
		}
		var left int
		ok(t, w.pool.QueryRow(t.Context(), `SELECT count(*) FROM accepted_token`).Scan(&left))
		if left != 0 {
			t.Errorf("%d dead tokens are kept", left)
		}
	}
}

// Its last use may have been a moment ago.
func TestATokenFromBeforeItsUseWasWrittenDownDisconnectsTwice(t *testing.T) {
	w := newWorld(t)
	ada, tokens := w.named(t, "ada"), w.tokens(t, 1)
	ok(t, recorded(tokens.Record(t.Context(), ada.ID, "access-token", w.now().Add(24*time.Hour))))
	_, err := w.pool.Exec(t.Context(), `UPDATE accepted_token SET used_at = NULL`)
	ok(t, err)
	w.pass(time.Hour)
	found, err := tokens.ToCheck(t.Context(), 0, 10)
	ok(t, err)
	ok(t, tokens.MarkDead(t.Context(), found[0].Hash))
	if times := w.disconnects(t); times != 2 {
		t.Errorf("%d times, want 2", times)
	}
}

func TestAClientThatDawdlesInItsSignInIsDisconnectedToo(t *testing.T) {
	w := newWorld(t)
	ada, tokens := w.named(t, "ada"), w.tokens(t, 1)
	secret, password := w.password(t, ada, "stolen")
	_, err := w.VerifyPassword(t.Context(), secret.Reveal())
	ok(t, err)
	ok(t, recorded(tokens.Record(t.Context(), ada.ID, "access-token", w.now().Add(time.Hour))))
	found, err := tokens.ToCheck(t.Context(), 0, 10)
	ok(t, err)
	ok(t, w.RevokePassword(t.Context(), ada.ID, password.ID))
	ok(t, tokens.MarkDead(t.Context(), found[0].Hash))

	w.pass(2 * time.Second)
	first := w.pending(t)
	if len(first) != 1 {
		t.Fatalf("pending = %+v", first)
	}
	w.pass(34 * time.Second) // the bouncer took its time: what counts is when it was asked
	ok(t, w.Disconnected(t.Context(), first[0]))
	last := w.pending(t)
	if len(last) != 1 || len(last[0].PasswordIDs) != 1 || len(last[0].TokenHashes) != 1 {
		t.Fatalf("who dawdled stays: pending = %+v", last)
	}
	ok(t, w.Disconnected(t.Context(), last[0]))
	w.pass(time.Hour)
	if left := w.pending(t); len(left) != 0 {
		t.Errorf("still pending: %+v", left)
	}
}

func TestATokenThatDiesAsksForADisconnect(t *testing.T) {
	w := newWorld(t)
	ada, tokens := w.named(t, "ada"), w.tokens(t, 1)
	for range 2 {
		ok(t, recorded(tokens.Record(t.Context(), ada.ID, "access-token", w.now().Add(time.Hour))))
	}
	w.pass(30 * time.Second)
	found, err := tokens.ToCheck(t.Context(), 20*time.Second, 10)
	if err != nil || len(found) != 1 || found[0].Token.Reveal() != "access-token" {
		t.Fatalf("ToCheck = %v, %v", found, err)
	}
	if again, err := tokens.ToCheck(t.Context(), 20*time.Second, 10); err != nil || len(again) != 0 {
		t.Errorf("checked again at once: %v, %v", again, err)
	}
	ok(t, tokens.MarkDead(t.Context(), found[0].Hash))
	w.pass(time.Minute)
	if again, err := tokens.ToCheck(t.Context(), 20*time.Second, 10); err != nil || len(again) != 0 {
		t.Errorf("a dead token is checked: %v, %v", again, err)
	}
	pending := w.pending(t)
	if len(pending) != 1 || pending[0].Handle != "ada" || len(pending[0].TokenHashes) != 1 {
		t.Fatalf("pending = %+v", pending)
	}
	ok(t, w.Disconnected(t.Context(), pending[0]))
	if left := w.pending(t); len(left) != 0 {
		t.Errorf("still pending: %+v", left)
	}
}

func TestATokenThatRunsOutIsForgotten(t *testing.T) {
	w := newWorld(t)
	tokens := w.tokens(t, 1)
	ok(t, recorded(tokens.Record(t.Context(), w.named(t, "ada").ID, "access-token", w.now().Add(time.Minute))))
	w.pass(time.Minute)
	if found, err := tokens.ToCheck(t.Context(), 0, 10); err != nil || len(found) != 0 {
		t.Errorf("ToCheck = %v, %v", found, err)
	}
	ok(t, tokens.ForgetExpired(t.Context()))
	var left int
	ok(t, w.pool.QueryRow(t.Context(), `SELECT count(*) FROM accepted_token`).Scan(&left))
	if left != 0 || len(w.pending(t)) != 0 {
		t.Errorf("%d left, %+v pending", left, w.pending(t))
	}
}

func TestTokensAreSealedWithTheKey(t *testing.T) {
	w := newWorld(t)
	ok(t, recorded(w.tokens(t, 1).Record(t.Context(), w.named(t, "ada").ID, "access-token", w.now().Add(time.Hour))))
	var stored []byte
	ok(t, w.pool.QueryRow(t.Context(), `SELECT sealed FROM accepted_token`).Scan(&stored))
	if bytes.Contains(stored, []byte("access")) {
		t.Error("the token is stored as it is")
	}
	if found, err := w.tokens(t, 2).ToCheck(t.Context(), 0, 10); err == nil || len(found) != 0 {
		t.Errorf("another key opens it: %v, %v", found, err)
	}
}

func recorded(_ bool, err error) error { return err }

func TestATokenIsKnownWhileItIsGood(t *testing.T) {
	w := newWorld(t)
	ada, tokens := w.named(t, "ada"), w.tokens(t, 1)
	known := func(want string) {
		t.Helper()
		if got, err := tokens.Known(t.Context(), "access-token"); err != nil || got != want {
			t.Errorf("known as %q's, want %q: %v", got, want, err)
		}
	}
	known("")
	for _, want := range []bool{true, false} {
		if first, err := tokens.Record(t.Context(), ada.ID, "access-token", w.now().Add(time.Hour)); err != nil || first != want {
			t.Errorf("recorded for the first time: %v, %v; want %v", first, err, want)
		}
	}
	known(ada.ID)
	w.pass(2 * time.Hour)
	known("")
}

func TestSigningOutEverywhereEndsWhatSignInsGave(t *testing.T) {
	w := newWorld(t)
	ada, bob, tokens := w.named(t, "ada"), w.named(t, "bob"), w.tokens(t, 1)
	ok(t, recorded(tokens.Record(t.Context(), ada.ID, "ada's token", w.now().Add(time.Hour))))
	ok(t, recorded(tokens.Record(t.Context(), bob.ID, "bob's token", w.now().Add(time.Hour))))
	before := w.now()
	if ada.SignedOutSince(before) || ada.SignedOutSince(time.Time{}) {
		t.Error("signed out who never did")
	}
	w.pass(time.Minute)
	ok(t, w.SignOutEverywhere(t.Context(), ada.ID))
	found, err := w.ByID(t.Context(), ada.ID)
	ok(t, err)
	if !found.SignedOutSince(before) || !found.SignedOutSince(time.Time{}) || found.SignedOutSince(w.now().Add(time.Second)) {
		t.Errorf("signed out at %v", found.SignedOutAt)
	}
	if other, err := w.ByID(t.Context(), bob.ID); err != nil || other.SignedOutSince(before) {
		t.Error("somebody else is signed out")
	}
	w.pass(time.Minute)
	pending, err := w.PendingDisconnects(t.Context(), 10)
	ok(t, err)
	if len(pending) != 1 || pending[0].UserID != ada.ID || len(pending[0].TokenHashes) != 1 {
		t.Errorf("connections to be closed: %+v", pending)
	}
	if err := w.SignOutEverywhere(t.Context(), "00000000-0000-0000-0000-000000000000"); !fault.Is(err, fault.NotFound) {
		t.Errorf("nobody: %v", err)
	}
}
