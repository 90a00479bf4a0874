package functions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"irc.now/shared/background"
	"irc.now/shared/config"
	"irc.now/shared/function"
	"irc.now/shared/web"
)

// Hosted is functions hosted together as one: each request goes to the part whose host it names. It has the method set of
// Knative's Go functions, and each part is an instance with a log and metrics of its own. Make it with [NewHosted].
type Hosted struct {
	log *slog.Logger

	mu     sync.RWMutex
	parts  map[string]*function.Instance // by name; those that were started
	byHost map[string]*function.Instance
	only   *function.Instance // answers whatever the host, where FUNCTION names it
}

// NewHosted makes functions that log to log and have not been started.
func NewHosted(log *slog.Logger) *Hosted {
	return &Hosted{log: log, parts: map[string]*function.Instance{}, byHost: map[string]*function.Instance{}}
}

// Instrument takes the log. Each part has metrics of its own.
func (h *Hosted) Instrument(with function.Instruments) { h.log = with.Log }

// hostedSettings are the environment of the whole.
type hostedSettings struct {
	BaseURL  config.URL `env:"BASE_URL,required,notEmpty"` // of the public site, or of the one function
	Function string     `env:"FUNCTION"`                   // the one function to host; all public ones where empty
}

// Validate checks what the tags cannot.
func (s *hostedSettings) Validate() error {
	if _, known := Find(s.Function); s.Function != "" && !known {
		return errors.New("FUNCTION is no function of irc.now: docs/settings.md lists them")
	}
	return nil
}

// Start starts the public functions at their hosts below BASE_URL's, or the one that FUNCTION names, at any host. Each
// gets env, where a variable such as PORTAL__OIDC_CLIENT_ID is the portal's alone. All of them start, or none.
func (h *Hosted) Start(ctx context.Context, env map[string]string) error {
	var s hostedSettings
	if err := config.Load(env, &s); err != nil {
		return err
	}
	parts := Where(Part.Public)
	if one, is := Find(s.Function); is {
		parts = []Part{one}
	}
	var starts []func() error
	for _, part := range parts {
		h.add(part, s)
		starts = append(starts, func() error { return h.start(ctx, part, env, s) })
	}
	if err := background.Together(starts...); err != nil {
		return errors.Join(err, h.Stop(context.WithoutCancel(ctx)))
	}
	return nil
}

// add makes the part's instance. Requests for it wait until it has started.
func (h *Hosted) add(part Part, s hostedSettings) {
	instance := function.New(part.Name, part.New(), h.log.With(slog.String("part", part.Name)))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.parts[part.Name] = instance
	h.byHost[web.CanonicalHost(part.address(s.BaseURL).Host())] = instance
	if s.Function != "" {
		h.only = instance
	}
}

func (h *Hosted) start(ctx context.Context, part Part, env map[string]string, s hostedSettings) error {
	settings := part.Settings(env)
	if _, set := env[part.Variable("BASE_URL")]; !set && s.Function == "" {
		settings["BASE_URL"] = part.address(s.BaseURL).String()
	}
	if err := h.Part(part.Name).Start(ctx, settings); err != nil {
		return fmt.Errorf("start %s: %w", part.Name, err)
	}
	return nil
}

// address is where a public part is when the public site is at base.
func (p Part) address(base config.URL) config.URL {
	address := base.Parsed()
	if p.Host != "" {
		address.Host = p.Host + "." + address.Host
	}
	return config.URL(address.String())
}

// Part is the instance of the part called name; nil where it is not hosted, or Start has not begun.
func (h *Hosted) Part(name string) *function.Instance {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.parts[name]
}

// Handle answers one request. The Host header is hostile: it only ever chooses one of the parts, and a name that is none
// of theirs gets 421 (RFC 9110 section 15.5.20), which keeps names that somebody points here (DNS rebinding) away.
func (h *Hosted) Handle(w http.ResponseWriter, r *http.Request) {
	instance := h.partFor(r.Host)
	if instance == nil {
		function.Refuse(w, r, http.StatusMisdirectedRequest, "There is no site of this name here.")
		return
	}
	instance.ServeHTTP(w, r)
}

func (h *Hosted) partFor(host string) *function.Instance {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.only != nil {
		return h.only
	}
	return h.byHost[web.CanonicalHost(host)]
}

// instances are those that Start has made.
func (h *Hosted) instances() []*function.Instance {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make([]*function.Instance, 0, len(h.parts))
	for _, instance := range h.parts {
		all = append(all, instance)
	}
	return all
}

// Ready reports whether every part is ready.
func (h *Hosted) Ready(ctx context.Context) (bool, error) {
	return h.all(ctx, (*function.Instance).Ready)
}

// Alive reports whether every part is alive.
func (h *Hosted) Alive(ctx context.Context) (bool, error) {
	return h.all(ctx, (*function.Instance).Alive)
}

func (h *Hosted) all(ctx context.Context, hook func(*function.Instance, context.Context) (bool, error)) (bool, error) {
	for _, instance := range h.instances() {
		if yes, err := hook(instance, ctx); err != nil || !yes {
			return false, err
		}
	}
	return true, nil
}

// Drain tells every part that it is about to be stopped.
func (h *Hosted) Drain() {
	for _, instance := range h.instances() {
		instance.Drain()
	}
}

// Stop stops every part, all at once.
func (h *Hosted) Stop(ctx context.Context) error {
	var stops []func() error
	for _, instance := range h.instances() {
		stops = append(stops, func() error { return instance.Stop(ctx) })
	}
	return background.Together(stops...)
}
