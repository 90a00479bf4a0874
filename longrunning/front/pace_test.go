package front_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/front"
	"irc.now/longrunning/local/servers/serverstest"
)

// dialed is a client, and what soju sees of it.
func dialed(t *testing.T, c front.Config) (net.Conn, *bufio.Reader, *front.Server) {
	t.Helper()
	socket, connections := listen(t)
	c.Socket = socket
	f := newFront(t, c)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", serve(t, f, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	soju := <-connections
	t.Cleanup(func() { _ = soju.Close() })
	_ = soju.SetReadDeadline(time.Now().Add(20 * time.Second))
	return conn, bufio.NewReader(soju), f
}

func said(t *testing.T, soju *bufio.Reader) string {
	t.Helper()
	line, err := soju.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestALongPasteWaitsAndAPingDoesNot(t *testing.T) {
	conn, soju, _ := dialed(t, front.Config{PaceBurst: 5, PaceEvery: 50 * time.Millisecond})
	var paste strings.Builder
	for i := range 12 {
		fmt.Fprintf(&paste, "PRIVMSG #c :%d\r\n", i)
	}
	started := time.Now()
	if _, err := conn.Write([]byte(paste.String() + "CHATHISTORY LATEST #c * 1\r\nPING 1\r\n")); err != nil {
		t.Fatal(err)
	}
	var order []string
	for range 14 {
		line := said(t, soju)
		if line == "PING 1" && time.Since(started) > 200*time.Millisecond {
			t.Errorf("PING came after %s", time.Since(started))
		}
		if line != "PING 1" {
			order = append(order, line)
		}
	}
	for i := range 12 {
		if want := fmt.Sprintf("PRIVMSG #c :%d", i); order[i] != want {
			t.Fatalf("line %d is %q", i, order[i])
		}
	}
	if order[12] != "CHATHISTORY LATEST #c * 1" {
		t.Errorf("what was asked after the paste came as %q", order)
	}
	if took := time.Since(started); took < 300*time.Millisecond {
		t.Errorf("seven lines over the burst went out within %s", took)
	}
}

func TestWhatWasSaidBeforeTheClientLeftStillGoesOut(t *testing.T) {
	conn, soju, _ := dialed(t, front.Config{PaceBurst: 1, PaceEvery: 20 * time.Millisecond})
	if _, err := conn.Write([]byte(strings.Repeat("PRIVMSG #c :hi\r\n", 10) + "QUIT :bye\r\n")); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	for range 10 {
		said(t, soju)
	}
	if got := said(t, soju); got != "QUIT :bye" {
		t.Errorf("the last line is %q", got)
	}
	if _, err := soju.ReadByte(); err == nil {
		t.Error("there is more")
	}
}

func TestWhatWaitsGoesOutAtOnceWhenTheBouncerStops(t *testing.T) {
	conn, soju, f := dialed(t, front.Config{PaceBurst: 1, PaceEvery: time.Hour})
	if _, err := conn.Write([]byte(strings.Repeat("PRIVMSG #c :hi\r\n", 10))); err != nil {
		t.Fatal(err)
	}
	said(t, soju)
	stopped := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	go func() { stopped <- f.Stop(ctx) }()
	for range 9 {
		said(t, soju)
	}
	_ = conn.Close()
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestWhoIsTooFastIsTold(t *testing.T) {
	conn, soju, _ := dialed(t, front.Config{PaceBurst: 1, PaceEvery: 4 * time.Second})
	client := serverstest.Over(t, conn)
	if _, err := conn.Write([]byte(strings.Repeat("PRIVMSG #c :hi\r\n", 6))); err != nil {
		t.Fatal(err)
	}
	client.Expect("NOTICE", "one every 4s; the last one in about 20s")
	said(t, soju)
}

// A queue without a bound would be a way to fill the front's memory.
func TestWhoeverGoesOnWaitsItself(t *testing.T) {
	conn, soju, _ := dialed(t, front.Config{PaceBurst: 1, PaceEvery: time.Hour})
	block := []byte(strings.Repeat("PRIVMSG #c :"+strings.Repeat("x", 400)+"\r\n", 1000))
	sent := 0
	for sent < 64<<20 {
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := conn.Write(block)
		sent += n
		if err != nil {
			break
		}
	}
	if sent >= 32<<20 {
		t.Errorf("it took %d MB", sent>>20)
	}
	said(t, soju)
}
