package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// lines is a log handler for a person who waits: a message and what belongs to it, without times and levels.
type lines struct {
	mu    *sync.Mutex
	out   io.Writer
	attrs []slog.Attr
}

func newLines(out io.Writer) *lines { return &lines{mu: &sync.Mutex{}, out: out} }

// Enabled leaves out details.
func (l *lines) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle writes one line.
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	var text strings.Builder
	text.WriteString("    " + r.Message)
	add := func(a slog.Attr) bool {
		fmt.Fprintf(&text, " %s=%s", a.Key, a.Value)
		return true
	}
	for _, a := range l.attrs {
		add(a)
	}
	r.Attrs(add)
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := fmt.Fprintln(l.out, text.String())
	return err
}

// WithAttrs adds to every line.
func (l *lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lines{mu: l.mu, out: l.out, attrs: append(append([]slog.Attr(nil), l.attrs...), attrs...)}
}

// WithGroup is of no use to a person who waits.
func (l *lines) WithGroup(string) slog.Handler { return l }
