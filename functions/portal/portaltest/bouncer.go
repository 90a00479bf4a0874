package portaltest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
)

const adminToken = "admin-token-of-tests"

// Bouncer stands at the HTTP boundary for bounceradmin, whose real self is tested with the real soju. Its fields are for
// [Bouncer.With].
type Bouncer struct {
	*httptest.Server // nil for one that is reached by another way than its address

	Away      bool
	Busy      bool                          // what can be done later is
	Refuse    *bouncer.Problem              // answers every write with this
	Users     map[string]int                // by name: the limit that was set
	Upstreams map[string][]bouncer.Upstream // by user
	Specs     []bouncer.UpstreamSpec        // as they came in
	Asked     int                           // how often upstreams were listed
	Seen      map[string]time.Time          // by user: when a client came in or left last

	mu    sync.Mutex
	token string
	mux   *http.ServeMux
	next  int64
}

// StartBouncer starts one that the environment of [Rig.Env] leads to.
func StartBouncer(t testing.TB) *Bouncer {
	t.Helper()
	b := NewBouncer(adminToken)
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

// NewBouncer makes one that is served by somebody else.
func NewBouncer(token string) *Bouncer {
	mux := http.NewServeMux()
	b := &Bouncer{token: token, mux: mux, Users: map[string]int{}, Upstreams: map[string][]bouncer.Upstream{}, Seen: map[string]time.Time{}}
	mux.HandleFunc("GET /v1/users/{user}/seen", func(w http.ResponseWriter, r *http.Request) {
		Answer(w, http.StatusOK, bouncer.ClientSeen{At: b.Seen[r.PathValue("user")]})
	})
	mux.HandleFunc("PUT /v1/users/{user}", b.ensure)
	mux.HandleFunc("GET /v1/users/{user}/networks", b.list)
	mux.HandleFunc("POST /v1/users/{user}/networks", b.write(b.create))
	mux.HandleFunc("PUT /v1/users/{user}/network", b.write(b.update))
	mux.HandleFunc("DELETE /v1/users/{user}/network", b.write(b.remove))
	mux.HandleFunc("PUT /v1/users/{user}/network/enabled", b.write(b.enable))
	mux.HandleFunc("POST /v1/users/{user}/network/reconnect", b.write(func(w http.ResponseWriter, _ *http.Request) { b.outcome(w) }))
	mux.HandleFunc("POST /v1/users/{user}/network/certificate", b.write(b.certify))
	mux.HandleFunc("DELETE /v1/users/{user}/network/certificate", b.write(b.certify))
	return b
}

// ServeHTTP answers as bounceradmin does.
func (b *Bouncer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "Bearer "+b.token:
		w.WriteHeader(http.StatusUnauthorized)
	case b.Away:
		Answer(w, http.StatusServiceUnavailable, bouncer.Problem{Kind: fault.Unavailable.String(), Sentence: "The bouncer is starting."})
	default:
		b.mux.ServeHTTP(w, r)
	}
}

// Answer writes JSON.
func Answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a portal that has gone away
}

// With runs change while nobody is served.
func (b *Bouncer) With(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *Bouncer) write(do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if b.Refuse != nil {
			Answer(w, http.StatusConflict, *b.Refuse)
			return
		}
		do(w, r)
	}
}

func (b *Bouncer) ensure(w http.ResponseWriter, r *http.Request) {
	var limit bouncer.MaxNetworks
	if err := json.NewDecoder(r.Body).Decode(&limit); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.Users[r.PathValue("user")] = limit.MaxNetworks
	w.WriteHeader(http.StatusNoContent)
}

func (b *Bouncer) list(w http.ResponseWriter, r *http.Request) {
	b.Asked++
	upstreams := b.Upstreams[r.PathValue("user")]
	if upstreams == nil {
		upstreams = []bouncer.Upstream{}
	}
	Answer(w, http.StatusOK, upstreams)
}

func (b *Bouncer) create(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user")
	spec := b.read(r)
	for _, there := range b.Upstreams[user] {
		switch {
		case there.Name == spec.Name && reflect.DeepEqual(there, upstreamFrom(there.ID, spec)):
			w.WriteHeader(http.StatusNoContent)
			return
		case there.Name == spec.Name:
			Answer(w, http.StatusConflict, bouncer.Problem{Kind: fault.Conflict.String(), Sentence: "You already have a network of that name."})
			return
		}
	}
	b.next++
	b.Upstreams[user] = append(b.Upstreams[user], upstreamFrom(b.next, spec))
	w.WriteHeader(http.StatusNoContent)
}

