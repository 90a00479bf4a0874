package portal_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
)

const adminToken = "admin-token-of-tests"

// fakeBouncer stands at the HTTP boundary for bounceradmin, whose real self is tested with the real soju. Every user
// may have max networks.
type fakeBouncer struct {
	*httptest.Server // nil for one that is reached by another way than its address

	mu       sync.Mutex
	token    string
	mux      *http.ServeMux
	away     bool
	refuse   *bouncer.Problem // answers every write with this
	users    map[string]int   // by name: the limit that was set
	networks map[string][]bouncer.Upstream
	specs    []bouncer.UpstreamSpec // as they came in
	asked    int                    // how often networks were listed
	next     int64
}

func startBouncer(t testing.TB) *fakeBouncer {
	t.Helper()
	b := newBouncer(adminToken)
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func newBouncer(token string) *fakeBouncer {
	mux := http.NewServeMux()
	b := &fakeBouncer{token: token, mux: mux, users: map[string]int{}, networks: map[string][]bouncer.Upstream{}}
	mux.HandleFunc("PUT /v1/users/{user}", b.ensure)
	mux.HandleFunc("GET /v1/users/{user}/networks", b.list)
	mux.HandleFunc("POST /v1/users/{user}/networks", b.write(b.create))
	mux.HandleFunc("PUT /v1/users/{user}/network", b.write(b.update))
	mux.HandleFunc("DELETE /v1/users/{user}/network", b.write(b.remove))
	mux.HandleFunc("PUT /v1/users/{user}/network/enabled", b.write(b.enable))
	return b
}

func (b *fakeBouncer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "Bearer "+b.token:
		w.WriteHeader(http.StatusUnauthorized)
	case b.away:
		answer(w, http.StatusServiceUnavailable, bouncer.Problem{Kind: fault.Unavailable.String(), Sentence: "The bouncer is starting."})
	default:
		b.mux.ServeHTTP(w, r)
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a portal that has gone away
}

func (b *fakeBouncer) with(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *fakeBouncer) write(do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if b.refuse != nil {
			answer(w, http.StatusConflict, *b.refuse)
			return
		}
		do(w, r)
	}
}

func (b *fakeBouncer) ensure(w http.ResponseWriter, r *http.Request) {
	var limit bouncer.MaxNetworks
	if err := json.NewDecoder(r.Body).Decode(&limit); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.users[r.PathValue("user")] = limit.MaxNetworks
	w.WriteHeader(http.StatusNoContent)
}

func (b *fakeBouncer) list(w http.ResponseWriter, r *http.Request) {
	b.asked++
	networks := b.networks[r.PathValue("user")]
	if networks == nil {
		networks = []bouncer.Upstream{}
	}
	answer(w, http.StatusOK, networks)
}

func (b *fakeBouncer) create(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user")
	spec := b.read(r)
	b.next++
	b.networks[user] = append(b.networks[user], networkFrom(b.next, spec))
	w.WriteHeader(http.StatusNoContent)
}

func (b *fakeBouncer) read(r *http.Request) bouncer.UpstreamSpec {
	data, _ := io.ReadAll(r.Body)
	spec, _ := bouncer.DecodeSpec(data)
	b.specs = append(b.specs, spec)
	return spec
}

func networkFrom(id int64, spec bouncer.UpstreamSpec) bouncer.Upstream {
	return bouncer.Upstream{
		ID: id, Name: spec.Name, Host: spec.Host, Port: spec.Port, TLS: spec.TLS, Nick: spec.Nick, RealName: spec.RealName,
		SASLUsername: spec.SASLUsername, ServerPasswordSet: spec.ServerPassword != "", Channels: spec.Channels,
		Enabled: true, State: bouncer.Connected,
	}
}

// named finds the network that a request is about.
func (b *fakeBouncer) named(r *http.Request) int {
	return slices.IndexFunc(b.networks[r.PathValue("user")], func(n bouncer.Upstream) bool { return n.Name == r.FormValue("name") })
}

func (b *fakeBouncer) update(w http.ResponseWriter, r *http.Request) {
	i := b.named(r)
	if i < 0 {
		answer(w, http.StatusNotFound, bouncer.Problem{Kind: fault.NotFound.String(), Sentence: "No such network."})
		return
	}
	networks := b.networks[r.PathValue("user")]
	networks[i] = networkFrom(networks[i].ID, b.read(r))
	w.WriteHeader(http.StatusNoContent)
}

func (b *fakeBouncer) remove(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user")
	if i := b.named(r); i >= 0 {
		b.networks[user] = slices.Delete(b.networks[user], i, i+1)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (b *fakeBouncer) enable(w http.ResponseWriter, r *http.Request) {
	var on bouncer.Enabled
	i := b.named(r)
	if i < 0 || json.NewDecoder(r.Body).Decode(&on) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	network := &b.networks[r.PathValue("user")][i]
	network.Enabled, network.State = on.Enabled, bouncer.Disabled
	if on.Enabled {
		network.State = bouncer.Connecting
	}
	w.WriteHeader(http.StatusNoContent)
}

// give puts a network into the bouncer behind the portal's back.
func (b *fakeBouncer) give(user string, network bouncer.Upstream) {
	b.with(func() { b.networks[user] = append(b.networks[user], network) })
}

// lastSpec is the network as it was asked for last.
func (b *fakeBouncer) lastSpec(t *testing.T) bouncer.UpstreamSpec {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.specs) == 0 {
		t.Fatal("the bouncer was asked for no network")
	}
	return b.specs[len(b.specs)-1]
}

// names are the user's networks by name.
func (b *fakeBouncer) names(user string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for _, network := range b.networks[user] {
		names = append(names, network.Name)
	}
	return strings.Join(names, " ")
}
