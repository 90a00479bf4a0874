package process

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
)

const (
	maxLine   = 8 << 10 // a longer line is cut into pieces, so that a child cannot fill our memory
	tailLines = 20
)

// lines turns a child's output into log records. exec.Cmd calls Write from one goroutine when standard output and
// error are the same writer.
type lines struct {
	log     *slog.Logger
	level   slog.Level
	program string
	tail    *tail
	part    []byte // of a line that has not ended yet
}

// Write never fails: a full log must not stop the child.
func (l *lines) Write(data []byte) (int, error) {
	written := len(data)
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		piece, rest := data, []byte(nil)
		if end >= 0 {
			piece, rest = data[:end], data[end+1:]
		}
		if room := maxLine - len(l.part); len(piece) > room {
			l.part = append(l.part, piece[:room]...)
			data = data[room:]
			l.flush()
			continue
		}
		l.part = append(l.part, piece...)
		data = rest
		if end >= 0 {
			l.flush()
		}
	}
	return written, nil
}

// flush emits the line gathered so far.
func (l *lines) flush() {
	text := string(bytes.TrimRight(l.part, "\r"))
	l.part = l.part[:0]
	if text == "" {
		return
	}
	l.tail.add(text)
	if l.log != nil {
		l.log.LogAttrs(context.Background(), l.level, "program output",
			slog.String("program", l.program), slog.String("line", text))
	}
}

// tail keeps the last lines a child wrote, which is what an error message needs.
type tail struct {
	mu   sync.Mutex
	last []string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.last) == tailLines {
		t.last = slices.Delete(t.last, 0, 1)
	}
	t.last = append(t.last, line)
}

func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.last)
}
