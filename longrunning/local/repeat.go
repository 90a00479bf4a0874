package local

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	// repeatInterval is how often it is told what was only counted.
	repeatInterval = time.Minute
	// repeatBurst is how many records that are alike are written in each interval; the others are counted.
	repeatBurst = 20
	// maxShapes bounds what is remembered: strangers choose words. Records of other shapes count as one.
	maxShapes = 500
)

// passing are attributes that differ from one record to the next of the same thing.
var passing = map[string]bool{"duration": true, "bytes": true, "path": true, "request_id": true}

// repeats is a log that writes the first records of a kind and counts the rest of the minute: whoever tries a thousand
// passwords a second fills no disk, and can be seen all the same. Records for debugging are all written.
type repeats struct {
	slog.Handler
	given string // what WithAttrs and WithGroup said, as part of each record's shape
	seen  *shapes
}

// shapes are what was written in this interval. They are shared by all handlers made of one.
type shapes struct {
	mu      sync.Mutex
	byShape map[string]*shape
}

// shape is what records that are alike have in common.
type shape struct {
	written, counted int
	last             slog.Record // of those that were counted
	handler          slog.Handler
}

func newRepeats(h slog.Handler) *repeats {
	return &repeats{Handler: h, seen: &shapes{byShape: map[string]*shape{}}}
}

// Handle writes the record or counts it.
func (r *repeats) Handle(ctx context.Context, record slog.Record) error {
	if record.Level < slog.LevelInfo || r.seen.write(r.given+shapeOf(record), record, r.Handler) {
		return r.Handler.Handle(ctx, record)
	}
	return nil
}

// WithAttrs counts apart what has other attributes.
func (r *repeats) WithAttrs(attrs []slog.Attr) slog.Handler {
	var given strings.Builder
	for _, a := range attrs {
		given.WriteString(shapeOfAttr(a))
	}
	return &repeats{Handler: r.Handler.WithAttrs(attrs), given: r.given + given.String(), seen: r.seen}
}

// WithGroup counts apart what is in another group.
func (r *repeats) WithGroup(name string) slog.Handler {
	return &repeats{Handler: r.Handler.WithGroup(name), given: r.given + name + ".", seen: r.seen}
}

// write is true where the record is one of the first of its shape.
func (s *shapes) write(key string, record slog.Record, handler slog.Handler) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.byShape[key]
	if !ok && len(s.byShape) >= maxShapes {
		key = ""
		known, ok = s.byShape[key]
	}
	if !ok {
		known = &shape{}
		s.byShape[key] = known
	}
	if known.written < repeatBurst {
		known.written++
		return true
	}
	known.counted++
	known.last, known.handler = record.Clone(), handler
	return false
}

// tell writes the last record of each shape that was counted, with how many there were, and begins to count anew.
func (r *repeats) tell(ctx context.Context) {
	r.seen.mu.Lock()
	seen := r.seen.byShape
	r.seen.byShape = map[string]*shape{}
	r.seen.mu.Unlock()
	for _, s := range seen {
		if s.counted > 0 {
			s.last.AddAttrs(slog.Int("alike_left_out", s.counted-1))
			_ = s.handler.Handle(ctx, s.last) // a log that cannot be written has nowhere to say so
		}
	}
}

func shapeOf(record slog.Record) string {
	var text strings.Builder
	text.WriteString(record.Level.String() + record.Message)
	record.Attrs(func(a slog.Attr) bool {
		text.WriteString(shapeOfAttr(a))
		return true
	})
	return text.String()
}

func shapeOfAttr(a slog.Attr) string {
	if passing[a.Key] {
		return ""
	}
	return " " + a.Key + "=" + bare(a.Value.Resolve().String())
}

// bare is text without what strangers choose, or counts up: numbers, and what is in quotes.
func bare(text string) string {
	var kept strings.Builder
	quoted, escaped := false, false
	for _, c := range text {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && !unicode.IsDigit(c):
			kept.WriteRune(c)
		}
	}
	return kept.String()
}
