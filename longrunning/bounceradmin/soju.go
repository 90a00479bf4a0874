package bounceradmin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/bouncer"
	"irc.now/shared/bouncer/adminsocket"
	"irc.now/shared/fault"
)

// soju is the running bouncer behind the admin socket.
type soju struct {
	socket   string
	commands *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newSoju(socket string, metrics prometheus.Registerer) *soju {
	s := &soju{
		socket: socket,
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bounceradmin_commands_total", Help: "Commands sent to soju, by kind and outcome.",
		}, []string{"command", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bounceradmin_command_duration_seconds", Help: "How long soju took to answer a command.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}, []string{"command"}),
	}
	metrics.MustRegister(s.commands, s.duration)
	return s
}

// kind names a command for metrics and logs: its fixed words, of which there are few.
func kind(words []string) string {
	if words[0] == "user" && words[1] == "run" {
		words = words[3:]
	}
	return words[0] + " " + words[1]
}

// run sends one command. Its errors say which kind of command failed, never its words, which may be
// passwords.
func (s *soju) run(ctx context.Context, words ...string) ([]string, error) {
	return s.send(ctx, adminsocket.Command, words...)
}

func (s *soju) send(ctx context.Context, how sender, words ...string) ([]string, error) {
	name, started := kind(words), time.Now()
	lines, err := how(ctx, s.socket, words...)
	s.duration.WithLabelValues(name).Observe(time.Since(started).Seconds())
	s.commands.WithLabelValues(name, outcome(err)).Inc()
	if err == nil {
		return lines, nil
	}
	return nil, fmt.Errorf("run %q: %w", name, explain(err))
}

type sender func(ctx context.Context, socket string, words ...string) ([]string, error)

// await runs a command as a user, and waits until soju comes to it or ctx ends.
func (s *soju) await(ctx context.Context, user string, words ...string) error {
	_, err := s.send(ctx, adminsocket.Await, append([]string{"user", "run", user}, words...)...)
	return err
}

// as runs a command as a user.
func (s *soju) as(ctx context.Context, user string, words ...string) ([]string, error) {
	return s.run(ctx, append([]string{"user", "run", user}, words...)...)
}

func (s *soju) status(ctx context.Context) (bouncer.Status, error) {
	stats, err := adminsocket.ServerStatus(ctx, s.socket)
	if err != nil {
		return bouncer.Status{}, explain(err)
	}
	return bouncer.Status{Users: stats.Users, Downstreams: stats.Downstreams, Upstreams: stats.Upstreams}, nil
}

func outcome(err error) string {
	switch _, refused := errors.AsType[*adminsocket.Refused](err); {
	case err == nil:
		return "ok"
	case refused:
		return "refused"
	case errors.Is(err, adminsocket.ErrWord):
		return "invalid"
	}
	return "unavailable"
}

// refusals are soju's own words, the only thing it tells about why it refused. Each is tried against the
// real soju by a test.
var refusals = []struct {
	text     string
	kind     fault.Kind
	sentence string
}{
	{"maximum number of enabled networks reached", fault.OverQuota,
		"Your plan allows no more connected networks. Disconnect or remove one first."},
	{"already exists", fault.Conflict, "You already have that."},
	{"duplicate key value", fault.Conflict, "You already have a network with this server and nickname."},
	{"unknown network", fault.NotFound, "You have no network of that name any more."},
	{"unknown username", fault.NotFound, "The bouncer does not know you yet."},
	{"unknown channel", fault.NotFound, "The network has no such channel any more."},
	{"not a channel name", fault.Invalid, "The network does not take one of the channels for a channel."},
	{"timeout executing command", fault.Unavailable, "The bouncer is busy. Please try again in a minute."},
}

// explain gives an error of the admin socket its kind. The words of refusals that are not in the table are
// dropped, for they may repeat what the user typed.
func explain(err error) error {
	refused, ok := errors.AsType[*adminsocket.Refused](err)
	switch {
	case errors.Is(err, adminsocket.ErrWord):
		return fault.Wrap(err, fault.Invalid, "The bouncer takes no control characters.")
	case !ok && errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(err, fault.Unavailable, "%s", fault.Sentence(errBusy))
	case !ok:
		return fault.Wrap(err, fault.Unavailable, "The bouncer cannot be reached right now. Please try again in a minute.")
	}
	for _, known := range refusals {
		if strings.Contains(refused.Text, known.text) {
			return fault.New(known.kind, "%s", known.sentence)
		}
	}
	return errRefused
}

var errBusy = fault.New(fault.Unavailable, "Your bouncer is busy with one of your networks and does not answer. Please try again in a few minutes.")

var errRefused = errors.New("soju refused for a reason that is not in our table")
