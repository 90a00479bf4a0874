package bounceradmin

import (
	"context"
	"slices"
	"strings"

	"irc.now/shared/bouncer"
	"irc.now/shared/bouncer/adminsocket"
)

// addDetails asks what "network status" does not tell of networks that are connected: which of their channels soju is in,
// and whether it is signed in. What cannot be asked is left out.
func (s *Server) addDetails(ctx context.Context, user string, records []networkRecord, reports map[int64]report) {
	connected := slices.DeleteFunc(slices.Clone(records), func(n networkRecord) bool { return reports[n.ID].state != bouncer.Connected })
	absent := s.absent(ctx, user, connected)
	for _, n := range connected {
		told := reports[n.ID]
		told.absent, told.signIn = absent[n.ID], s.signIn(ctx, user, n)
		reports[n.ID] = told
	}
}

// absent finds the channels that soju shall be in and is not: those that it was kicked from or may not join. Lines of
// "channel status" read "channel/network [joined]" or "[parted]", with more behind a comma.
func (s *Server) absent(ctx context.Context, user string, records []networkRecord) map[int64][]string {
	if !slices.ContainsFunc(records, func(n networkRecord) bool { return len(n.Channels) > 0 }) {
		return nil
	}
	lines, err := s.soju.as(ctx, user, "channel", "status")
	if err != nil {
		return nil
	}
	parted := map[string]bool{}
	for _, line := range lines {
		if at := strings.LastIndex(line, " ["); at > 0 && strings.HasPrefix(line[at:], " [parted") {
			parted[line[:at]] = true
		}
	}
	found := map[int64][]string{}
	for _, n := range records {
		for _, channel := range n.Channels {
			if parted[channel+"/"+n.Name()] {
				found[n.ID] = append(found[n.ID], channel)
			}
		}
	}
	return found
}

// signIn asks what became of the network's account, where it has one and its name can be asked about.
func (s *Server) signIn(ctx context.Context, user string, n networkRecord) bouncer.SignIn {
	if n.SASLMechanism == "" {
		return ""
	}
	if _, err := adminsocket.Line(n.Name()); err != nil {
		return ""
	}
	lines, err := s.soju.as(ctx, user, "sasl", "status", "-network", n.Name())
	if err != nil {
		return ""
	}
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "Authenticated on upstream network"):
			return bouncer.SignedIn
		case line == "Unauthenticated on upstream network":
			return bouncer.SignInRefused
		}
	}
	return ""
}
