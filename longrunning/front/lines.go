package front

import (
	"bytes"
	"errors"
	"io"
)

// MaxLine is how many bytes a line may have, its line break included. IRCv3's message-tags allows 8,191 bytes of tags before
// the 512 of RFC 1459; what is left over is for clients that count generously.
const MaxLine = 16 << 10

// firstBuffer is what a connection takes while its lines are as short as they mostly are.
const firstBuffer = 1 << 10

var errLineTooLong = errors.New("a line is longer than allowed")

// lines reads lines of at most [MaxLine] bytes. It never holds more than that, whatever comes.
type lines struct {
	from       io.Reader
	buffer     []byte
	start, end int // of what was read and not given out
}

// next returns whole lines with their line breaks, as many as were read with the first of them. They are good until the next
// call. The end of the stream is io.EOF; what came after the last line break is dropped then, as IRC servers do.
func (l *lines) next() ([]byte, error) {
	searched := 0
	for {
		if i := bytes.LastIndexByte(l.buffer[l.start+searched:l.end], '\n'); i >= 0 {
			found := l.buffer[l.start : l.start+searched+i+1]
			l.start += len(found)
			return found, nil
		}
		searched = l.end - l.start
		if searched >= MaxLine {
			return nil, errLineTooLong
		}
		l.makeRoom()
		n, err := l.from.Read(l.buffer[l.end:])
		l.end += n
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// makeRoom gives the buffer space at its end: it moves what is kept, grows where a line needs it, and shrinks again when
// nothing is kept.
func (l *lines) makeRoom() {
	kept := l.end - l.start
	switch {
	case kept == 0 && len(l.buffer) != firstBuffer:
		l.buffer = make([]byte, firstBuffer)
	case kept == len(l.buffer):
		grown := make([]byte, min(2*kept, MaxLine))
		copy(grown, l.buffer)
		l.buffer = grown
	case l.start > 0:
		copy(l.buffer, l.buffer[l.start:l.end])
	}
	l.start, l.end = 0, kept
}

// command reads the command of a line, in capitals, and its first parameter. Tags and prefix are passed over.
func command(line []byte) (verb string, parameter []byte) {
	rest := bytes.TrimRight(line, "\r\n")
	for len(rest) > 0 && (rest[0] == '@' || rest[0] == ':') {
		_, rest, _ = bytes.Cut(rest, []byte(" "))
		rest = bytes.TrimLeft(rest, " ")
	}
	word, rest, _ := bytes.Cut(rest, []byte(" "))
	if len(word) > maxCommand {
		word = word[:maxCommand]
	}
	parameter, _, _ = bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	return string(bytes.ToUpper(word)), parameter
}

// maxCommand is longer than all commands that we tell from others.
const maxCommand = 16
