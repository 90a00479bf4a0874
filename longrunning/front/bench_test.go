package front_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/front"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/bouncer"
)

// BenchmarkPassingOn is how fast soju answers a client through the front over TLS, as a ratio to soju's own TLS port in the
// same run (1 is as fast; the aim is 0.8 or more).
func BenchmarkPassingOn(b *testing.B) {
	c, _ := certificate(b)
	alone := serverstest.Address(b).String()
	w := newWorld(b, func(config *bouncer.Config) {
		config.Listen = append(config.Listen, "ircs://"+alone)
		config.TLSCert, config.TLSKey = c.CertFile, c.KeyFile
	})
	through := serve(b, newFront(b, front.Config{Socket: w.socket}), c.TLS())
	b.ResetTimer()
	var front, soju time.Duration
	for b.Loop() { // taking turns, so that the machine's other work falls on both
		front += ask(b, through)
		soju += ask(b, alone)
	}
	b.ReportMetric(soju.Seconds()/front.Seconds(), "×soju")
	b.ReportMetric(float64(b.N*asked)/front.Seconds(), "lines/s")
}

const asked = 20_000

// ask measures how long soju takes for many PINGs sent at once.
func ask(b *testing.B, address string) time.Duration {
	b.Helper()
	dialer := tls.Dialer{NetDialer: &net.Dialer{}, Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(b.Context(), "tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	serverstest.Over(b, conn).Authenticate("ada", "ada", "ada")
	started := time.Now()
	go func() { _, _ = io.WriteString(conn, strings.Repeat("PING :0123456789\r\n", asked)) }() // the reader tells how it went
	lines := bufio.NewScanner(conn)
	for seen := 0; seen < asked; {
		if !lines.Scan() {
			b.Fatalf("only %d lines came: %v", seen, lines.Err())
		}
		if strings.Contains(lines.Text(), "PONG") {
			seen++
		}
	}
	return time.Since(started)
}

// BenchmarkIdleConnections is what a client that says nothing costs the front, both ends of TLS counted.
func BenchmarkIdleConnections(b *testing.B) {
	w := newWorld(b, nil)
	c, _ := certificate(b)
	address := serve(b, newFront(b, front.Config{Socket: w.socket}), c.TLS())
	const clients = 200
	for b.Loop() {
		before := inUse()
		for range clients {
			serverstest.DialTLS(b, address).Authenticate("ada", "ada", "ada")
		}
		b.ReportMetric(float64(inUse()-before)/clients/1024, "KB/client")
	}
}
