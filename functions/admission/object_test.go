package admission

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/event/outbox"
)

func TestWhatIsMore(t *testing.T) {
	network := func(running bool, clients int) object {
		return object{kind: networkKind, running: running, clients: clients}
	}
	for _, c := range []struct {
		old, now object
		more     bool
	}{
		{network(true, 50), network(true, 50), false},
		{network(true, 50), network(true, 51), true},
		{network(true, 51), network(true, 50), false},
		{network(true, 50), network(true, 0), true},
		{network(true, 0), network(true, 50), false},
		{network(true, 0), network(true, 0), false},
		{network(true, 50), network(false, 50), false},
		{network(false, 50), network(true, 50), true},
		{network(false, 50), network(false, 200), true},
	} {
		if got := c.now.moreThan(c.old); got != c.more {
			t.Errorf("from %+v to %+v: %v, want %v", c.old, c.now, got, c.more)
		}
	}
}

func TestCounting(t *testing.T) {
	running, asleep, going := present{name: "other", running: true}, present{name: "other"}, present{name: "other", running: true, deleting: true}
	claim := func(kind, name string) account.OpenClaim {
		return account.OpenClaim{Kind: kind, Name: name, Left: 1500 * time.Millisecond}
	}
	for what, c := range map[string]struct {
		there   []present
		open    []account.OpenClaim
		waking  bool
		refusal string
	}{
		"alone":                           {},
		"itself":                          {there: []present{{name: "ada", running: true}}},
		"beside another":                  {there: []present{running}, refusal: "Delete one first."},
		"beside one that sleeps":          {there: []present{asleep}, refusal: "Delete one first."},
		"waking beside one that sleeps":   {there: []present{asleep}, waking: true},
		"waking beside one that runs":     {there: []present{running}, waking: true, refusal: "Delete one first."},
		"beside one that goes":            {there: []present{going}},
		"beside a claim":                  {open: []account.OpenClaim{claim(bouncerKind, "other")}, refusal: `"other" was let in a moment ago. If there is none of that name, try again in 2 seconds.`},
		"beside another kind's claim":     {open: []account.OpenClaim{claim(networkKind, "other")}},
		"beside the claim of what goes":   {there: []present{going}, open: []account.OpenClaim{claim(bouncerKind, "other")}},
		"waking beside one that may wake": {there: []present{asleep}, open: []account.OpenClaim{claim(bouncerKind, "other")}, waking: true, refusal: "let in a moment ago"},
	} {
		w := wish{object: object{kind: bouncerKind, name: "ada", owner: "ada"}, of: anyOf}
		if c.waking {
			w.of = awake
		}
		err := checkCount(w, account.EntitlementsFor(account.Pro), c.there, c.open)
		if (err != nil) != (c.refusal != "") || err != nil && !strings.Contains(err.Error(), c.refusal) {
			t.Errorf("%s: %v, want %q", what, err, c.refusal)
		}
	}
}

func TestPatience(t *testing.T) {
	for query, want := range map[string]time.Duration{
		"": longest, "?timeout=10s": longest, "?timeout=1s": 700 * time.Millisecond, "?timeout=30s": longest,
		"?timeout=0s": longest, "?timeout=-1s": longest, "?timeout=x": longest,
	} {
		if got := patience(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate"+query, http.NoBody)); got != want {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
	}
}

// dawdler is a cluster that says how long it may take.
type dawdler struct{ left time.Duration }

func (d *dawdler) list(ctx context.Context, _, _ string) ([]present, error) {
	deadline, _ := ctx.Deadline()
	d.left = time.Until(deadline)
	return nil, nil
}

func TestADecisionEndsWithItsReview(t *testing.T) {
	f, d := New(), &dawdler{}
	err := f.Start(t.Context(), map[string]string{
		"ACCOUNTS_DATABASE_URL": storetest.Migrated(t, account.Migrations, outbox.Migrations), "TENANT_NAMESPACE": "tenants", "OWNER_CHANGERS": "portal",
		"KUBERNETES_API_URL": "http://127.0.0.1:1", "KUBERNETES_CA_FILE": "", "KUBERNETES_TOKEN_FILE": "",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Stop(t.Context()) })
	f.cluster = d
	accounts, err := f.accounts.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user, _, err := accounts.SignIn(t.Context(), "subject", "")
	if err == nil {
		_, err = accounts.ChooseHandle(t.Context(), user.ID, "ada")
	}
	if err == nil {
		_, err = f.accounts.Exec(t.Context(), `UPDATE account SET plan = $1`, account.Pro)
	}
	if err != nil {
		t.Fatal(err)
	}
	const review = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1","namespace":"tenants",
		"kind":{"group":"irc.now","version":"v1alpha1","kind":"SojuBouncer"},"operation":"CREATE","userInfo":{},
		"object":{"metadata":{"name":"ada","namespace":"tenants","labels":{"irc.now/owner":"ada"}},"spec":{"owner":"ada","role":"dedicated"}}}}`
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path+"?timeout=9s", strings.NewReader(review))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	f.Handle(w, r)
	if d.left <= 0 || d.left > 6300*time.Millisecond {
		t.Errorf("the cluster may take %v of a review of nine seconds: %s", d.left, w.Body)
	}
}

func FuzzReview(f *testing.F) {
	const review = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1",
		"kind":{"group":"irc.now","version":"v1alpha1","kind":"ErgoNetwork"},"operation":"UPDATE","userInfo":{},
		"object":{"metadata":{"name":"ada","labels":{"irc.now/owner":"ada"}},"spec":{"owner":"ada","maxClients":7}},
		"oldObject":{"metadata":{"name":"ada"},"spec":{"owner":"ada","hosting":"growth"}}}}`
	f.Add(review)
	f.Add(strings.Replace(review, "ErgoNetwork", "SojuBouncer", 1))
	f.Add(strings.Replace(review, `"labels":{`, `"labels":null,"x":{`, 1))
	f.Add(strings.Replace(review, `"oldObject"`, `"object"`, 1))
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		request, err := readReview(httptest.NewRecorder(), r)
		if err != nil {
			return
		}
		now, _, err := readObjects(request)
		if err == nil && now.name == "" {
			t.Errorf("an object without a name was read from %q", body)
		}
	})
}
