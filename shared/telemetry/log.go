// Package telemetry makes what can be seen of a running program: structured logs, request ids and Prometheus
// metrics.
//
// It owns the names of log attributes and metrics that all programs share. It must not hold metrics of one
// product area (they sit beside their code) and must never be given message bodies, tokens or addresses with
// credentials.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"os"
)

// NewLogger writes records to w with program under the key "program" and the context's request id under
// "request_id" (use the …Context calls). They are JSON, or readable text where w is a terminal; LOG_FORMAT
// set to "json" or "text" overrides that. A nil level means info.
func NewLogger(w io.Writer, program string, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewJSONHandler(w, options)
	if wantsText(w) {
		handler = slog.NewTextHandler(w, options)
	}
	return slog.New(contextHandler{handler}).With("program", program)
}

// Level reads a LOG_LEVEL such as "debug" or "WARN"; anything else is info.
func Level(text string) slog.Level {
	var level slog.Level // the zero level is info
	if level.UnmarshalText([]byte(text)) != nil {
		return slog.LevelInfo
	}
	return level
}

func wantsText(w io.Writer) bool {
	switch os.Getenv("LOG_FORMAT") {
	case "text":
		return true
	case "json":
		return false
	}
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// contextHandler adds what the context carries to each record.
type contextHandler struct{ slog.Handler }

func (h contextHandler) Handle(ctx context.Context, record slog.Record) error {
	if id := RequestID(ctx); id != "" {
		record.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, record)
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs)}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name)}
}
