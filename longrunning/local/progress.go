package local

import (
	"context"
	"log/slog"
)

// progressLog is a log whose messages the owner sees, too: finders report downloads that way.
func (p *Platform) progressLog(name string) *slog.Logger {
	return slog.New(progressHandler{Handler: p.config.Log.Handler(), name: name, say: p.say})
}

type progressHandler struct {
	slog.Handler
	name string
	say  func(format string, args ...any)
}

// Enabled is true for what the owner is told, whatever the log keeps.
func (h progressHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// Handle shows the message without its attributes, which are for the log.
func (h progressHandler) Handle(ctx context.Context, record slog.Record) error {
	h.say("%s: %s", h.name, record.Message)
	if !h.Handler.Enabled(ctx, record.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs keeps showing messages.
func (h progressHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

// WithGroup keeps showing messages.
func (h progressHandler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
