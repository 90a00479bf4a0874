package local

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestRecordsThatAreAlikeAreCounted(t *testing.T) {
	var written bytes.Buffer
	r := newRepeats(slog.NewTextHandler(&written, &slog.HandlerOptions{Level: slog.LevelDebug}))
	log := slog.New(r).With("part", "soju")
	for n := range 1000 {
		log.InfoContext(t.Context(), "program output", "line", fmt.Sprintf(`downstream "127.0.0.1:%d": no (username "u\"%d, x")`, n, n))
		slog.New(r).InfoContext(t.Context(), "request", "route", "POST /introspect", "status", 200, "duration", n, "path", fmt.Sprint("/", n))
	}
	if lines := strings.Count(written.String(), "\n"); lines != 2*repeatBurst {
		t.Errorf("%d lines were written", lines)
	}
	log.InfoContext(t.Context(), "another")
	log.DebugContext(t.Context(), "request", "status", 200)
	written.Reset()
	r.tell(t.Context())
	text := written.String()
	if strings.Count(text, "\n") != 2 || !strings.Contains(text, "part=soju") || strings.Count(text, "alike_left_out=979") != 2 {
		t.Errorf("what was counted is told as:\n%s", text)
	}
	written.Reset()
	r.tell(t.Context())
	log.InfoContext(t.Context(), "program output", "line", "downstream")
	if strings.Count(written.String(), "\n") != 1 {
		t.Errorf("the next minute begins with %s", written.String())
	}
}

func TestWordsOfStrangersAreNotRememberedWithoutEnd(t *testing.T) {
	var written bytes.Buffer
	r := newRepeats(slog.NewTextHandler(&written, nil))
	for n := range 10 * maxShapes {
		slog.New(r).InfoContext(t.Context(), "program output", "line", strings.Repeat("x", n))
	}
	if len(r.seen.byShape) > maxShapes+1 {
		t.Errorf("%d shapes are remembered", len(r.seen.byShape))
	}
	if lines := strings.Count(written.String(), "\n"); lines > maxShapes+repeatBurst {
		t.Errorf("%d lines were written", lines)
	}
}
