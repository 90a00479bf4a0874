// Package network is the configuration of an ergo IRC server, as the local platform and the cluster's
// operator run them: one ergo is one network.
//
// It only renders the file; package servers/ergo runs the program.
package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"irc.now/shared/config"
)

// Config says how an ergo serves. Name, ServerName, DataDir and one listener are needed.
type Config struct {
	Name       string // of the network: one word
	ServerName string // as a host name; it needs not resolve
	Listen     []string
	ListenTLS  []TLSListener
	// ListenWebSocket are addresses for web clients, without TLS: whatever stands before them adds it.
	ListenWebSocket []string
	// Proxies are addresses or networks (CIDR) whose word is taken for the address of a client (X-Forwarded-For on
	// WebSockets).
	Proxies []string
	API     API
	DataDir string // for accounts and channels (ircd.db) and the lock file
	MOTD    string // path of the message of the day; "" for none
	Opers   []Oper
	// Exempt are the networks (CIDR) whose clients are not counted and throttled per address: a bouncer
	// connects many users from one.
	Exempt []string
	// MaxClients caps all connections outside Exempt together; 0 for no cap.
	MaxClients int
	History    History
}

// TLSListener is an address that takes TLS. Cert and Key are paths of PEM files.
type TLSListener struct{ Address, Cert, Key string }

// API is ergo's HTTP interface: status, accounts, rehash. Whoever reaches it with a token may do everything.
type API struct {
	Listen string          // "" for none
	Tokens []config.Secret // any of them is accepted
}

// Oper is an operator with all rights. PasswordHash is ergo's: bcrypt, as of `ergo genpasswd`.
type Oper struct{ Name, PasswordHash string }

// History says what clients can fetch with CHATHISTORY.
type History struct {
	// DatabaseURL is a postgresql:// URL where messages outlive a restart; "" keeps them in memory. ergo
	// knows it from 2.18 on.
	DatabaseURL config.Secret
	Expiry      time.Duration // 0 for a week
}

// Environ is what ergo needs in its environment. Debian builds it as if for an older Go, whose routes know no methods:
// without this the HTTP interface answers 404 to everything.
func Environ() map[string]string { return map[string]string{"GODEBUG": "httpmuxgo121=0"} }

const defaultExpiry = 7 * 24 * time.Hour

// Render gives the YAML that ergo loads. It refuses values that ergo would misread.
func (c Config) Render() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	data, err := yaml.Marshal(c.document())
	if err != nil {
		return nil, fmt.Errorf("render ergo's configuration: %w", err)
	}
	return data, nil
}

var (
	namePattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	hostPattern  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$`)
	tokenPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{32,128}$`)
	operPattern  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,31}$`)
)

func (c Config) check() error {
	switch {
	case !namePattern.MatchString(c.Name):
		return fmt.Errorf("network name %q must be one word of letters, digits, dots, dashes or underscores", c.Name)
	case !hostPattern.MatchString(c.ServerName) || len(c.ServerName) > 63:
		return fmt.Errorf("server name %q must look like a host name with a dot, of at most 63 characters", c.ServerName)
	case !plain(c.DataDir):
		return fmt.Errorf("network %s has no usable data folder", c.Name)
	case c.MOTD != "" && !plain(c.MOTD):
		return fmt.Errorf("network %s has no usable path of the message of the day", c.Name)
	case len(c.Listen)+len(c.ListenTLS)+len(c.ListenWebSocket) == 0:
		return fmt.Errorf("network %s listens nowhere", c.Name)
	}
	return c.checkLists()
}

func (c Config) checkLists() error {
	addresses := slices.Concat(c.Listen, c.ListenWebSocket)
	for _, listener := range c.ListenTLS {
		if !plain(listener.Cert) || !plain(listener.Key) {
			return fmt.Errorf("listener %q needs a certificate and a key", listener.Address)
		}
		addresses = append(addresses, listener.Address)
	}
	if c.API.Listen != "" {
		addresses = append(addresses, c.API.Listen)
	}
	for _, address := range addresses {
		if err := checkAddress(address); err != nil {
			return err
		}
	}
	return errors.Join(c.checkProxies(), c.checkSecrets())
}

func (c Config) checkProxies() error {
	for _, proxy := range c.Proxies {
		_, notNetwork := netip.ParsePrefix(proxy)
		if _, notAddress := netip.ParseAddr(proxy); notAddress != nil && notNetwork != nil {
			return fmt.Errorf("proxy %q is neither an address nor a network", proxy)
		}
	}
	for _, cidr := range c.Exempt {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			return fmt.Errorf("exempt network: %w", err)
		}
	}
	return nil
}

func (c Config) checkSecrets() error {
	for _, oper := range c.Opers {
		if !operPattern.MatchString(oper.Name) || !strings.HasPrefix(oper.PasswordHash, "$2") {
			return fmt.Errorf("operator %q needs a plain name and a bcrypt hash", oper.Name)
		}
	}
	if (c.API.Listen == "") != (len(c.API.Tokens) == 0) {
		return errors.New("the HTTP interface needs both a listener and a token")
	}
	for _, token := range c.API.Tokens {
		if !tokenPattern.MatchString(token.Reveal()) {
			return errors.New("a token of the HTTP interface must be 32 to 128 letters, digits, dashes or underscores")
		}
	}
	return nil
}

// checkAddress takes host:port, where host is empty, an IP literal or a name.
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listener %q is no host:port: %w", address, err)
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return fmt.Errorf("listener %q has no port from 1 to 65535", address)
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" && !hostPattern.MatchString(host) {
		return fmt.Errorf("listener %q has no usable host", address)
	}
	return nil
}

// plain is text that a path may be.
func plain(text string) bool {
	return text != "" && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
