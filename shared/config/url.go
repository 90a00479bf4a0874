package config

import (
	"net/url"
	"strings"
)

// URL is an absolute http or https address without user, query, fragment or trailing slash, so that paths can
// be appended. Its zero value is "not set".
type URL string

// ParseURL checks text and drops its trailing slash. The error does not repeat text.
func ParseURL(text string) (URL, error) {
	var u URL
	return u, u.UnmarshalText([]byte(text))
}

// UnmarshalText is [ParseURL]; the empty text gives the zero URL.
func (u *URL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*u = ""
		return nil
	}
	parsed, err := url.Parse(string(text))
	switch {
	case err != nil, parsed.Scheme != "http" && parsed.Scheme != "https", parsed.Hostname() == "":
		return Problem(`is not an address such as "https://my.irc.now"`)
	case parsed.User != nil:
		return Problem("must not hold a user name or password")
	case parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "":
		return Problem("must not hold a query or a fragment")
	}
	*u = URL(strings.TrimRight(parsed.String(), "/"))
	return nil
}

// String is the address without a trailing slash.
func (u URL) String() string { return string(u) }

// Join appends path, which begins with "/".
func (u URL) Join(path string) string { return string(u) + path }

// HTTPS reports whether the address is reached over TLS: cookies then carry the __Host- prefix.
func (u URL) HTTPS() bool { return strings.HasPrefix(string(u), "https://") }

// Parsed is the address as a *url.URL of the caller's own.
func (u URL) Parsed() *url.URL {
	parsed, err := url.Parse(string(u))
	if err != nil {
		return &url.URL{} // not made by UnmarshalText
	}
	return parsed
}

// Host is the host with its port, as a request's Host header has it.
func (u URL) Host() string { return u.Parsed().Host }
