package front_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"irc.now/longrunning/front"
)

func TestLinesComeOutWhole(t *testing.T) {
	long := "@x=" + strings.Repeat("y", 8<<10) + " PRIVMSG #c :" + strings.Repeat("z", 400) + "\r\n"
	text := "NICK a\r\n" + long + "\nPING 1\n" + strings.Repeat("PRIVMSG #c :hello\r\n", 2000) + long
	for name, from := range map[string]io.Reader{
		"as it comes": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)),
		"with an error at the end": iotest.DataErrReader(strings.NewReader(text)),
	} {
		next, got := front.Lines(from), bytes.Buffer{}
		chunk, err := next()
		for ; err == nil; chunk, err = next() {
			if !bytes.HasSuffix(chunk, []byte("\n")) {
				t.Fatalf("%s: %q ends within a line", name, chunk)
			}
			got.Write(chunk)
		}
		if !errors.Is(err, io.EOF) || got.String() != text {
			t.Errorf("%s: %d of %d bytes came, and %v", name, got.Len(), len(text), err)
		}
	}
}

// endless is a line that has no end.
type endless struct{ given int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	e.given += len(p)
	return len(p), nil
}

func TestALineWithoutEndIsNotKept(t *testing.T) {
	from := &endless{}
	if chunk, err := front.Lines(from)(); err == nil || errors.Is(err, io.EOF) || len(chunk) != 0 {
		t.Errorf("it gave %d bytes and %v", len(chunk), err)
	}
	if from.given > front.MaxLine {
		t.Errorf("it read %d bytes of a line", from.given)
	}
	fits := strings.Repeat("a", front.MaxLine-1) + "\n"
	if chunk, err := front.Lines(strings.NewReader(fits))(); err != nil || string(chunk) != fits {
		t.Errorf("the longest line: %d bytes and %v", len(chunk), err)
	}
}

func TestWhatGoesOnToANetworkCosts(t *testing.T) {
	for line, want := range map[string]int{
		"PING 1": 0, "CAP LS 302": 0, "AUTHENTICATE PLAIN": 0, "@label=1 CHATHISTORY LATEST #c * 50": 0, "": 0, "\r\n": 0, "who #c": 0,
		"PRIVMSG #c :a, b, c": 1, "privmsg #c hi": 1, "@+draft/reply=x :me PRIVMSG  #a,#b :hi\r\n": 2, "TAGMSG #c": 1, "JOIN #a": 2, "JOIN #a,#b,#c k,k": 6,
		"NEWCOMMAND": 1, "@tags-without-end": 0, strings.Repeat("X", 9000): 1,
	} {
		if got := front.Cost(line); got != want {
			t.Errorf("%.40q costs %d, not %d", line, got, want)
		}
	}
}
