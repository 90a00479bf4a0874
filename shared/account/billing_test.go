package account_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/event"
	"irc.now/shared/event/inbox"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// payer is an account that is Stripe's customer "cus_1".
type payer struct {
	*account.Store
	pool *pgxpool.Pool
	user account.User
	now  time.Time
}

func newPayer(t *testing.T) *payer {
	t.Helper()
	url := storetest.Migrated(t, account.Migrations, outbox.Migrations, inbox.Migrations)
	pool, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	p := &payer{pool: pool, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	p.Store = account.NewStore(pool, account.WithClock(func() time.Time { return p.now }))
	if p.user, _, err = p.SignIn(t.Context(), "payer", "payer@example.org"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.LinkCustomer(t.Context(), p.user.ID, "cus_1"); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *payer) customer(t *testing.T) account.Customer {
	t.Helper()
	customer, _, err := p.CustomerForEvent(t.Context(), "cus_1", inbox.Key{})
	if err != nil {
		t.Fatal(err)
	}
	return customer
}

func (p *payer) sync(t *testing.T, to account.BillingState) (synced account.Synced, err error) {
	t.Helper()
	return p.Sync(t.Context(), p.pool, p.customer(t), to, inbox.Key{})
}

func TestSyncGivesAndTakesHoldings(t *testing.T) {
	p := newPayer(t)
	end := p.now.AddDate(0, 1, 0)
	up, err := p.sync(t, account.BillingState{
		Standing: account.Paid, PeriodEnd: &end,
		Holdings: account.Holdings{Plan: account.Pro, Hosting: account.Growth, LogSearch: true, ExtraBots: 2},
	})
	if err != nil || !up.Changed() || up.KeepUntil != nil || up.Before.Plan != account.Free {
		t.Fatalf("upgrade: %+v, %v", up, err)
	}
	user, err := p.ByID(t.Context(), p.user.ID)
	if err != nil || user.Entitlements().Bots != 17 || user != up.After {
		t.Errorf("after the upgrade: %+v, %v", user, err)
	}

	same, err := p.sync(t, account.BillingState{
		Standing: account.Ending, PeriodEnd: &end, Holdings: up.After.Holdings(),
	})
	if err != nil || same.Changed() {
		t.Errorf("the same again: %+v, %v", same, err)
	}

	down, err := p.sync(t, account.BillingState{Standing: account.Ended})
	if err != nil || !down.Changed() || down.KeepUntil == nil || !down.KeepUntil.Equal(p.now.Add(account.Grace)) {
		t.Fatalf("downgrade: %+v, %v", down, err)
	}
	billing, err := p.BillingOf(t.Context(), p.user.ID)
	if err != nil || billing.Standing != account.Ended || billing.PeriodEnd != nil || billing.Version != 3 ||
		billing.KeepUntil == nil || !billing.KeepUntil.Equal(*down.KeepUntil) {
		t.Errorf("after the downgrade: %+v, %v", billing, err)
	}
}

func TestSyncRefusesWhatWasReadBeforeAnotherWrote(t *testing.T) {
	p := newPayer(t)
	early := p.customer(t)
	pro := account.BillingState{Standing: account.Paid, Holdings: account.Holdings{Plan: account.Pro}}
	if _, err := p.sync(t, pro); err != nil {
		t.Fatal(err)
	}
	_, err := p.Sync(t.Context(), p.pool, early, account.BillingState{Standing: account.Ended}, inbox.Key{})
	if !errors.Is(err, account.ErrMoved) {
		t.Errorf("got %v, want ErrMoved", err)
	}
	if user, _ := p.ByID(t.Context(), p.user.ID); user.Plan != account.Pro {
		t.Errorf("the stale state made the plan %q", user.Plan)
	}
}

func TestSyncAppliesAnEventOnceAndTellsOfTheChange(t *testing.T) {
	p := newPayer(t)
	key := inbox.Key{Consumer: "billing", Source: "/stripe", ID: "evt_1"}
	pro := account.BillingState{Standing: account.Paid, Holdings: account.Holdings{Plan: account.Pro}}
	if _, err := p.Sync(t.Context(), p.pool, p.customer(t), pro, key); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Sync(t.Context(), p.pool, p.customer(t), account.BillingState{Standing: account.Ended}, key); !errors.Is(err, account.ErrMoved) {
		t.Errorf("the same event again: %v", err)
	}
	if user, _ := p.ByID(t.Context(), p.user.ID); user.Plan != account.Pro {
		t.Errorf("the repeated event made the plan %q", user.Plan)
	}
	if told := p.told(t, event.PlanChangedType); told != 1 {
		t.Errorf("the change was told %d times", told)
	}
}

// told counts the events of a type in the outbox.
func (p *payer) told(t *testing.T, kind string) (count int) {
	t.Helper()
	err := p.pool.QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE event::jsonb->>'type' = $1`, kind).Scan(&count)
	if err != nil {
		t.Fatal(err)
	}
	return count
}

func TestNobodyBecomesAnothersCustomer(t *testing.T) {
	p := newPayer(t)
	other, _, err := p.SignIn(t.Context(), "other", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.LinkCustomer(t.Context(), other.ID, "cus_2"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReplaceCustomer(t.Context(), p.user.ID, "cus_1", "cus_3"); err != nil {
		t.Fatal(err)
	}
	for _, taken := range []string{"cus_1", "cus_3"} {
		if billing, err := p.ReplaceCustomer(t.Context(), other.ID, "cus_2", taken); err == nil {
			t.Errorf("%s: %+v", taken, billing)
		}
	}
}

func TestACustomerOfNobodyIsNotFound(t *testing.T) {
	p := newPayer(t)
	if _, _, err := p.CustomerForEvent(t.Context(), "cus_stranger", inbox.Key{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("find: %v", err)
	}
	for _, nobody := range []string{"9e107d9d-372b-4d6e-8a1f-000000000000", "no uuid"} {
		if _, _, err := p.PayerForEvent(t.Context(), nobody, inbox.Key{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("find by account %q: %v", nobody, err)
		}
	}
}

func TestADeletedCustomerIsReplacedOnce(t *testing.T) {
	p := newPayer(t)
	stale := p.customer(t)
	for _, fresh := range []string{"cus_2", "cus_3"} {
		billing, err := p.ReplaceCustomer(t.Context(), p.user.ID, "cus_1", fresh)
		if err != nil || billing.CustomerID != "cus_2" {
			t.Errorf("%s: %+v, %v", fresh, billing, err)
		}
	}
	if told := p.told(t, event.SyncRequestedType); told != 1 {
		t.Errorf("a sync was asked for %d times", told)
	}
	if _, err := p.Sync(t.Context(), p.pool, stale, account.BillingState{Standing: account.Paid}, inbox.Key{}); !errors.Is(err, account.ErrMoved) {
		t.Errorf("what the deleted customer had is written: %v", err)
	}
	var former []string
	if err := p.pool.QueryRow(t.Context(), `SELECT former_customers FROM billing`).Scan(&former); err != nil || !slices.Equal(former, []string{"cus_1"}) {
		t.Errorf("the former customers are %v, %v", former, err)
	}
}

func TestTheFirstCustomerStays(t *testing.T) {
	p := newPayer(t)
	billing, err := p.LinkCustomer(t.Context(), p.user.ID, "cus_2")
	if err != nil || billing.CustomerID != "cus_1" {
		t.Errorf("got %+v, %v", billing, err)
	}
	other, _, err := p.SignIn(t.Context(), "other", "")
	if err != nil {
		t.Fatal(err)
	}
	if billing, err := p.BillingOf(t.Context(), other.ID); err != nil || billing.CustomerID != "" ||
		billing.Standing != account.NeverPaid {
		t.Errorf("who never paid: %+v, %v", billing, err)
	}
	if _, err := p.LinkCustomer(t.Context(), other.ID, "cus_1"); err == nil {
		t.Error("two accounts share a customer")
	}
}

func TestAnEventIsMarkedOnce(t *testing.T) {
	p := newPayer(t)
	key := inbox.Key{Consumer: "billing", Source: "/stripe", ID: "evt_1"}
	mark := func() (first bool, err error) {
		err = store.InTx(t.Context(), p.pool, func(tx pgx.Tx) error {
			first, err = inbox.Mark(t.Context(), tx, key, p.now)
			return err
		})
		return first, err
	}
	if _, done, err := p.CustomerForEvent(t.Context(), "cus_1", key); done || err != nil {
		t.Errorf("before: %v, %v", done, err)
	}
	if first, err := mark(); !first || err != nil {
		t.Errorf("first: %v, %v", first, err)
	}
	if first, err := mark(); first || err != nil {
		t.Errorf("second: %v, %v", first, err)
	}
	if _, done, err := p.CustomerForEvent(t.Context(), "cus_1", key); !done || err != nil {
		t.Errorf("after: %v, %v", done, err)
	}
	if err := inbox.Forget(t.Context(), p.pool, p.now.AddDate(0, 3, 0)); err != nil {
		t.Fatal(err)
	}
	if _, done, _ := p.CustomerForEvent(t.Context(), "cus_1", key); done {
		t.Error("an old mark is kept for ever")
	}
}