func (b *Bouncer) read(r *http.Request) bouncer.UpstreamSpec {
	data, _ := io.ReadAll(r.Body)
	spec, _ := bouncer.DecodeSpec(data)
	b.Specs = append(b.Specs, spec)
	return spec
}

func upstreamFrom(id int64, spec bouncer.UpstreamSpec) bouncer.Upstream {
	made := bouncer.Upstream{
		ID: id, Name: spec.Name, Host: spec.Host, Port: spec.Port, TLS: spec.TLS, Nick: spec.Nick, RealName: spec.RealName,
		SASLUsername: spec.SASLUsername, ServerPasswordSet: spec.ServerPassword != "", Channels: spec.Channels,
		Enabled: true, State: bouncer.Connected,
	}
	if more := spec.More; more != nil {
		made.Pinned, made.NoAutoAway, made.Commands = more.Pinned, more.NoAutoAway, len(more.Commands)
		for _, key := range more.Keys {
			channel, _, _ := strings.Cut(key, " ")
			made.Keyed = append(made.Keyed, channel)
		}
	}
	return made
}

// named finds the upstream that a request is about.
func (b *Bouncer) named(r *http.Request) int {
	return slices.IndexFunc(b.Upstreams[r.PathValue("user")], func(n bouncer.Upstream) bool { return n.Name == r.FormValue("name") })
}

func (b *Bouncer) update(w http.ResponseWriter, r *http.Request) {
	i := b.named(r)
	if i < 0 {
		Answer(w, http.StatusNotFound, bouncer.Problem{Kind: fault.NotFound.String(), Sentence: "No such network."})
		return
	}
	upstreams := b.Upstreams[r.PathValue("user")]
	upstreams[i] = upstreamFrom(upstreams[i].ID, b.read(r))
	w.WriteHeader(http.StatusNoContent)
}

func (b *Bouncer) remove(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user")
	switch i := b.named(r); {
	case i >= 0 && b.Busy:
		b.Upstreams[user][i].State = bouncer.Removing
	case i >= 0:
		b.Upstreams[user] = slices.Delete(b.Upstreams[user], i, i+1)
	}
	b.outcome(w)
}

// outcome answers what may be done later.
func (b *Bouncer) outcome(w http.ResponseWriter) {
	Answer(w, http.StatusOK, bouncer.Outcome{Later: b.Busy})
}

// certify makes or drops an upstream's certificate.
func (b *Bouncer) certify(w http.ResponseWriter, r *http.Request) {
	i := b.named(r)
	if i < 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	upstream := &b.Upstreams[r.PathValue("user")][i]
	upstream.Certificate, upstream.SignIn = nil, ""
	if r.Method == http.MethodPost {
		upstream.Certificate, upstream.SASLUsername = &bouncer.Certificate{SHA1: "aa01", SHA256: "bb02", SHA512: "cc03"}, ""
	}
	w.WriteHeader(http.StatusNoContent)
}

func (b *Bouncer) enable(w http.ResponseWriter, r *http.Request) {
	var on bouncer.Enabled
	i := b.named(r)
	if i < 0 || json.NewDecoder(r.Body).Decode(&on) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	upstream := &b.Upstreams[r.PathValue("user")][i]
	upstream.Enabled, upstream.State = on.Enabled, bouncer.Disabled
	if on.Enabled {
		upstream.State = bouncer.Connecting
	}
	b.outcome(w)
}

// Give puts an upstream into the bouncer behind the portal's back.
func (b *Bouncer) Give(user string, upstream bouncer.Upstream) {
	b.With(func() { b.Upstreams[user] = append(b.Upstreams[user], upstream) })
}

// LastSpec is the upstream as it was asked for last.
func (b *Bouncer) LastSpec(t testing.TB) bouncer.UpstreamSpec {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.Specs) == 0 {
		t.Fatal("the bouncer was asked for no network")
	}
	return b.Specs[len(b.Specs)-1]
}

// Names are the user's upstreams by name.
func (b *Bouncer) Names(user string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for _, upstream := range b.Upstreams[user] {
		names = append(names, upstream.Name)
	}
	return strings.Join(names, " ")
}
