package bouncer

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"irc.now/shared/fault"
)

// The ports that IRC networks use where none is given.
const (
	defaultTLSPort   = 6697
	defaultPlainPort = 6667
)

// Address is where an IRC server listens. Host is a DNS name or an IP literal without brackets.
type Address struct {
	Host string
	Port int
	TLS  bool
}

// String is the form soju takes: ircs://host:port or irc+insecure://host:port.
func (a Address) String() string {
	scheme := "irc+insecure"
	if a.TLS {
		scheme = "ircs"
	}
	return scheme + "://" + net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}

// ParseAddress reads an address as soju accepts it: [ircs://]host[:port] or irc+insecure://host[:port].
// The host comes back in lower case. Anything else, Unix sockets included, is an Invalid fault.
func ParseAddress(text string) (Address, error) {
	if !strings.Contains(text, "://") {
		text = "ircs://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return Address{}, fault.Wrap(err, fault.Invalid, "The server address cannot be read.")
	}
	a := Address{Host: strings.ToLower(u.Hostname()), TLS: u.Scheme == "ircs", Port: defaultPlainPort}
	if a.TLS {
		a.Port = defaultTLSPort
	}
	if !a.TLS && u.Scheme != "irc+insecure" {
		return Address{}, fault.New(fault.Invalid, "The server address must start with ircs:// or irc+insecure://.")
	}
	if u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return Address{}, fault.New(fault.Invalid, "The server address must be a host and a port, nothing more.")
	}
	if port := u.Port(); port != "" {
		a.Port, err = strconv.Atoi(port)
		if err != nil {
			return Address{}, fault.Wrap(err, fault.Invalid, "The port must be a number from 1 to 65535.")
		}
	}
	return a, a.check()
}

// check refuses what cannot be an address at all. Whether it may be connected to is checkPublic's question.
func (a Address) check() error {
	if err := checkHost(a.Host); err != nil {
		return err
	}
	return checkPort(a.Port)
}

func checkPort(port int) error {
	if port < 1 || port > 65535 {
		return fault.New(fault.Invalid, "The port must be a number from 1 to 65535, usually 6697.")
	}
	return nil
}

// A host name of RFC 1123. An underscore, a zone or a non-ASCII letter has no place in one.
var hostPattern = expression(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

func checkHost(host string) error {
	switch {
	case host == "":
		return fault.New(fault.Invalid, "Enter the server's host name, such as irc.libera.chat.")
	case strings.Contains(host, "://"):
		return fault.New(fault.Invalid, "Enter only the server's host name, without %q in front.", host[:strings.Index(host, "://")+3])
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		return nil
	}
	if len(host) > 200 || !hostPattern().MatchString(strings.ToLower(host)) || numericLabel(host) {
		return fault.New(fault.Invalid, "That is not a host name. Enter one such as irc.libera.chat, without port or path.")
	}
	return nil
}

// numericLabel spots the old spellings of IPv4 addresses (127.1, 2130706433, 0x7f.0.0.1): some resolvers
// take them for addresses, which would go round checkPublic.
func numericLabel(host string) bool {
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	_, err := strconv.ParseUint(last, 0, 64)
	_, decimal := strconv.ParseUint(last, 10, 64)
	return err == nil || decimal == nil
}

// checkPublic refuses hosts that only mean something inside our own network, so that the bouncer is no
// door into it. A public name may still resolve to a private address: egress rules are the wall against
// that, this check is for clear words.
func checkPublic(host string) error {
	refused := fault.New(fault.Invalid, "The bouncer can only connect to servers on the public internet.")
	if ip, err := netip.ParseAddr(host); err == nil {
		if !publicIP(ip) {
			return refused
		}
		return nil
	}
	name := strings.ToLower(host)
	if !strings.Contains(name, ".") {
		return refused
	}
	for _, suffix := range privateSuffixes {
		if strings.HasSuffix(name, suffix) {
			return refused
		}
	}
	return nil
}

// Names that are never in the public DNS: RFC 6761, RFC 6762, RFC 8375, ICANN's .internal, and Kubernetes.
var privateSuffixes = []string{".localhost", ".local", ".internal", ".home.arpa", ".lan", ".svc", ".localdomain"}

// Ranges beside those netip knows that are not reached over the public internet, or that carry an IPv4
// address inside (NAT64, 6to4, Teredo, IPv4-compatible).
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("fec0::/10"),
}

func publicIP(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, prefix := range privateRanges {
		if prefix.Contains(ip) {
			return false
		}
	}
	return true
}

// expression is compiled when it is first asked: all of them together would take a tenth of a function's start.
func expression(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
