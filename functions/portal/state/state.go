// Package state knows how the bouncer that serves a user is doing: which one it is, whether it answers, and what
// upstreams it is on. It sees to it that the user exists there, and changes nothing else.
package state

import (
	"context"
	"html/template"
	"log/slog"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"irc.now/functions/portal/dedicated"
	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
)

const (
	maxAge    = 2 * time.Second // how old a shown state may be
	deadline  = 3 * time.Second // how long a page waits for the bouncer before it says that it is away
	maxStates = 10_000
)

// Bouncer is what the bouncer that serves a user said last. A user's dedicated bouncer does while it is ready; before
// and otherwise it is the shared one.
type Bouncer struct {
	Upstreams []bouncer.Upstream
	Err       error          // why there is no answer; nil when the bouncer is up
	Host      string         // of the user's dedicated bouncer; empty for the shared one
	Pending   bool           // the user has a dedicated bouncer that is not ready
	Admin     *bouncer.Admin // of the bouncer that answered

	rendering *rendering
}

// Up reports whether the bouncer answered.
func (b Bouncer) Up() bool { return b.Err == nil }

// Dedicated reports whether the user's dedicated bouncer answered, or should have.
func (b Bouncer) Dedicated() bool { return b.Host != "" }

// HasRoom reports whether the plan has room for one more upstream.
func (b Bouncer) HasRoom(user account.User) bool {
	return account.Allows(user.Entitlements().UpstreamNetworks, bouncer.Counted(b.Upstreams))
}

// Has reports whether there is an upstream with the name and the address of what is wanted. Whether it is the same in all
// else only the bouncer knows, which has its passwords.
func (b Bouncer) Has(wanted bouncer.UpstreamSpec) bool {
	return slices.ContainsFunc(b.Upstreams, func(u bouncer.Upstream) bool { return u.Name == wanted.Name && u.Address() == wanted.Address() })
}

// Rendered gives what render made of this answer and of beside, which is all else that it depends on but the user and
// their plan. It is rendered again when beside, which must be comparable, is another one than before.
func (b Bouncer) Rendered(beside any, render func() (template.HTML, error)) (template.HTML, error) {
	r := b.rendering
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.beside == nil || r.beside != beside {
		html, err := render()
		if err != nil {
			return "", err
		}
		r.beside, r.html = beside, html
	}
	return r.html, nil
}

// rendering is the page that was rendered last.
type rendering struct {
	mu     sync.Mutex
	beside any
	html   template.HTML
}

// Config is what [New] needs.
type Config struct {
	Shared    *bouncer.Admin
	Dedicated *dedicated.Bouncers // nil where there is no cluster
	Log       *slog.Logger

	Now      func() time.Time // optional
	Patience time.Duration    // optional; how long a page waits for the bouncer before it says that it is away
}

// Cache asks users' bouncers about them, at most once each two seconds per user. It is safe for concurrent use.
type Cache struct {
	config Config

	mu    sync.Mutex
	known map[account.Handle]*known
}

// New makes a Cache.
func New(c Config) *Cache {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Patience == 0 {
		c.Patience = deadline
	}
	return &Cache{config: c, known: map[account.Handle]*known{}}
}

// known is one user's entry. Its own mutex makes concurrent pages of one user wait for one question.
type known struct {
	mu      sync.Mutex
	state   Bouncer
	asked   time.Time
	plan    account.Plan // the user's when it was asked; another one is shown at once
	ensured ensured      // what a bouncer was told last

	dedicated *v1alpha1.SojuBouncer // the user's as it was found last; nil for none
	found     bool                  // whether dedicated is known
}

// ensured is a limit of upstreams that a bouncer was told. The zero value is none.
type ensured struct {
	told  bool
	limit int
	uid   types.UID // of the user's dedicated bouncer; empty for the shared one
}

// Of is the state as of at most two seconds ago. A bouncer that is away is part of the answer; the user is made there at
// the first visit that finds it up.
func (c *Cache) Of(ctx context.Context, user account.User) Bouncer {
	entry := c.entry(user.Handle)
	entry.mu.Lock()
	defer entry.mu.Unlock()
	if !entry.asked.IsZero() && c.config.Now().Sub(entry.asked) < maxAge && entry.plan == user.Plan {
		return entry.state
	}
	// The answer is for the user's other pages as well, so it does not end with this one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.config.Patience)
	defer cancel()
	entry.state = c.ask(ctx, entry, user)
	entry.asked, entry.plan = c.config.Now(), user.Plan
	return entry.state
}

// Fresh is Of that takes no older answer, for what is about to be changed.
func (c *Cache) Fresh(ctx context.Context, user account.User) Bouncer {
	c.Forget(user)
	return c.Of(ctx, user)
}

// Forget makes the next Of ask again. Call it after each change.
func (c *Cache) Forget(user account.User) {
	entry := c.entry(user.Handle)
	entry.mu.Lock()
	defer entry.mu.Unlock()
	entry.asked = time.Time{}
}

func (c *Cache) ask(ctx context.Context, entry *known, user account.User) Bouncer {
	state := Bouncer{Admin: c.config.Shared, rendering: &rendering{}}
	found, err := c.find(ctx, entry, user)
	if err != nil {
		return c.away(ctx, state, err)
	}
	now := ensured{told: true, limit: user.Entitlements().UpstreamNetworks}
	if dedicated.Ready(found) {
		state.Admin, state.Host, now.uid = c.config.Dedicated.Admin(found.Name), c.config.Dedicated.Host(user.Handle, found), found.UID
	}
	state.Pending = found != nil && !dedicated.Ready(found)
	if entry.ensured != now {
		if err := state.Admin.EnsureUser(ctx, string(user.Handle), now.limit); err != nil {
			return c.away(ctx, state, err)
		}
		entry.ensured = now
	}
	state.Upstreams, err = state.Admin.Upstreams(ctx, string(user.Handle))
	if err != nil {
		return c.away(ctx, state, err)
	}
	return state
}

// find gives the user's dedicated bouncer, as it was last where nobody can tell how it is now. Where it was never known,
// who may have none is taken to have none; anybody else's upstreams could be on either bouncer.
func (c *Cache) find(ctx context.Context, entry *known, user account.User) (*v1alpha1.SojuBouncer, error) {
	if c.config.Dedicated == nil {
		return nil, nil // no cluster, no dedicated bouncer
	}
	found, err := c.config.Dedicated.Find(ctx, user.Handle)
	if err == nil {
		entry.dedicated, entry.found = found, true
		return found, nil
	}
	if entry.found || !account.Allows(user.Entitlements().DedicatedBouncers, 0) {
		return entry.dedicated, nil
	}
	return nil, err
}

func (c *Cache) away(ctx context.Context, state Bouncer, err error) Bouncer {
	c.config.Log.WarnContext(ctx, "the bouncer did not answer", "error", err)
	state.Err = err
	return state
}

func (c *Cache) entry(handle account.Handle) *known {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.known[handle]
	if !ok {
		if len(c.known) >= maxStates {
			clear(c.known) // asking again costs less than keeping track of who was here last
		}
		entry = &known{}
		c.known[handle] = entry
	}
	return entry
}
