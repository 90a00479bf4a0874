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

// expression is compiled when it is first asked: all of them together would take a tenth of a function's start.
func expression(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
