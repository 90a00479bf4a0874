package web

import (
	"net"
	"strings"
)

// CanonicalHost is a Host header (RFC 9110 section 7.2) in lower case, without the dot of a full name and without a port
// that is HTTP's or HTTPS's own, so that two spellings of one address are equal. It checks nothing.
func CanonicalHost(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, ""
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if port == "" || port == "80" || port == "443" {
		return name
	}
	return net.JoinHostPort(name, port)
}
