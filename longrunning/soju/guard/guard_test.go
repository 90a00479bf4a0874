package guard

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

func TestALineHasABound(t *testing.T) {
	for text, want := range map[string]error{
		strings.Repeat("PING 1\r\n", 10_000):                                 nil,
		"@x=" + strings.Repeat("y", 8<<10) + " PRIVMSG #c :hi\r\nPING 1\r\n": nil,
		strings.Repeat("a", 1<<20):                                           ErrLineTooLong,
		"PING 1\r\n" + strings.Repeat("a", MaxLine+4096) + "\r\n":            ErrLineTooLong,
	} {
		ours, theirs := net.Pipe()
		go func() {
			_, _ = io.WriteString(theirs, text)
			_ = theirs.Close()
		}()
		var got bytes.Buffer
		_, err := io.CopyBuffer(&got, struct{ io.Reader }{Lines(ours)}, make([]byte, 4096))
		_ = ours.Close()
		if !errors.Is(err, want) || want == nil && got.String() != text || got.Len() > len(text) {
			t.Errorf("%.20q (%d bytes): %d bytes and %v", text, len(text), got.Len(), err)
		}
	}
}

func TestASocketIsTakenOverFromTheDeadAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "soju")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	RemoveStale("unix", path)
	alive, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	RemoveStale("unix", path)
	if _, err := os.Stat(path); err != nil {
		t.Error("a socket in use was removed: ", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	RemoveStale("tcp", file)
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestOwnNetworksAreKnownByTheirHosts(t *testing.T) {
	const hosts = ".net.irc.test, network.irc.test"
	for address, want := range map[string]bool{
		"ircs://lab.net.irc.test:6697": true, "lab.net.irc.test": true, "LAB.NET.IRC.TEST.:6697": true, "irc+insecure://network.irc.test": true,
		"ircs://net.irc.test": false, "ircs://lab.net.irc.test.evil.example": false, "ircs://irc.libera.chat": false, "evilnet.irc.test": false, "": false,
	} {
		if got := ownAmong(hosts, address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
	if ownAmong("", "") || ownAmong("", "ircs://x") {
		t.Error("there are own networks though none is named")
	}
}

func rankOf(message string) Rank {
	switch message {
	case "end":
		return Last
	case "PONG":
		return First
	case "MODE":
		return Idle
	}
	return Normal
}

func TestAQueueBlocksNobodyAndKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, closed := make(chan string), make(chan struct{})
		out := Queue(in, closed, rankOf)
		sent := []string{"MODE", "a", "b", "MODE", "PONG", "c", "end"}
		for _, message := range sent {
			in <- message // nobody takes any of them yet
		}
		close(in)
		var got []string
		for message := range out {
			got = append(got, message)
		}
		if want := []string{"PONG", "a", "b", "c", "MODE", "MODE", "end"}; !slices.Equal(got, want) {
			t.Errorf("they came as %q", got)
		}
	})
}

func TestAQueueHasABoundAndEndsWithItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, closed := make(chan string), make(chan struct{})
		out := Queue(in, closed, rankOf)
		sent := 0
		go func() {
			for range 2 * MaxWaiting {
				select {
				case in <- "a":
					sent++
				case <-closed:
					return
				}
			}
		}()
		synctest.Wait()
		if sent != MaxWaiting {
			t.Errorf("it took %d messages", sent)
		}
		close(closed)
		synctest.Wait()
		if _, more := <-out; more {
			t.Error("it goes on")
		}
	})
}
