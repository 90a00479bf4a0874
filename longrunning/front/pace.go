package front

import (
	"bytes"
	"time"

	"golang.org/x/time/rate"
)

// soju sends a network 10 messages at once and then one every 2 s, so that no network throws the user out for flooding. It
// queues 64 more; the next one blocks all that the user has, for as long as it takes. We let through what fits, and keep the
// rest back here, where only the one connection waits.
const (
	DefaultPaceBurst = 40
	DefaultPaceEvery = 2 * time.Second
)

// pace says how long a line has to wait before soju gets it.
type pace struct{ limiter *rate.Limiter }

func newPace(burst int, every time.Duration) *pace {
	return &pace{rate.NewLimiter(rate.Every(every), burst)}
}

// wait is how long from now the line has to wait; 0 for one that no network gets.
func (p *pace) wait(line []byte, now time.Time) time.Duration {
	cost := cost(line)
	if cost == 0 {
		return 0
	}
	return p.limiter.ReserveN(now, min(cost, p.limiter.Burst())).DelayFrom(now)
}

// answered are the commands that soju answers by itself, or has a queue of its own for. All others go on to a network.
var answered = map[string]bool{
	"": true, "CAP": true, "AUTHENTICATE": true, "PASS": true, "USER": true, "PING": true, "PONG": true, "QUIT": true,
	"BOUNCER": true, "CHATHISTORY": true, "MARKREAD": true, "READ": true, "SEARCH": true, "WEBPUSH": true, "METADATA": true,
	"NAMES": true, "WHO": true, "WHOIS": true, "LIST": true, "MONITOR": true, "ISUPPORT": true, "CLIENTCERT": true, "INFO": true,
}

// cost is how many messages to a network a line becomes: one for each target, and for each channel joined a second one, by
// which soju asks for its modes.
func cost(line []byte) int {
	verb, parameter := command(line)
	if answered[verb] {
		return 0
	}
	targets := 1 + bytes.Count(parameter, []byte(","))
	if verb == "JOIN" {
		return 2 * targets
	}
	return targets
}
