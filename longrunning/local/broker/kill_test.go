package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/broker"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/outbound"
)

// The variables with which this test binary becomes a broker that is killed.
const (
	killDatabase   = "BROKER_KILL_DATABASE"
	killSubscriber = "BROKER_KILL_SUBSCRIBER"
)

func TestMain(m *testing.M) {
	if os.Getenv(killDatabase) != "" {
		if err := serveUntilKilled(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func killConfig(database, subscriber string) broker.Config {
	return broker.Config{
		Manifests:   manifests(triggerYAML("all", ours+quick)),
		Subscribers: map[string]config.URL{"all": config.URL(subscriber)},
		DatabaseURL: database, Log: slog.New(slog.DiscardHandler),
	}
}

// serveUntilKilled prints the broker's address and ends when the parent does.
func serveUntilKilled() error {
	b, err := broker.New(killConfig(os.Getenv(killDatabase), os.Getenv(killSubscriber)))
	if err != nil {
		return err
	}
	if err := b.Start(context.Background()); err != nil {
		return err
	}
	server := httptest.NewServer(b)
	fmt.Println(server.URL)
	_, err = os.Stdin.Read(make([]byte, 1))
	return err
}

// startChild runs serveUntilKilled in a process of its own.
func startChild(t *testing.T, database, subscriber string) (*exec.Cmd, config.URL) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), killDatabase+"="+database, killSubscriber+"="+subscriber)
	child.Stderr = os.Stderr
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill() })
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return child, config.URL(strings.TrimSpace(line))
}

func TestAKilledBrokerLosesNothingItAccepted(t *testing.T) {
	const events = 200 // more than are claimed at once
	s, subscriber := newSubscriber(t)
	hang := make(chan struct{})
	s.set(func(http.ResponseWriter, event.Event) { <-hang })
	database := storetest.URL(t)
	child, address := startChild(t, database, subscriber.String())
	sink := event.NewSink(address, outbound.Client(10*time.Second))
	want := map[string]bool{}
	for range events {
		e, err := event.New(event.SourceAccounts, upgrade)
		if err != nil {
			t.Fatal(err)
		}
		if err := sink.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		want[e.ID()] = true
	}
	s.next(t) // some are being delivered, others wait
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	for len(s.got) > 0 { // arrived, but never answered
		<-s.got
	}
	s.set(nil)
	close(hang)

	b, err := broker.New(killConfig(database, subscriber.String()))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	start(t, b)
	defer func() { _ = b.Stop(context.Background()) }()
	for len(want) > 0 {
		delete(want, s.next(t).ID())
	}
	// What the dead broker had claimed need not wait for its claim to run out.
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the last event came after %v", took)
	}
}
