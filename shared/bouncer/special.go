package bouncer

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"irc.now/shared/fault"
)

var errNotPublic = fault.New(fault.Invalid, "The bouncer can only connect to servers on the public internet.")

// checkPublic refuses hosts that only mean something inside a network, ours or somebody else's, and addresses that are set
// apart for another use, so that the bouncer is no door into anything. A public name may still resolve to a private
// address: egress rules are the wall against that, this check is for clear words.
func checkPublic(host string) error {
	ip, err := netip.ParseAddr(host)
	if err == nil && publicIP(ip) {
		return nil
	}
	if err == nil || !strings.Contains(host, ".") || below(host, privateNames) {
		return errNotPublic
	}
	return nil
}

// CheckRegistered refuses servers whose name cannot be in the public DNS, in words for a form's field "host": it does not
// end in a top-level domain that there is, or is set apart for another use. Of a cluster's own services
// (kubernetes.default, database-rw.irc-now) and of what companies call their hosts (x.corp) the first holds for none. Names
// below domain, the platform's own, and those of own may be what they like.
func (s UpstreamSpec) CheckRegistered(domain string, own ...KnownUpstream) error {
	host := strings.ToLower(s.Host)
	if _, err := netip.ParseAddr(host); err == nil || isOwn(s, own) || below(host, []string{domain}) {
		return nil
	}
	suffix, registered := publicsuffix.PublicSuffix(host)
	switch {
	case below(host, []string{"onion"}):
		return fault.Field("host", "The bouncer cannot reach Tor's .onion servers, only those on the public internet.")
	case !registered && !strings.Contains(suffix, "."), below(host, specialNames):
		return fault.Field("host", "%s", fault.Sentence(errNotPublic))
	}
	return nil
}

func isOwn(s UpstreamSpec, own []KnownUpstream) bool {
	return slices.ContainsFunc(own, func(k KnownUpstream) bool { return k.Address() == s.Address() })
}

// below reports whether host is one of names, or has one behind it.
func below(host string, names []string) bool {
	host = strings.ToLower(host)
	return slices.ContainsFunc(names, func(name string) bool { return host == name || strings.HasSuffix(host, "."+name) })
}

// privateNames are never in the public DNS: RFC 6761, RFC 6762, RFC 8375, ICANN's .internal, and Kubernetes.
var privateNames = []string{"localhost", "local", "internal", "home.arpa", "lan", "svc", "localdomain"}

// specialNames are those of IANA's Special-Use Domain Names registry and those that ICANN promised not to delegate, since
// networks use them inside, as far as there are no such top-level domains in our list.
var specialNames = []string{"alt", "arpa", "example", "example.com", "example.net", "example.org", "invalid", "test", "corp", "home", "mail"}

// specialRanges are what IANA's registries of special-purpose addresses list as not globally reachable, beside what netip
// knows, and ranges that carry an IPv4 address inside (NAT64, 6to4, Teredo, IPv4-compatible).
var specialRanges = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("3fff::/20"),
}

// unicast is the only part of IPv6 that is given to networks; all else is set apart.
var unicast = netip.MustParsePrefix("2000::/3")

func publicIP(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Is6() && !unicast.Contains(ip) {
		return false
	}
	return !slices.ContainsFunc(specialRanges, func(special netip.Prefix) bool { return special.Contains(ip) })
}
