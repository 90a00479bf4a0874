package bouncer

import (
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// Server is what was typed about a server, taken apart.
type Server struct {
	Host string
	Port string // "" where none was typed beside the host
	TLS  *bool  // nil where nothing was said about it
}

// ReadServer takes apart what people paste into a field for a server's name: with a scheme in front, a port behind
// (host:port, or host/port and host/+port as some networks write it), the dot of the root at the end, or in letters
// beyond ASCII, which become those that the DNS knows. What is none of that comes back as it is, for Validate to refuse.
func ReadServer(typed string) Server {
	s := Server{Host: typed}
	for scheme, encrypted := range map[string]*bool{"ircs://": new(true), "irc+insecure://": new(false), "irc://": nil} {
		if len(typed) > len(scheme) && strings.EqualFold(typed[:len(scheme)], scheme) {
			s.Host, s.TLS = strings.TrimSuffix(typed[len(scheme):], "/"), encrypted
		}
	}
	if _, err := netip.ParseAddr(s.Host); err == nil {
		return s // colons in it are its own
	}
	s.splitPort()
	s.Host = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(s.Host, "["), "]"), ".")
	if ascii, err := idna.Lookup.ToASCII(s.Host); err == nil && !isASCII(s.Host) {
		s.Host = ascii
	}
	return s
}

// splitPort moves a port behind the host to where it belongs.
func (s *Server) splitPort() {
	if host, port, err := net.SplitHostPort(s.Host); err == nil && isNumber(port) {
		s.Host, s.Port = host, port
		return
	}
	host, port, found := strings.Cut(s.Host, "/")
	if number, encrypted := strings.CutPrefix(port, "+"); found && isNumber(number) {
		s.Host, s.Port = host, number
		if encrypted {
			s.TLS = new(true)
		}
	}
}

func isNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > 0x7e })
}
