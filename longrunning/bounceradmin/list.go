package bounceradmin

import (
	"context"
	"crypto/sha1" //nolint:gosec // see certificateOf
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"time"

	"irc.now/shared/bouncer"
)

// listNetworks joins what soju stores with how it says each network is doing.
func (s *Server) listNetworks(ctx context.Context, user string, w http.ResponseWriter, _ *http.Request) error {
	records, err := s.records.networks(ctx, user)
	if err != nil {
		return err
	}
	networks := make([]bouncer.Upstream, len(records)) // never null in JSON
	if len(records) > 0 {
		reports, err := s.reports(ctx, user, records)
		if err != nil {
			return err
		}
		for i, record := range records {
			networks[i] = networkOf(record, reports[record.ID])
			if s.tasks.pending(removal(user, record.ID)) {
				networks[i].State = bouncer.Removing
			}
		}
	}
	return respond(w, networks)
}

// patience is how long soju may take to tell how a user's networks are doing. One that waits for a network to take what was
// sent to it does not answer for minutes; whoever looks at a page is told that instead.
const patience = 1500 * time.Millisecond

// reports asks how the networks are doing. The answer repeats names that an IRC client may have chosen, line breaks
// included, and so can be forged by one that was in the account. A soju that is up and seems to refuse has therefore
// told nothing, which must not lock the owner out.
func (s *Server) reports(ctx context.Context, user string, records []networkRecord) (map[int64]report, error) {
	if s.busy.is(user) {
		return busyReports(records), nil
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	lines, err := s.soju.as(asking, user, "network", "status")
	if err != nil {
		if _, away := s.soju.status(ctx); away != nil {
			return nil, err
		}
	}
	if asking.Err() != nil {
		s.busy.mark(user)
		return busyReports(records), nil
	}
	reports := parseStatus(lines, records)
	s.addDetails(asking, user, records, reports)
	return reports, nil
}

func busyReports(records []networkRecord) map[int64]report {
	reports := map[int64]report{}
	for _, n := range records {
		reports[n.ID] = report{state: bouncer.Busy}
	}
	return reports
}

func networkOf(n networkRecord, r report) bouncer.Upstream {
	commands, keys := bouncer.SplitCommands(n.Commands())
	network := bouncer.Upstream{
		ID: n.ID, Name: n.Name(), Host: n.Addr, Nick: n.Nick(), Username: n.Username, RealName: n.RealName,
		ServerPasswordSet: n.Pass != "", Channels: n.Channels, Enabled: n.Enabled, State: r.state, Reason: r.reason, Error: r.said,
		SignIn: r.signIn, Absent: r.absent, Pinned: n.Fingerprint(), NoAutoAway: !n.AutoAway, Commands: len(commands),
	}
	for _, key := range keys {
		channel, _, _ := strings.Cut(key, " ")
		network.Keyed = append(network.Keyed, channel)
	}
	switch n.SASLMechanism {
	case "PLAIN":
		network.SASLUsername = n.SASLUsername
	case "EXTERNAL":
		network.Certificate = certificateOf(n.Certificate)
	}
	if address, err := bouncer.ParseAddress(n.Addr); err == nil {
		network.Host, network.Port, network.TLS = address.Host, address.Port, address.TLS
	}
	switch {
	case !n.Enabled:
		network.State, network.Reason, network.Error = bouncer.Disabled, "", ""
	case network.State == "" || network.State == bouncer.Disabled:
		network.State = bouncer.Connecting // just enabled, or not in soju's answer
	}
	return network
}

func certificateOf(der []byte) *bouncer.Certificate {
	sum1, sum256, sum512 := sha1.Sum(der), sha256.Sum256(der), sha512.Sum512(der) //nolint:gosec // some networks know certificates by it
	return &bouncer.Certificate{SHA1: hex.EncodeToString(sum1[:]), SHA256: hex.EncodeToString(sum256[:]), SHA512: hex.EncodeToString(sum512[:])}
}

// report is what soju says of one network.
type report struct {
	state  bouncer.State
	reason bouncer.Reason
	said   string // by the network itself
	signIn bouncer.SignIn
	absent []string
}

// statusPattern is what follows a network's name in a line of "network status"; details of a connection are
// only ever a count.
var statusPattern = regexp.MustCompile(`^ \[(connected|disconnected|disabled)[^\]]*\](?:: (.*))?$`)

// parseStatus finds the line of each network. Lines read "name (address) [state]: details", or without the
// address where it is the name, in no order to rely on. Names and error texts may hold anything, brackets
// included; but we know the names, so a line belongs to the network with the longest one that it fits.
func parseStatus(lines []string, records []networkRecord) map[int64]report {
	reports := map[int64]report{}
	for _, line := range lines {
		var owner int64
		var found report
		longest := 0
		for _, n := range records {
			title := n.Addr
			if n.StoredName != "" && n.StoredName != n.Addr {
				title = n.StoredName + " (" + n.Addr + ")"
			}
			rest, fits := strings.CutPrefix(line, title)
			match := statusPattern.FindStringSubmatch(rest)
			if fits && match != nil && len(title) > longest {
				owner, longest, found = n.ID, len(title), reportOf(match[1], match[2])
			}
		}
		if longest > 0 {
			reports[owner] = found
		}
	}
	return reports
}

func reportOf(state, detail string) report {
	switch {
	case state == "connected":
		return report{state: bouncer.Connected}
	case state == "disabled":
		return report{state: bouncer.Disabled}
	case detail == "":
		return report{state: bouncer.Connecting}
	}
	reason, said := reasonOf(detail)
	return report{state: bouncer.Disconnected, reason: reason, said: said}
}
