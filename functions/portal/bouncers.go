package portal

import (
	"context"
	"html/template"
	"log/slog"
	"sync"
	"time"

	"irc.now/shared/account"
	"irc.now/shared/bouncer"
)

const (
	stateAge      = 2 * time.Second // how old a shown state may be
	stateDeadline = 3 * time.Second // how long a page waits for the bouncer before it says that it is away
	maxStates     = 10_000
)

// bouncerState is what the bouncer said last about a user's networks.
type bouncerState struct {
	Networks []bouncer.Network
	Err      error // why there is no answer; nil when the bouncer is up

	panels *panels // what the dashboard makes of it
}

// Up reports whether the bouncer answered.
func (s bouncerState) Up() bool { return s.Err == nil }

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

// bouncers asks the bouncer about users, at most once each [stateAge] per user, and sees to it that they exist there.
type bouncers struct {
	*bouncer.Admin
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	states map[account.Handle]*knownState
}

// knownState is one user's entry. Its own mutex makes concurrent pages of one user wait for one question.
type knownState struct {
	mu      sync.Mutex
	state   bouncerState
	asked   time.Time
	plan    account.Plan // the user's when it was asked; another one is shown at once
	ensured *int         // the limit of networks that the bouncer was told; nil before
}

func newBouncers(admin *bouncer.Admin, log *slog.Logger) *bouncers {
	return &bouncers{Admin: admin, log: log, now: time.Now, states: map[account.Handle]*knownState{}}
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stateDeadline)
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
	limit := user.Entitlements().UpstreamNetworks
	if known.ensured == nil || *known.ensured != limit {
		if err := b.EnsureUser(ctx, string(user.Handle), limit); err != nil {
			return b.away(ctx, err)
		}
		known.ensured = &limit
	}
	networks, err := b.Networks(ctx, string(user.Handle))
	if err != nil {
		return b.away(ctx, err)
	}
	return bouncerState{Networks: networks, panels: &panels{}}
}

func (b *bouncers) away(ctx context.Context, err error) bouncerState {
	b.log.WarnContext(ctx, "the bouncer did not answer", "error", err)
	return bouncerState{Err: err, panels: &panels{}}
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
