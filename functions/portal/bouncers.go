package portal

import (
	"context"
	"html/template"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
)

const (
	stateAge      = 2 * time.Second // how old a shown state may be
	stateDeadline = 3 * time.Second // how long a page waits for the bouncer before it says that it is away
	maxStates     = 10_000
)

// bouncerState is what the user's bouncer said last about their networks. A user's own bouncer is theirs while it is
// ready; before and otherwise it is the shared one.
type bouncerState struct {
	Networks []bouncer.Upstream
	Err      error  // why there is no answer; nil when the bouncer is up
	Host     string // of the user's own bouncer; empty for the shared one
	Pending  bool   // the user has a bouncer of their own that is not ready

	admin  *bouncer.Admin // of the bouncer that answered
	panels *panels        // what the dashboard makes of it
}

// Up reports whether the bouncer answered.
func (s bouncerState) Up() bool { return s.Err == nil }

// Own reports whether the user's own bouncer answered, or should have.
func (s bouncerState) Own() bool { return s.Host != "" }

// panels are the part of a dashboard that changes with the bouncer's state alone, rendered when they are first shown.
type panels struct {
	once sync.Once
	html template.HTML
	err  error
}

func (p *panels) get(render func() (template.HTML, error)) (template.HTML, error) {
	p.once.Do(func() { p.html, p.err = render() })
	return p.html, p.err
}

// bouncers asks users' bouncers about them, at most once each [stateAge] per user, and sees to it that they exist there.
type bouncers struct {
	shared *bouncer.Admin
	own    *ownBouncers // nil where there is no cluster
	log    *slog.Logger
	now    func() time.Time
	// patience is how long a page waits for the bouncer before it says that it is away.
	patience time.Duration

	mu     sync.Mutex
	states map[account.Handle]*knownState
}

// knownState is one user's entry. Its own mutex makes concurrent pages of one user wait for one question.
type knownState struct {
	mu      sync.Mutex
	state   bouncerState
	asked   time.Time
	plan    account.Plan // the user's when it was asked; another one is shown at once
	ensured ensured      // what a bouncer was told last

	own   *v1alpha1.SojuBouncer // the user's own as it was found last; nil for none
	found bool                  // whether own is known
}

// ensured is a limit of networks that a bouncer was told. The zero value is none.
type ensured struct {
	told  bool
	limit int
	uid   types.UID // of the user's own bouncer; empty for the shared one
}

func newBouncers(shared *bouncer.Admin, own *ownBouncers, log *slog.Logger) *bouncers {
	return &bouncers{shared: shared, own: own, log: log, now: time.Now, patience: stateDeadline, states: map[account.Handle]*knownState{}}
}

// State is the user's networks as of at most [stateAge] ago. A bouncer that is away is part of the answer; the user
// is made there at the first visit that finds it up.
func (b *bouncers) State(ctx context.Context, user account.User) bouncerState {
	known := b.entry(user.Handle)
	known.mu.Lock()
	defer known.mu.Unlock()
	if !known.asked.IsZero() && b.now().Sub(known.asked) < stateAge && known.plan == user.Plan {
		return known.state
	}
	// The answer is for the user's other pages as well, so it does not end with this one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.patience)
	defer cancel()
	known.state = b.ask(ctx, known, user)
	known.asked, known.plan = b.now(), user.Plan
	return known.state
}

// Fresh is State that does not settle for an older answer, for what is about to be changed.
func (b *bouncers) Fresh(ctx context.Context, user account.User) bouncerState {
	b.Forget(user)
	return b.State(ctx, user)
}

// Forget makes the next State ask again. Call it after each change.
func (b *bouncers) Forget(user account.User) {
	known := b.entry(user.Handle)
	known.mu.Lock()
	defer known.mu.Unlock()
	known.asked = time.Time{}
}

func (b *bouncers) ask(ctx context.Context, known *knownState, user account.User) bouncerState {
	state := bouncerState{admin: b.shared, panels: &panels{}}
	own, err := b.find(ctx, known, user)
	if err != nil {
		return b.away(ctx, state, err)
	}
	now := ensured{told: true, limit: user.Entitlements().UpstreamNetworks}
	if ready(own) {
		state.admin, state.Host, now.uid = b.own.dedicated.Admin(own.Name), b.own.host(user.Handle, own), own.UID
	}
	state.Pending = own != nil && !ready(own)
	if known.ensured != now {
		if err := state.admin.EnsureUser(ctx, string(user.Handle), now.limit); err != nil {
			return b.away(ctx, state, err)
		}
		known.ensured = now
	}
	state.Networks, err = state.admin.Upstreams(ctx, string(user.Handle))
	if err != nil {
		return b.away(ctx, state, err)
	}
	return state
}

// find gives the user's own bouncer, as it was last where nobody can tell how it is now. Where it was never known, who
// may have none is taken to have none; anybody else's networks could be on either bouncer.
func (b *bouncers) find(ctx context.Context, known *knownState, user account.User) (*v1alpha1.SojuBouncer, error) {
	if b.own == nil {
		return nil, nil //nolint:nilnil // no cluster, no bouncer of one's own
	}
	own, err := b.own.find(ctx, user.Handle)
	if err == nil {
		known.own, known.found = own, true
		return own, nil
	}
	if known.found || !account.Allows(user.Entitlements().DedicatedBouncers, 0) {
		return known.own, nil
	}
	return nil, err
}

func (b *bouncers) away(ctx context.Context, state bouncerState, err error) bouncerState {
	b.log.WarnContext(ctx, "the bouncer did not answer", "error", err)
	state.Err = err
	return state
}

func (b *bouncers) entry(handle account.Handle) *knownState {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, ok := b.states[handle]
	if !ok {
		if len(b.states) >= maxStates {
			clear(b.states) // asking again costs less than keeping track of who was here last
		}
		known = &knownState{}
		b.states[handle] = known
	}
	return known
}
