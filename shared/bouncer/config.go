package bouncer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"irc.now/shared/config"
)

// Config is soju's configuration file. Its zero value renders to a soju that listens nowhere, with soju's
// own defaults; empty fields leave their directive out.
type Config struct {
	// Version is the soju that will read the file, such as "0.11.1"; "" for one of today. Directives that
	// it does not know are left out.
	Version string

	Hostname string
	Title    string   // shown by clients as the network's name
	Listen   []string // URIs of soju(1), such as ircs://:6697 or irc+insecure://127.0.0.1:6667
	// AdminSocket is the path of the Unix socket for bounceradmin. Whoever can open it owns the bouncer.
	AdminSocket string
	// IRCSocket is the path of the Unix socket at which our front (longrunning/front) brings clients. Whoever can open it is
	// believed where clients are, by soju from 0.11 on; see [TakesProxy].
	IRCSocket string
	TLSCert   string // path of a PEM file; with TLSKey
	TLSKey    string
	MOTD      string // path of the message of the day

	// DatabaseURL is a PostgreSQL URL or key=value string. Messages are stored there too.
	DatabaseURL config.Secret
	// OAuthURL is the authorization server, with client credentials as user info. Users it knows are made
	// at their first sign-in. "" leaves soju's own passwords on.
	OAuthURL config.Secret

	MaxUserNetworks   int // enabled networks of users without a limit of their own; 0 for no limit
	MessageExpiryDays int // 0 keeps messages for ever; soju knows it from 0.11 on
}

// Render gives the file's text. It refuses values with line breaks, NUL or broken UTF-8, which the format
// cannot hold.
func (c Config) Render() ([]byte, error) {
	var r renderer
	r.directive("hostname", c.Hostname)
	r.directive("title", c.Title)
	for _, uri := range c.Listen {
		r.directive("listen", uri)
	}
	if c.IRCSocket != "" {
		r.directive("listen", "unix://"+c.IRCSocket)
		if TakesProxy(c.Version) {
			r.directive("accept-proxy-unix", "true")
		}
	}
	if c.AdminSocket != "" {
		r.directive("listen", "unix+admin://"+c.AdminSocket)
	}
	r.directive("tls", c.TLSCert, c.TLSKey)
	r.directive("motd", c.MOTD)
	r.directive("db", "postgres", c.DatabaseURL.Reveal())
	r.directive("message-store", "db")
	if c.OAuthURL != "" {
		r.directive("auth", "oauth2", c.OAuthURL.Reveal())
		r.directive("enable-user-on-auth", "true")
	}
	if c.MaxUserNetworks > 0 {
		r.directive("max-user-networks", strconv.Itoa(c.MaxUserNetworks))
	}
	if c.MessageExpiryDays > 0 && atLeast(c.Version, 0, 11) {
		r.directive("message-expiry", strconv.Itoa(c.MessageExpiryDays)+"d")
	}
	return []byte(r.text.String()), r.err
}

// TakesProxy reports whether a soju of that version ("" for one of today) can be told to take PROXY headers on Unix sockets.
func TakesProxy(version string) bool { return atLeast(version, 0, 11) }

// renderer writes directives until the first one that cannot be written.
type renderer struct {
	text strings.Builder
	err  error
}

// directive writes one line; a directive with an empty parameter is left out.
func (r *renderer) directive(name string, params ...string) {
	words := []string{name}
	for _, param := range params {
		if param == "" {
			return
		}
		if !utf8.ValidString(param) || strings.ContainsFunc(param, unicode.IsControl) {
			// The value stays out of the error: it may be a secret.
			r.err = fmt.Errorf("soju's %s directive cannot hold control characters or broken UTF-8", name)
			return
		}
		words = append(words, Quote(param))
	}
	r.text.WriteString(strings.Join(words, " ") + "\n")
}

// Quote makes one word of text for soju's configuration file (scfg) and for BouncerServ commands: both
// take double quotes in which a backslash takes the next character as it is. Neither can hold line breaks,
// NUL or broken UTF-8, which callers refuse before.
func Quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// atLeast compares a version with major.minor; the empty version is newer than all.
func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version == ""
	}
	gotMajor, _ := strconv.Atoi(parts[0])
	gotMinor, _ := strconv.Atoi(parts[1])
	return gotMajor > major || gotMajor == major && gotMinor >= minor
}
