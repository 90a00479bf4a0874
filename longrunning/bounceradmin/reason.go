package bounceradmin

import (
	"strings"

	"irc.now/shared/bouncer"
	"irc.now/shared/foreign"
)

// said are what soju puts before the network's own words: those of its ERROR, and of a refusal to register.
var said = []struct{ before, after string }{
	{"fatal server error: ", ""},
	{"registration error (", "): "},
}

// reasons are what soju's own words, which are its libraries', tell. They may hold addresses of ours, such as our
// resolver's, so only the reason goes on. Each is tried against the real soju by a test, as far as a test can bring it about.
var reasons = []struct {
	text   string
	reason bouncer.Reason
}{
	{"certificate fingerprint doesn't match", bouncer.WrongPin},
	{"x509: ", bouncer.BadCertificate},
	{"didn't present any TLS certificate", bouncer.BadCertificate},
	{"first record does not look like a TLS handshake", bouncer.NotTLS},
	{"remote error: tls: ", bouncer.NotTLS}, // something else than IRC speaks it there
	{"tls: ", bouncer.BadCertificate},
	{"no such host", bouncer.NoSuchHost},
	{"server misbehaving", bouncer.NoSuchHost},
	{"connection refused", bouncer.PortClosed},
	{"no route to host", bouncer.Unreachable},
	{"network is unreachable", bouncer.Unreachable},
	{"i/o timeout", bouncer.NoAnswer},
	{"context deadline exceeded", bouncer.NoAnswer},
	{"connection timed out", bouncer.NoAnswer},
	{"EOF", bouncer.HungUp},
	{"connection reset by peer", bouncer.HungUp},
	{"broken pipe", bouncer.HungUp},
	{"use of closed network connection", bouncer.HungUp},
}

// reasonOf takes apart why soju is not connected. The network's words are looked for first, so that they cannot pass for
// soju's.
func reasonOf(detail string) (bouncer.Reason, string) {
	for _, s := range said {
		_, words, found := strings.Cut(detail, s.before)
		if found && s.after != "" {
			_, words, found = strings.Cut(words, s.after)
		}
		if found {
			return bouncer.SaidWhy, foreign.Text(words)
		}
	}
	for _, known := range reasons {
		if strings.Contains(detail, known.text) {
			return known.reason, ""
		}
	}
	return bouncer.OtherReason, ""
}
