package cloudevent

import (
	"context"

	"irc.now/shared/function"
)

// hooks has every hook of a function, and does what package function does for those that f lacks.
type hooks struct{ f any }

// Instrument hands on the instruments.
func (h hooks) Instrument(with function.Instruments) {
	if f, ok := h.f.(function.Instrumented); ok {
		f.Instrument(with)
	}
}

// Start starts f.
func (h hooks) Start(ctx context.Context, env map[string]string) error {
	if f, ok := h.f.(function.Starter); ok {
		return f.Start(ctx, env)
	}
	return nil
}

// Ready asks f.
func (h hooks) Ready(ctx context.Context) (bool, error) {
	if f, ok := h.f.(function.ReadinessReporter); ok {
		return f.Ready(ctx)
	}
	return true, nil
}

// Alive asks f.
func (h hooks) Alive(ctx context.Context) (bool, error) {
	if f, ok := h.f.(function.LivenessReporter); ok {
		return f.Alive(ctx)
	}
	return true, nil
}

// Stop stops f.
func (h hooks) Stop(ctx context.Context) error {
	if f, ok := h.f.(function.Stopper); ok {
		return f.Stop(ctx)
	}
	return nil
}
