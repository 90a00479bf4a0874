package account_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/fault"
)

func (w *world) password(t testing.TB, user account.User, name string) (config.Secret, account.ConnectionPassword) {
	t.Helper()
	secret, password, err := w.CreatePassword(t.Context(), user.ID, name)
	if err != nil {
		t.Fatal(err)
	}
	return secret, password
}

func TestAConnectionPasswordLetsItsOwnerIn(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.named(t, "ada"), w.named(t, "bob")
	adas, _ := w.password(t, ada, "irssi")
	bobs, _ := w.password(t, bob, "weechat")
	for secret, want := range map[config.Secret]account.User{adas: ada, bobs: bob} {
		if got, err := w.VerifyPassword(t.Context(), secret.Reveal()); err != nil || got != want {
			t.Errorf("VerifyPassword = %+v, %v; want %+v", got, err, want)
		}
	}
	if !regexp.MustCompile(`^irc_[a-z2-7]{16}_[a-z2-7]{32}$`).MatchString(adas.Reveal()) {
		t.Errorf("the secret reads %q", adas.Reveal())
	}
}

func TestEverythingElseIsRefusedAlike(t *testing.T) {
	w := newWorld(t)
	ada := w.named(t, "ada")
	right, _ := w.password(t, ada, "irssi")
	other, _ := w.password(t, ada, "weechat")
	revoked, password := w.password(t, ada, "old")
	if err := w.RevokePassword(t.Context(), ada.ID, password.ID); err != nil {
		t.Fatal(err)
	}
	parts, others := strings.Split(right.Reveal(), "_"), strings.Split(other.Reveal(), "_")
	_, reference := w.VerifyPassword(t.Context(), "irc_aaaaaaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	for _, presented := range []string{
		"", "irc_", "irc__", "hunter2", revoked.Reveal(), right.Reveal() + "a", right.Reveal()[1:],
		"irc_" + parts[1] + "_" + others[2], strings.ToUpper(right.Reveal()), right.Reveal() + "\x00",
		"irc_" + parts[1] + "_", "irc_" + parts[1], strings.Repeat("x", 1<<20), right.Reveal() + "_" + parts[2],
	} {
		_, err := w.VerifyPassword(t.Context(), presented)
		if !fault.Is(err, fault.Unauthenticated) || err.Error() != reference.Error() {
			t.Errorf("%.60q: %v", presented, err)
		}
	}
}

func TestTheSecretIsNotInTheDatabase(t *testing.T) {
	w := newWorld(t)
	secret, _ := w.password(t, w.named(t, "ada"), "irssi")
	var dump string
	if err := w.pool.QueryRow(t.Context(), `SELECT string_agg(p::text, ' ') FROM connection_password p`).Scan(&dump); err != nil {
		t.Fatal(err)
	}
	if random := strings.Split(secret.Reveal(), "_")[2]; strings.Contains(dump, random) {
		t.Error("the secret is stored")
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", secret, secret, secret), "irc_") {
		t.Error("the secret prints itself")
	}
}

func TestLastUsedIsExactToAMinute(t *testing.T) {
	w := newWorld(t)
	ada := w.named(t, "ada")
	secret, created := w.password(t, ada, "irssi")
	if created.LastUsedAt != nil {
		t.Error("a new password was used already")
	}
	for _, step := range []struct{ pass, want time.Duration }{{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}} {
		w.pass(step.pass)
		if _, err := w.VerifyPassword(t.Context(), secret.Reveal()); err != nil {
			t.Fatal(err)
		}
		list, err := w.Passwords(t.Context(), ada.ID)
		if err != nil || list[0].LastUsedAt == nil || !list[0].LastUsedAt.Equal(created.CreatedAt.Add(step.want)) {
			t.Errorf("last used %v, want %v later than %v (%v)", list[0].LastUsedAt, step.want, created.CreatedAt, err)
		}
	}
}

func TestPasswordsAreListedAndRevokedByTheirOwnerOnly(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.named(t, "ada"), w.named(t, "bob")
	secret, first := w.password(t, ada, "irssi")
	w.pass(time.Hour)
	_, second := w.password(t, ada, "  weechat ")
	if err := w.RevokePassword(t.Context(), bob.ID, first.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("another user revokes it: %v", err)
	}
	if err := w.RevokePassword(t.Context(), "not a uuid", first.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("a bad user id: %v", err)
	}
	if _, err := w.VerifyPassword(t.Context(), secret.Reveal()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.RevokePassword(t.Context(), ada.ID, second.ID); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
	}
	list, err := w.Passwords(t.Context(), ada.ID)
	if err != nil || len(list) != 2 || list[0].ID != first.ID || list[0].RevokedAt != nil || list[1].Name != "weechat" ||
		list[1].RevokedAt == nil || !list[1].RevokedAt.Equal(second.CreatedAt) {
		t.Errorf("list = %+v, %v", list, err)
	}
	if list, err := w.Passwords(t.Context(), bob.ID); err != nil || len(list) != 0 {
		t.Errorf("bob sees %+v, %v", list, err)
	}
}

func TestPasswordNames(t *testing.T) {
	w := newWorld(t)
	ada := w.named(t, "ada")
	for _, name := range []string{"irssi", "my phone", "téléphone 📱", strings.Repeat("ä", 64)} {
		if _, p := w.password(t, ada, name); p.Name != name {
			t.Errorf("name = %q, want %q", p.Name, name)
		}
	}
	for _, name := range []string{"", "  ", "a\nb", "a\rb", "a\x00b", "\x1b[31m", "a\u202Eb", "\xff", strings.Repeat("ä", 65)} {
		_, _, err := w.CreatePassword(t.Context(), ada.ID, name)
		if !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)["name"] == "" {
			t.Errorf("CreatePassword(%q): %v", name, err)
		}
	}
}

func TestTheNumberOfLivePasswordsIsLimitedAlsoInARace(t *testing.T) {
	w := newWorld(t)
	ada := w.named(t, "ada")
	var wg sync.WaitGroup
	for range account.MaxPasswords + 5 {
		wg.Go(func() {
			if _, _, err := w.CreatePassword(t.Context(), ada.ID, "client"); err != nil && !fault.Is(err, fault.OverQuota) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, err := w.Passwords(t.Context(), ada.ID)
	if err != nil || len(list) != account.MaxPasswords {
		t.Fatalf("%d passwords, want %d (%v)", len(list), account.MaxPasswords, err)
	}
	if err := w.RevokePassword(t.Context(), ada.ID, list[0].ID); err != nil {
		t.Fatal(err)
	}
	w.password(t, ada, "room for one more")
	if _, _, err := w.CreatePassword(t.Context(), "00000000-0000-0000-0000-000000000000", "x"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown user: %v", err)
	}
}
